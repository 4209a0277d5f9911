"""The way texts travel: a tiny Protocol, and the websocket that fulfils it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Protocol

from offhook.errors import ConfigurationError, ConnectFailed, ConnectionLost

if TYPE_CHECKING:
    import aiohttp


class Transport(Protocol):
    """Text both ways, in order. `receive` and `send` raise ConnectionLost once the other side is gone.

    `address` is the local address that the platform is reached from, which is where audio can be had as well.
    """

    @property
    def address(self) -> str: ...

    async def send(self, text: bytes) -> None: ...
    async def receive(self) -> str: ...
    async def close(self) -> None: ...


Opener = Callable[[str], Awaitable[Transport]]

LARGEST_FRAME = 1 << 20


class WebSocket:
    """A websocket of aiohttp, with the session it lives in."""

    def __init__(self, http: aiohttp.ClientSession, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._http = http
        self._socket = socket

    @property
    def address(self) -> str:
        return self._socket.get_extra_info("sockname")[0]

    async def send(self, text: bytes) -> None:
        try:
            await self._socket.send_str(text.decode())
        except ConnectionError as error:
            raise ConnectionLost(str(error)) from error

    async def receive(self) -> str:
        import aiohttp

        message = await self._socket.receive()
        if message.type is aiohttp.WSMsgType.TEXT:
            return message.data
        raise ConnectionLost(f"the websocket closed ({self._socket.close_code}: {message.extra or message.type.name})")

    async def close(self) -> None:
        await self._socket.close()
        await self._http.close()


async def open_websocket(url: str) -> Transport:
    """Connect; ConnectFailed where nobody answers, ConfigurationError for what is no websocket address."""
    import aiohttp

    http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None, sock_connect=10))
    try:
        return WebSocket(http, await http.ws_connect(url, max_msg_size=LARGEST_FRAME))
    except aiohttp.InvalidURL as error:
        await http.close()
        raise ConfigurationError(f"{url!r} is no websocket address (ws:// or wss://)") from error
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        await http.close()
        raise ConnectFailed(f"cannot connect to {url}: {error}") from error
    except BaseException:
        await http.close()
        raise
