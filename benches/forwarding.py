"""What a forwarded G.711 packet costs between far ends without WebRTC, as SIP's are: our core beside rtpengine."""

import asyncio

import msgspec

from benches import plain_rtp, rtpengine
from benches.peer import peer
from benches.plain_rtp import PlainTalker, PlainTalkers
from benches.processes import NoPeer

OURS = "benches.peers.offhook_relay"
SETTLE_SECONDS = 1.0


class Bridges(msgspec.Struct, frozen=True):
    """So many bridges, talked over for so long. Of each the first far end is `caller`, the second on plain RTP."""

    count: int
    seconds: float
    caller: type[PlainTalker] = PlainTalker


class Forwarded(msgspec.Struct, frozen=True):
    """What it took to receive and send so many packets."""

    packets: int
    cpu_seconds: float

    @property
    def microseconds(self) -> float:
        return 1e6 * self.cpu_seconds / max(1, self.packets)


async def by_us(bridges: Bridges) -> Forwarded:
    """NoPeer where our core does not take what the far ends offer."""
    async with peer(OURS) as process, plain_rtp.talking() as talkers:
        for _ in range(bridges.count):
            for kind in (bridges.caller, PlainTalker):
                far_end = talkers.new(kind)
                answer = await process.ask({"offer": far_end.offer()})
                if "refused" in answer:
                    raise NoPeer(f"our core: {answer['refused']}")
                far_end.accept(answer["answer"])
        before = await _settled(talkers), await process.cpu()
        await asyncio.sleep(bridges.seconds)
        after = talkers.heard(), await process.cpu()
        await talkers.expect_sound()
    return Forwarded(after[0] - before[0], after[1] - before[1])


async def by_rtpengine(bridges: Bridges) -> Forwarded:
    """NoPeer where there is none."""
    async with rtpengine.running() as engine, plain_rtp.talking() as talkers:
        for number in range(bridges.count):
            caller, callee = talkers.new(bridges.caller), talkers.new()
            to_caller, to_callee = await engine.bridge(f"bench-{number}", caller.offer(), callee.offer())
            caller.accept(to_caller)
            callee.accept(to_callee)
        before = await _settled(talkers), engine.cpu()
        await asyncio.sleep(bridges.seconds)
        after = talkers.heard(), engine.cpu()
        await talkers.expect_sound()
    return Forwarded(after[0] - before[0], after[1] - before[1])


async def _settled(talkers: PlainTalkers) -> int:
    """What they have heard once all of them talk."""
    await asyncio.sleep(SETTLE_SECONDS)
    return talkers.heard()
