"""Customers' audio files become PCM that the core plays: decoded in bounded processes, kept by content. No URLs."""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable

import msgspec

from offhook.engine.ports import NoAudio
from offhook.engine.worker import Crew, WorkerFailed
from offhook.voice.sound import Clip

MAX_BYTES = 20 << 20
DECODE_SECONDS = 10.0
DECODERS = 2
CACHE_BYTES = 128 << 20


class ClipCache:
    """Clips by what they were made from, the one used last forgotten last; together at most `size` bytes.

    Whoever asks for what is being made waits for that.
    """

    def __init__(self, size: int = CACHE_BYTES) -> None:
        self._room = size
        self._clips: OrderedDict[Hashable, Clip] = OrderedDict()
        self._coming: dict[Hashable, asyncio.Task[Clip]] = {}

    def __len__(self) -> int:
        return len(self._clips)

    async def get(self, key: Hashable, make: Callable[[], Awaitable[Clip]]) -> Clip:
        """The clip of this key, made by `make` where it is not there; what `make` raises is not kept."""
        if key in self._clips:
            self._clips.move_to_end(key)
            return self._clips[key]
        if key not in self._coming:
            task = asyncio.ensure_future(self._make(key, make))
            self._coming[key] = task
            task.add_done_callback(lambda done: self._came(key, done))
        # Shielded: one of several who wait may give up.
        return await asyncio.shield(self._coming[key])

    def _came(self, key: Hashable, done: "asyncio.Task[Clip]") -> None:
        del self._coming[key]
        if not done.cancelled():
            done.exception()  # nobody may be left who waits for it

    async def _make(self, key: Hashable, make: Callable[[], Awaitable[Clip]]) -> Clip:
        clip = await make()
        self._clips[key] = clip
        self._room -= len(clip.pcm)
        while self._room < 0:
            _, oldest = self._clips.popitem(last=False)
            self._room += len(oldest.pcm)
        return clip


class _Decoded(msgspec.Struct):
    rate: int = 0
    pcm: bytes = b""
    error: str = ""


class Decoder:
    """Decodes files. Close it."""

    def __init__(self, cache: ClipCache, seconds: float = DECODE_SECONDS) -> None:
        self._crew = Crew("offhook.engine.audio_worker", size=DECODERS, seconds=seconds)
        self._cache = cache

    async def decode(self, content: bytes) -> Clip:
        """The audio of a WAV, MP3, FLAC or Ogg file; NoAudio where it is none, too long, or a trap."""
        if len(content) > MAX_BYTES:
            raise NoAudio("failed", f"the file is larger than {MAX_BYTES >> 20} MiB")
        key = "file", hashlib.sha256(content).digest()
        return await self._cache.get(key, lambda: self._decode(content))

    async def close(self) -> None:
        await self._crew.close()

    async def _decode(self, content: bytes) -> Clip:
        if not content:
            raise NoAudio("failed", "the file is empty")
        try:
            found = msgspec.msgpack.decode(await self._crew.ask(content), type=_Decoded)
        except WorkerFailed as error:
            raise NoAudio("failed", f"the file could not be decoded: {error}") from None
        if found.error:
            raise NoAudio("failed", f"the file cannot be played: {found.error}")
        return Clip(found.rate, found.pcm)
