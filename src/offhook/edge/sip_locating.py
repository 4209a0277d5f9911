"""Where the gateways of trunks are: names to addresses, addresses to flows. Knows no trunk."""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import AsyncIterator

import structlog

from offhook.edge.sip_transport import Flow, Listeners
from offhook.voice.trunk import Gateway

_log = structlog.get_logger("offhook.edge")

PORT, TLS_PORT = 5060, 5061
CONNECT_SECONDS = 4.0


class Locator:
    """Finds ways by `listeners`; certificates are judged by `trusted`."""

    def __init__(self, listeners: Listeners, trusted: ssl.SSLContext | None = None) -> None:
        self._listeners = listeners
        self._trusted = trusted
        self._connections: dict[tuple[str, str, int], Flow] = {}

    async def ways(self, gateway: Gateway) -> AsyncIterator[Flow]:
        """Those to a gateway, one after the other. What cannot be reached is passed over."""
        transport = gateway.transport or "UDP"
        port = gateway.port or (TLS_PORT if transport == "TLS" else PORT)
        for address in await self.addresses(gateway.host):
            try:
                if transport == "UDP":
                    yield self._listeners.datagrams(address, port)
                else:
                    yield await self._connection(gateway.host, address, port, tls=transport == "TLS")
            except (OSError, TimeoutError) as why:
                _log.info("sip.unreachable", transport=transport, why=type(why).__name__)

    async def addresses(self, host: str) -> list[str]:
        """The IP addresses of a host; an address is its own."""
        try:
            return [str(ipaddress.ip_address(host))]
        except ValueError:
            pass
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_DGRAM)
        except (OSError, UnicodeError):
            return []
        return list(dict.fromkeys(str(where[0]) for *_, where in found))

    async def _connection(self, name: str, address: str, port: int, *, tls: bool) -> Flow:
        """The one that is open already, or a new one."""
        key = ("TLS" if tls else "TCP", address, port)
        known = self._connections.get(key)
        if known is not None and known.is_open:
            return known
        context = (self._trusted or ssl.create_default_context()) if tls else None
        async with asyncio.timeout(CONNECT_SECONDS):
            flow = await self._listeners.connect(address, port, context, name)
        self._connections[key] = flow
        return flow
