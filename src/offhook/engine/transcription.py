"""Transcription of legs: the seam for engines, and one task for each leg that is transcribed. Understands no speech.

An engine is a plug-in: an entry point of the group `offhook.transcription`, whose name is the one to be configured and
whose object, called without arguments, gives a `Transcriber`. None is built in: a good one needs a model that has to be
downloaded. Without one the command is refused, and says so.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from importlib.metadata import entry_points
from typing import Literal, Protocol, cast

import msgspec
import structlog

from offhook.engine.tapping import Taps
from offhook.media.events import Tapped
from offhook.voice import effect
from offhook.voice.signal import Transcribed
from offhook.voice.sound import Clip

GROUP = "offhook.transcription"
RATE = 16_000
# 10 s of audio for an engine that is busy; then it misses some.
MAX_WAITING = 500
_log = structlog.get_logger("offhook.engine")

Track = Literal["inbound", "outbound"]


class Understood(msgspec.Struct, frozen=True):
    """Some text that was said. `confidence` is 0 to 1; what is `interim` may be corrected by what follows."""

    transcript: str
    confidence: float = 1.0
    certainty: Literal["final", "interim"] = "final"


class Transcriber(Protocol):
    """A transcription engine. Its methods are called on the loop and must not block it."""

    def listen(self, audio: AsyncIterator[Clip], language: str) -> AsyncIterator[Understood]:
        """What is understood of a leg's audio: clips of 20 ms at 16 kHz, to the end of the transcription. `language` is
        as the customer wrote it, and may be empty."""
        ...

    async def close(self) -> None:
        """The platform stops."""
        ...


class NoTranscriber(Exception):
    """There is no such engine; the text says what to do."""


def transcriber(name: str = "") -> Transcriber:
    """The engine of this name, or without one the first that is installed; NoTranscriber where there is none."""
    found = [each for each in entry_points(group=GROUP) if name in ("", each.name)]
    if not found:
        which = f"{name!r} " if name else ""
        raise NoTranscriber(f"no transcription engine {which}is installed (a package with an entry point {GROUP})")
    return cast(Callable[[], Transcriber], found[0].load())()


class Transcriptions:
    """All transcriptions, by their ids. `tell` takes what is understood."""

    def __init__(self, taps: Taps, engine: Transcriber | None, tell: Callable[[Transcribed], None]) -> None:
        self._taps = taps
        self._engine = engine
        self._tell = tell
        self._running: dict[str, tuple[int, list[asyncio.Task[None]]]] = {}

    def start(self, it: effect.StartTranscription) -> None:
        """Let the engine listen."""
        if self._engine is None:
            return
        names: tuple[Track, ...] = ("inbound", "outbound")
        waiting: dict[Track, asyncio.Queue[Clip]] = {
            name: asyncio.Queue[Clip](MAX_WAITING) for name in names if it.wanted.tracks in (name, "both")
        }

        def tapped(event: Tapped) -> None:
            for track, queue in waiting.items():
                if not queue.full():
                    queue.put_nowait(Clip(event.rate, event.inbound if track == "inbound" else event.outbound))

        tap = self._taps.begin(it.port, it.wanted.tracks, tapped, "pcm", RATE)
        tasks = [
            asyncio.create_task(self._run(self._engine, it, track, queue), name=f"transcription {it.transcription}")
            for track, queue in waiting.items()
        ]
        self._running[it.transcription] = tap, tasks

    def stop(self, it: effect.StopTranscription) -> None:
        """Let it listen no more."""
        running = self._running.pop(it.transcription, None)
        if running is None:
            return
        tap, tasks = running
        self._taps.end(tap)
        for task in tasks:
            task.cancel()

    async def close(self) -> None:
        """End them all, and the engine."""
        tasks = [task for _, tasks in self._running.values() for task in tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._engine is not None:
            await self._engine.close()

    async def _run(
        self, engine: Transcriber, it: effect.StartTranscription, track: Track, queue: "asyncio.Queue[Clip]"
    ) -> None:
        try:
            async for each in engine.listen(_clips(queue), it.wanted.language):
                if each.certainty == "final" or it.wanted.results == "interim":
                    said = each.transcript, each.confidence, each.certainty, track
                    self._tell(Transcribed(it.leg, it.transcription, *said))
        except Exception:
            _log.exception("a transcription engine failed")


async def _clips(queue: "asyncio.Queue[Clip]") -> AsyncIterator[Clip]:
    while True:
        yield await queue.get()
