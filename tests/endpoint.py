"""An HTTP server on loopback that answers as a test says, byte by byte if need be, and keeps what it was sent."""

import asyncio
from collections.abc import Awaitable, Callable

Answer = Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]
OK = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 2\r\n\r\nhi"


class Endpoint:
    """A server on loopback that answers every request with `answer`, and keeps what it was sent."""

    def __init__(self) -> None:
        self.requests: list[bytes] = []
        self.answer: Answer = says(OK)
        self._serving: set[asyncio.Task[None]] = set()
        self._came = asyncio.Event()

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> "Endpoint":
        self._server = await asyncio.start_server(self._accept, host, port)
        self.port: int = self._server.sockets[0].getsockname()[1]
        self.url = f"http://{host}:{self.port}/"
        return self

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._serve(reader, writer))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(
                    (
                        int(line.split(b":")[1])
                        for line in head.split(b"\r\n")
                        if line.lower().startswith(b"content-length")
                    ),
                    0,
                )
                self.requests.append(head + await reader.readexactly(length))
                self._came.set()
                await self.answer(self.requests[-1], writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def after(self, count: int) -> list[tuple[dict[str, str], bytes]]:
        """Headers (names in lower case) and bodies of all requests, once there are so many."""
        while len(self.requests) < count:
            self._came.clear()
            await self._came.wait()
        return [parted(request) for request in self.requests]

    async def stop(self) -> None:
        """Close the port and every connection."""
        self._server.close()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)


def says(*parts: bytes) -> Answer:
    """An answer of these bytes, in one piece."""

    async def answer(_request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"".join(parts))
        await writer.drain()

    return answer


def parted(request: bytes) -> tuple[dict[str, str], bytes]:
    """A request's headers, names in lower case, and its body."""
    head, _, body = request.partition(b"\r\n\r\n")
    lines = [line.partition(": ") for line in head.decode().split("\r\n")[1:]]
    return {name.lower(): value for name, _, value in lines}, body
