"""What REGISTERs and calls over SIP cost, beside servers of others. The load comes from sipp, which is not counted."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable
from typing import Any, Literal, NamedTuple

from benches import processes, rtpengine, scenarios, sip_peers, sipp
from benches.platform import Identity, Platform, running
from benches.scenarios import Proof
from benches.sip_peers import DOMAIN, SipPeer
from benches.sipp import Server, Sipp

AT_ONCE = 16
USERS = 100
# What each of the two says in a call with audio: so long, and so many packets of it that must arrive at least.
TALK_MILLISECONDS = 200
HEARD_AT_LEAST = 5
WARM_UP = 50

Audio = Literal["silent", "talking"]


class Done(NamedTuple):
    """So many pieces of work took so many CPU seconds of the server."""

    times: int
    cpu: float

    @property
    def per_cpu_second(self) -> float:
        return self.times / max(0.01, self.cpu)


class Echo(asyncio.DatagramProtocol):
    """The ear and mouth of everybody who is called: what it hears it says."""

    def __init__(self) -> None:
        self.heard = 0
        self._transport: asyncio.DatagramTransport

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.heard += 1
        self._transport.sendto(data, addr)


@contextlib.asynccontextmanager
async def echoing() -> AsyncGenerator[tuple[Echo, int], None]:
    """One, and its port."""
    loop = asyncio.get_running_loop()
    transport, echo = await loop.create_datagram_endpoint(Echo, local_addr=("127.0.0.1", 0))
    try:
        yield echo, transport.get_extra_info("sockname")[1]
    finally:
        transport.close()


# ---- REGISTER ----------------------------------------------------------------------------------------------------


async def registers(count: int) -> Done:
    """Ours: a REGISTER, the challenge, the REGISTER with the proof, of `USERS` phones in turn."""
    async with running() as platform:
        users = await platform.credentials(USERS)
        return await _registers(_server_of(platform), users, count, platform.cpu)


async def registers_of_kamailio(count: int) -> Done:
    users = [Identity(f"bench{number}", f"secret{number}") for number in range(USERS)]
    async with sip_peers.kamailio(users) as peer:
        return await _registers(Server(peer.address, DOMAIN), users, count, peer.cpu)


async def _registers(server: Server, users: list[Identity], count: int, cpu: Callable[[], float]) -> Done:
    with sipp.opened(server) as far_ends:
        await far_ends.run(scenarios.registers(), users, len(users), AT_ONCE)
        before = cpu()
        await far_ends.run(scenarios.registers(), users, count, AT_ONCE)
        return Done(count, cpu() - before)


# ---- calls -------------------------------------------------------------------------------------------------------


async def calls(count: int, audio: Audio) -> Done:
    """Ours: a phone that proves who it is calls another, from INVITE to BYE, each leg with a port, rows, a ladder, a
    detail record."""
    async with running() as platform, echoing() as (echo, media_port):
        caller, callee = await platform.credentials(2)
        port = processes.free_port()
        with sipp.opened(_server_of(platform)) as far_ends:
            await far_ends.run(scenarios.registers(), [callee], 1, 1, port=port)
            load = _Load(far_ends, caller, callee.login, "asked for proof", audio)
            async with far_ends.serving(scenarios.is_called(media_port), port):
                return await load.measured(count, platform.cpu, echo)


async def calls_of_kamailio(count: int, audio: Audio) -> Done:
    """A proxy, which passes calls on and makes none: the floor. With audio its rtpengine counts too."""
    port = processes.free_port()
    async with contextlib.AsyncExitStack() as stack:
        engine = await stack.enter_async_context(rtpengine.running()) if audio == "talking" else None
        peer = await stack.enter_async_context(
            sip_peers.kamailio(callee_port=port, rtpengine_port=engine.port if engine else 0)
        )
        also = engine.cpu if engine else float
        return await _calls_of_peer(peer._replace(cpu=lambda: peer.cpu() + also()), port, count, audio)


async def calls_of_sippy(count: int) -> Done:
    """A back-to-back agent that keeps nothing, asks nobody, and has no audio pass."""
    port = processes.free_port()
    async with sip_peers.sippy(port) as peer:
        return await _calls_of_peer(peer, port, count, "silent")


async def _calls_of_peer(peer: SipPeer, port: int, count: int, audio: Audio) -> Done:
    async with echoing() as (echo, media_port):
        with sipp.opened(Server(peer.address, DOMAIN)) as far_ends:
            load = _Load(far_ends, Identity("caller", ""), "callee", "taken as known", audio)
            async with far_ends.serving(scenarios.is_called(media_port), port):
                return await load.measured(count, peer.cpu, echo)


class _Load(NamedTuple):
    far_ends: Sipp
    caller: Identity
    callee: str
    proof: Proof
    audio: Audio

    async def measured(self, count: int, cpu: Callable[[], float], echo: Echo) -> Done:
        """RuntimeError where far ends that talk are not heard."""
        await self._call(min(count, WARM_UP))
        before, heard = cpu(), echo.heard
        await self._call(count)
        heard = echo.heard - heard
        if self.audio == "talking" and heard < count * HEARD_AT_LEAST:
            raise RuntimeError(f"in {count} calls only {heard} packets were heard")
        return Done(count, cpu() - before)

    async def _call(self, count: int) -> None:
        milliseconds = TALK_MILLISECONDS if self.audio == "talking" else 0
        scenario = scenarios.calls(self.proof, milliseconds)
        await self.far_ends.run(scenario, [self.caller], count, AT_ONCE, self.callee)


def _server_of(platform: Platform) -> Server:
    return Server(platform.sip_address, platform.domain)
