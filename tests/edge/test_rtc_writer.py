"""Category: unit. The way out of one websocket: the order of frames, whoever hands them over."""

import asyncio
from typing import Any, cast

from aiohttp import web

from offhook.edge.rtc_writer import Writer
from offhook.testing.clock import LoopClock


class SlowSocket:
    """A websocket that takes a frame whenever it is let."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []
        self.room = asyncio.Semaphore(0)

    async def send_frame(self, frame: bytes, _kind: Any) -> None:
        await self.room.acquire()
        self.taken.append(frame)

    def get_write_buffer_size(self) -> int:
        return 0


async def test_a_flush_waits_for_the_flush_that_is_under_way() -> None:
    socket = SlowSocket()
    writer = Writer(cast("web.WebSocketResponse", socket), cast("asyncio.Transport", socket), LoopClock(), lambda: None)
    writer.write([b"one", b"two"])
    first = asyncio.create_task(writer.flush())
    await asyncio.sleep(0)
    last = asyncio.create_task(writer.flush())  # what closes the socket waits for this
    last.add_done_callback(lambda _: socket.taken.append(b"close"))
    for _ in range(2):
        await asyncio.sleep(0)
    for _ in range(3):
        socket.room.release()
    await asyncio.gather(first, last)
    await asyncio.sleep(0)
    assert socket.taken == [b"one", b"two", b"close"]
