"""Gets the audio that decisions have asked for, in the background, and tells of it. Knows neither calls nor files."""

import asyncio
from collections.abc import AsyncIterator, Callable

import structlog

from offhook.engine.ports import AudioSource, NoAudio
from offhook.voice.effect import Discard, Prepare
from offhook.voice.signal import AudioFailed, AudioReady, AudioSignal
from offhook.voice.sound import Clip, Source

_log = structlog.get_logger("offhook.engine")


class Preparer:
    """One task for each item that is being prepared. `tell` takes what comes of it, to the leg's owner of that time."""

    def __init__(self, audio: AudioSource, tell: Callable[[AudioSignal], None]) -> None:
        self._audio = audio
        self._tell = tell
        self._tasks: dict[tuple[str, int], asyncio.Task[None]] = {}

    def prepare(self, it: Prepare) -> None:
        """Begin to get an item's audio."""
        task = asyncio.create_task(self._prepare(it), name=f"audio {it.leg}/{it.item}")
        self._tasks[it.leg, it.item] = task
        task.add_done_callback(lambda _: self._tasks.pop((it.leg, it.item), None))

    def discard(self, it: Discard) -> None:
        """Get no more of it."""
        task = self._tasks.get((it.leg, it.item))
        if task is not None:
            task.cancel()

    async def stop(self) -> None:
        """Get no more of anything."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _prepare(self, it: Prepare) -> None:
        try:
            if it.pieces == "whole":
                self._tell(AudioReady(it.leg, it.item, await self._whole(it)))
            else:
                await self._pieces(it)
        except NoAudio as error:
            self._tell(AudioFailed(it.leg, it.item, error.failure, str(error)))
        except Exception:
            _log.exception("audio could not be prepared", source=type(it.source).__name__)
            self._tell(AudioFailed(it.leg, it.item, "failed", "internal error"))

    async def _pieces(self, it: Prepare) -> None:
        async for clip in self._audio.clips(it.account_id, it.source):
            self._tell(AudioReady(it.leg, it.item, clip, "some"))
        self._tell(AudioReady(it.leg, it.item, None, "all"))

    async def _whole(self, it: Prepare) -> Clip:
        clips = [clip async for clip in self._audio.clips(it.account_id, it.source)]
        rates = {clip.rate for clip in clips}
        if len(rates) != 1:
            raise NoAudio("failed", "there is nothing to be heard in it")
        return Clip(rates.pop(), b"".join(clip.pcm for clip in clips))


class _NothingToPlay:
    """A platform that has no audio to play."""

    async def clips(self, account_id: str, source: Source) -> AsyncIterator[Clip]:  # noqa: ARG002
        raise NoAudio("failed", "this platform plays nothing")
        yield  # an iterator, if one without end or beginning


NOTHING_TO_PLAY: AudioSource = _NothingToPlay()
