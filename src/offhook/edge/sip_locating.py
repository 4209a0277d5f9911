"""Where the gateways of trunks are: hosts to servers as RFC 3263 says, servers to flows. Knows no trunk.

What a customer has named may lead only where a customer's URLs may: every address is checked once it is known, and
that very address is gone to. Certificates must be of the name that was asked for, whatever the DNS made of it (RFC 5922
section 4).
"""

import asyncio
import ipaddress
import ssl
from collections.abc import AsyncIterator, Callable, Iterable
from weakref import WeakValueDictionary

import structlog

from offhook.edge.fetch import Reach, allowed
from offhook.edge.sip_names import Names
from offhook.edge.sip_transport import Flow, Listeners
from offhook.engine.ports import Chance
from offhook.voice.trunk import Gateway, Kind
from offhook.wire.sip_locating import Silent, Target, locate

_log = structlog.get_logger("offhook.edge")

CONNECT_SECONDS = 4.0
_ROLL_DIGITS = 9


class Locator:
    """Finds ways by `listeners`. `reach` is what customers may have us connect to; certificates are judged by
    `trusted`, or as the system does."""

    def __init__(
        self,
        listeners: Listeners,
        names: Names,
        chance: Chance,
        now: Callable[[], float],
        reach: Reach = "public",
        trusted: ssl.SSLContext | None = None,
    ) -> None:
        self._listeners = listeners
        self._names = names
        self._chance = chance
        self._now = now
        self._reach: Reach = reach
        self._trusted = trusted
        self._silent = Silent()
        # By what was connected to, and the name that its certificate was proved to be of.
        self._connections: dict[tuple[Target, str], Flow] = {}
        self._connecting: WeakValueDictionary[tuple[Target, str], asyncio.Lock] = WeakValueDictionary()

    async def ways(self, gateways: Iterable[Gateway], kind: Kind) -> AsyncIterator[tuple[Gateway, Flow]]:
        """Those to the gateways of a trunk of that kind, one after the other. What cannot be reached is passed over;
        what has not answered lately comes last."""
        last: list[tuple[Gateway, Target]] = []
        for gateway in gateways:
            async for target in self._servers(gateway, kind):
                if self._silent.has(target, self._now()):
                    last.append((gateway, target))
                elif flow := await self._flow(gateway, target):
                    yield gateway, flow
        for gateway, target in last:
            if flow := await self._flow(gateway, target):
                yield gateway, flow

    def failed(self, flow: Flow) -> None:
        """Nothing came of a way: others are tried first for a while."""
        self._silent.failed(_target(flow), self._now())

    def answered(self, flow: Flow) -> None:
        """Somebody is there."""
        self._silent.answered(_target(flow))

    async def addresses(self, host: str) -> list[str]:
        """The IP addresses of a host; an address is its own."""
        return await self._names.addresses(host)

    async def addresses_of(self, gateway: Gateway) -> list[str]:
        """Those of all servers of a gateway."""
        targets = await self._located(gateway)
        return [address for target in targets for address in await self._names.addresses(target.host)]

    async def _servers(self, gateway: Gateway, kind: Kind) -> AsyncIterator[Target]:
        """Each with the IP address that it is reached at."""
        for target in await self._located(gateway):
            for address in await self._names.addresses(target.host):
                if kind == "carrier" or allowed(ipaddress.ip_address(address.partition("%")[0]), self._reach):
                    yield Target(target.transport, address, target.port)
                else:
                    _log.info("sip.unreachable", transport=target.transport, why="this server may not connect there")

    async def _located(self, gateway: Gateway) -> tuple[Target, ...]:
        asking = locate(gateway.host, gateway.port, gateway.transport, self._roll)
        try:
            question = next(asking)
            while True:
                question = asking.send(await self._names.ask(question))
        except StopIteration as end:
            return end.value

    def _roll(self, most: int) -> int:
        return int(self._chance.number(_ROLL_DIGITS)) % (most + 1)

    async def _flow(self, gateway: Gateway, target: Target) -> Flow | None:
        try:
            if target.transport == "UDP":
                return self._listeners.datagrams(target.host, target.port)
            return await self._connection(gateway.host, target)
        except OSError as why:  # also of TLS, and TimeoutError
            self._silent.failed(target, self._now())
            _log.info("sip.unreachable", transport=target.transport, why=type(why).__name__)
            return None

    async def _connection(self, name: str, target: Target) -> Flow:
        """The one that is open already, or a new one; who comes meanwhile shares it."""
        key = (target, name if target.transport == "TLS" else "")
        lock = self._connecting.setdefault(key, asyncio.Lock())
        async with lock:
            known = self._connections.get(key)
            if known is not None and known.is_open:
                return known
            self._connections = {each: flow for each, flow in self._connections.items() if flow.is_open}
            context = (self._trusted or ssl.create_default_context()) if target.transport == "TLS" else None
            async with asyncio.timeout(CONNECT_SECONDS):
                flow = await self._listeners.connect(target.host, target.port, context, name)
            self._connections[key] = flow
            return flow


def _target(flow: Flow) -> Target:
    assert flow.transport in ("UDP", "TCP", "TLS")  # nobody is gone to over a websocket
    return Target(flow.transport, *flow.peer)
