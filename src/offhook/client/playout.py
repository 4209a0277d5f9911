"""What has been given to a call to play, and how much of it has been heard. Knows marks and milliseconds, no core."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from offhook.errors import AudioFormatError, MediaError
from offhook.media import commands, events

STEP_MS = 100  # how finely `position` moves
HELD_MS = 60_000  # how much may wait for the answer: a greeting, not a leak


class Playout:
    """The queue of one port. `send` takes the core's commands; `played` must be given the core's reports.

    What is written before `flow` waits here: nobody would hear it yet.
    """

    def __init__(self, port: int, send: Callable[[commands.Command], None]) -> None:
        self._port = port
        self._send = send
        self._mark = 0
        self._waiting: dict[int, float] = {}  # ms of each chunk that has not been reported yet
        self._held: list[commands.Feed] | None = []  # until it flows
        self._moved = asyncio.Event()
        self._closed = False
        self.position = 0

    @property
    def ahead_ms(self) -> float:
        """How much is written and not yet played."""
        return sum(self._waiting.values())

    def write(self, pcm: bytes, rate: int) -> None:
        """Append int16 mono PCM; returns at once. MediaError `early` where too much waits for the answer already."""
        if len(pcm) % 2:
            raise AudioFormatError("pcm", "an odd number of bytes is not int16")
        if not 8_000 <= rate <= 192_000:
            raise AudioFormatError("pcm", f"{rate} Hz is no sample rate")
        if self._held is not None and self.ahead_ms + len(pcm) / 2 / rate * 1000 > HELD_MS:
            raise MediaError("early", f"{HELD_MS // 1000} s are written, and the call is not answered yet")
        step = 2 * (rate * STEP_MS // 1000)
        for start in range(0, len(pcm), step):
            self._feed(pcm[start : start + step], rate)

    def _feed(self, pcm: bytes, rate: int) -> None:
        if self._closed:
            return
        self._mark += 1
        self._waiting[self._mark] = len(pcm) / 2 / rate * 1000
        chunk = commands.Feed(self._port, rate, pcm, self._mark)
        if self._held is None:
            self._send(chunk)
        else:
            self._held.append(chunk)

    def flow(self) -> None:
        """The far end can hear us from now on. A second time does nothing."""
        held, self._held = self._held, None
        for chunk in held or ():
            self._send(chunk)

    def clear(self) -> None:
        """Throw away what has not been played."""
        if self._held is not None:
            self._held.clear()
            self._waiting.clear()
            self._moved.set()
        elif self._waiting:
            self._send(commands.ClearFeed(self._port))

    def played(self, report: events.FeedPlayed) -> None:
        self._waiting.pop(report.mark, None)
        self.position = report.played_ms
        self._moved.set()

    def close(self) -> None:
        """Nothing will be played any more; who waits goes on."""
        self._closed, self._held = True, None
        self._waiting.clear()
        self._moved.set()

    async def until(self, ahead_ms: float) -> None:
        """Wait until at most `ahead_ms` are left to play (or the call is over)."""
        while self._waiting and self.ahead_ms > ahead_ms:
            self._moved.clear()
            await self._moved.wait()
