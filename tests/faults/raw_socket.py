"""A websocket client made of a bare TCP stream: it sends what no honest client would, byte by byte (RFC 6455)."""

import asyncio
import contextlib
import json
import socket
import struct
from typing import Any, Self

TEXT, BINARY, CLOSE, PING, PONG, CONTINUATION = 0x1, 0x2, 0x8, 0x9, 0xA, 0x0
_KEY = "dGhlIHNhbXBsZSBub25jZQ=="


def header(length: int, opcode: int = TEXT, fin: bool = True, rsv: int = 0) -> bytes:
    """The head of a masked frame; the mask is zero, so that payloads stay readable."""
    first = (0x80 if fin else 0) | rsv | opcode
    if length < 126:
        return struct.pack("!BB", first, 0x80 | length) + bytes(4)
    if length < 65536:
        return struct.pack("!BBH", first, 0x80 | 126, length) + bytes(4)
    return struct.pack("!BBQ", first, 0x80 | 127, length) + bytes(4)


def frame(payload: bytes | str, opcode: int = TEXT, fin: bool = True, rsv: int = 0) -> bytes:
    data = payload.encode() if isinstance(payload, str) else payload
    return header(len(data), opcode, fin, rsv) + data


class RawSocket:
    """Use as a context manager; `connect` and `upgrade` before the rest."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter
        self.response = ""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        self._writer.transport.abort()
        with contextlib.suppress(ConnectionError):
            await self._writer.wait_closed()

    async def connect(self, source: str = "127.0.0.1", receive_buffer: int | None = None) -> Self:
        raw = socket.socket()
        if receive_buffer is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        raw.bind((source, 0))
        raw.connect(("127.0.0.1", self._port))
        raw.setblocking(False)
        self._reader, self._writer = await asyncio.open_connection(sock=raw, limit=4096 if receive_buffer else 2**16)
        return self

    async def upgrade(self, **headers: str) -> int:
        """The status of the server's response, whose whole head is then in `response`."""
        fields = {
            "Host": f"127.0.0.1:{self._port}",
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Key": _KEY,
            "Sec-WebSocket-Version": "13",
        } | {name.replace("_", "-"): value for name, value in headers.items()}
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        self.send(f"GET /?voice_sdk_id=x HTTP/1.1\r\n{lines}\r\n".encode())
        self.response = (await self._reader.readuntil(b"\r\n\r\n")).decode()
        return int(self.response.split()[1])

    def send(self, data: bytes) -> None:
        self._writer.write(data)

    async def send_all(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    def ask(self, **frame_fields: Any) -> None:
        self.send(frame(json.dumps(frame_fields)))

    async def read_frame(self) -> tuple[int, bytes]:
        """The opcode and payload of the next frame."""
        first, second = await self._reader.readexactly(2)
        length = second & 0x7F
        if length == 126:
            (length,) = struct.unpack("!H", await self._reader.readexactly(2))
        elif length == 127:
            (length,) = struct.unpack("!Q", await self._reader.readexactly(8))
        return first & 0x0F, await self._reader.readexactly(length)

    async def hear(self) -> dict[str, Any]:
        """The next text frame."""
        opcode, payload = await self.read_frame()
        assert opcode == TEXT, (opcode, payload)
        return json.loads(payload)

    async def answer_to(self, frame_id: object) -> dict[str, Any]:
        """The answer to one request; what comes before it is passed over."""
        while True:
            message = await self.hear()
            if "method" not in message and message["id"] == frame_id:
                return message

    async def log_in(self, username: str = "alice", password: str = "right", **fields: Any) -> dict[str, Any]:
        params = {"login": username, "passwd": password, **fields}
        self.ask(id="login", method="login", params=params)
        return await self.answer_to("login")

    async def pong(self) -> bool:
        """Whether the server still answers this socket."""
        self.ask(id="are-you-there", method="telnyx_rtc.ping", params={})
        return "result" in await self.answer_to("are-you-there")

    async def close_code(self) -> int:
        """The code of the server's close frame; other frames before it are passed over."""
        while True:
            opcode, payload = await self.read_frame()
            if opcode == CLOSE:
                return struct.unpack("!H", payload[:2])[0]

    async def gone(self) -> bool:
        """Wait until the server has let go of the connection, reading the rest."""
        try:
            while await self._reader.read(65536):
                pass
        except ConnectionError:
            pass
        return True
