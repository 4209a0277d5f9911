"""The ways out for a call's audio: websockets through the guarded client, datagrams to checked addresses. No frames."""

import contextlib
import ipaddress
import socket

import aiohttp

from offhook.edge.fetch import GuardedFetch, Reach, allowed
from offhook.engine.ports import Headers, SocketClosed

# A whole MP3, or 30 s of the widest PCM, as base64.
MAX_MESSAGE = 4 << 20
# RFC 6455 section 7.4: done, going away, no code given. Everything else is a loss.
_ORDERLY = frozenset((1000, 1001, 1005))
# One that reads but never says anything is found out by its pongs.
HEARTBEAT_SECONDS = 20.0


class Websocket:
    """Implements `ports.MediaSocket`."""

    def __init__(self, websocket: aiohttp.ClientWebSocketResponse) -> None:
        self._websocket = websocket

    async def send(self, text: str) -> None:
        try:
            await self._websocket.send_str(text)
        except (aiohttp.ClientError, ConnectionError):
            raise self._closed() from None

    async def receive(self) -> str:
        while True:
            message = await self._websocket.receive()
            if message.type is aiohttp.WSMsgType.TEXT:
                return message.data
            if message.type is not aiohttp.WSMsgType.BINARY:
                raise self._closed()

    async def close(self) -> None:
        with contextlib.suppress(aiohttp.ClientError, ConnectionError, TimeoutError):
            await self._websocket.close()

    def _closed(self) -> SocketClosed:
        code = self._websocket.close_code
        orderly = code in _ORDERLY
        return SocketClosed("orderly" if orderly else "lost", f"the connection was lost (code {code})")


class GuardedSockets:
    """Implements `ports.MediaSockets`."""

    def __init__(self, fetch: GuardedFetch) -> None:
        self._fetch = fetch

    async def open(self, url: str, headers: Headers, seconds: float) -> Websocket:
        websocket = await self._fetch.websocket(url, headers, seconds, MAX_MESSAGE, HEARTBEAT_SECONDS)
        return Websocket(websocket)


class GuardedDatagrams:
    """Implements `ports.Datagrams`: one socket for each address family. Close it."""

    def __init__(self, reach: Reach) -> None:
        self._reach: Reach = reach
        self._sockets: dict[int, socket.socket] = {}

    def allowed(self, address: str) -> bool:
        return allowed(ipaddress.ip_address(address), self._reach)

    def send(self, address: str, port: int, data: bytes) -> None:
        if self.allowed(address):
            # What the network does not take now is lost, as datagrams are.
            with contextlib.suppress(OSError):
                self._socket(ipaddress.ip_address(address).version).sendto(data, (address, port))

    def close(self) -> None:
        for each in self._sockets.values():
            each.close()

    def _socket(self, version: int) -> socket.socket:
        if version not in self._sockets:
            made = socket.socket(socket.AF_INET if version == 4 else socket.AF_INET6, socket.SOCK_DGRAM)
            made.setblocking(False)
            self._sockets[version] = made
        return self._sockets[version]
