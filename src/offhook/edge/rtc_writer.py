"""The way out of one websocket: frames in order, and a bound on what a client that does not read may cost."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

from aiohttp import WSMsgType, web

from offhook.engine.ports import Clock

MAX_QUEUED = 1024 * 1024
STUCK_SECONDS = 30.0
# Beyond this many bytes aiohttp waits for the client, and the rest stays in our queue, where it is counted.
AIOHTTP_LIMIT = 64 * 1024


class Writer:
    """Queue frames with `write`; they leave by `flush`, which the socket's own task awaits, or by a task of their
    own after `flush_soon`. `overflowed` is called once, when the queue passes its bound."""

    def __init__(
        self,
        socket: web.WebSocketResponse,
        transport: asyncio.Transport,
        clock: Clock,
        overflowed: Callable[[], None],
    ) -> None:
        self._socket = socket
        self._transport = transport
        self._clock = clock
        self._overflowed = overflowed
        self._queue: deque[bytes] = deque()
        self._queued = 0
        self._task: asyncio.Task[None] | None = None
        self._turn = asyncio.Lock()
        self._busy_since = 0.0

    @property
    def pending(self) -> int:
        """Bytes that have not reached the kernel."""
        return self._queued + self._transport.get_write_buffer_size()

    def write(self, frames: Sequence[bytes]) -> None:
        """Queue frames; `overflowed` where that is too much."""
        if frames and not self.pending:
            self._busy_since = self._clock.monotonic()
        for frame in frames:
            self._queue.append(frame)
            self._queued += len(frame)
        if frames and self.pending > MAX_QUEUED:
            self._drop()
            self._overflowed()

    async def flush(self) -> None:
        """Hand the queue to the socket; returns when all that was queued before is handed over, whoever does it."""
        async with self._turn:
            try:
                while self._queue:
                    frame = self._queue.popleft()
                    self._queued -= len(frame)
                    await self._socket.send_frame(frame, WSMsgType.TEXT)
            except ConnectionError:
                self._drop()  # the reading side notices the loss and reports it

    def flush_soon(self) -> None:
        if self._queue and not self._turn.locked() and (self._task is None or self._task.done()):
            self._task = asyncio.create_task(self.flush())

    def stuck_at(self) -> float:
        """When the client will have left us with bytes for too long, if it reads no more from now on."""
        return self._busy_since + STUCK_SECONDS if self.pending else float("inf")

    async def stop(self) -> None:
        """No task stays behind."""
        self._drop()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _drop(self) -> None:
        self._queue.clear()
        self._queued = 0
