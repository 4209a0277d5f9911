"""Frames of PCM, and the sources a call can play. Knows files and numbers, no calls.

A *source* is anything whose frames can be iterated, plainly or asynchronously. PCM is int16 little-endian mono.
numpy is imported only by what needs it.
"""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, AsyncIterable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from offhook.errors import AudioFormatError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

RATE = 48_000
CHUNK_SECONDS = 1.0


class Frame(msgspec.Struct, frozen=True):
    """A stretch of sound: int16 little-endian mono `pcm` at `rate` Hz, heard at `at_ms` of the call's media time."""

    pcm: bytes
    rate: int
    at_ms: int = 0

    @property
    def ms(self) -> float:
        """How long it lasts."""
        return len(self.pcm) / 2 / self.rate * 1000

    def numpy(self) -> NDArray[np.int16]:
        """The samples as an array (shares the bytes; read-only)."""
        import numpy as np

        return np.frombuffer(self.pcm, dtype="<i2")


# ---- sources -----------------------------------------------------------------------------------------------


class Source:
    """Something that can be played. Subclasses yield frames; `ahead_ms` is how much is handed out before its time,
    which is how long the program may be busy with other things before the far end hears a gap."""

    ahead_ms: int = 400

    def frames(self) -> AsyncGenerator[Frame, None]:
        raise NotImplementedError


class Tone(Source):
    """A sine of `hz` at `level` dBov (0 is the loudest sine there is), for `seconds` or for ever."""

    ahead_ms = 3_000

    def __init__(self, hz: float, level: float = -15.0, seconds: float | None = None) -> None:
        if not 0 < hz < RATE / 2:
            raise AudioFormatError("tone", f"{hz} Hz cannot be played")
        self.hz = hz
        self.level = level
        self.seconds = seconds

    async def frames(self) -> AsyncGenerator[Frame, None]:
        for start, count in _chunks(self.seconds):
            yield Frame(_sine(self.hz, self.level, start, count), RATE)


class Silence(Source):
    """Nothing to hear, for `seconds` or for ever."""

    ahead_ms = 3_000

    def __init__(self, seconds: float | None = None) -> None:
        self.seconds = seconds

    async def frames(self) -> AsyncGenerator[Frame, None]:
        for _, count in _chunks(self.seconds):
            yield Frame(bytes(2 * count), RATE)


class File(Source):
    """A sound file, played once: WAV by itself, anything else that libsndfile reads. Many channels become one."""

    ahead_ms = 3_000

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        if not self.path.is_file():
            raise AudioFormatError("file", f"no such file: {self.path}")

    async def frames(self) -> AsyncGenerator[Frame, None]:
        import soundfile

        try:
            with soundfile.SoundFile(self.path) as file:
                while len(block := file.read(file.samplerate, "int16", always_2d=True)):
                    yield Frame(block.mean(axis=1).astype("<i2").tobytes(), file.samplerate)
        except soundfile.LibsndfileError as error:
            raise AudioFormatError("file", f"{self.path}: {error.error_string}") from error


class Array(Source):
    """A numpy array: int16, or floats from -1 to 1; one dimension, or (samples, channels)."""

    ahead_ms = 3_000

    def __init__(self, samples: NDArray[Any], rate: int) -> None:
        self.pcm = _pcm(samples)
        self.rate = rate

    async def frames(self) -> AsyncGenerator[Frame, None]:
        step = 2 * round(self.rate * CHUNK_SECONDS)
        for start in range(0, len(self.pcm), step):
            yield Frame(self.pcm[start : start + step], self.rate)


class Stream(Source):
    """Frames from an iterable, a generator or an async generator. Its pace is the call's: it is asked for more
    when what it gave has been played, up to `ahead_ms`."""

    def __init__(self, frames: Iterable[Frame] | AsyncIterable[Frame], ahead_ms: int = 400) -> None:
        self._frames = frames
        self.ahead_ms = ahead_ms

    async def frames(self) -> AsyncGenerator[Frame, None]:
        if isinstance(self._frames, AsyncIterable):
            async for frame in self._frames:
                yield frame
        else:
            for frame in self._frames:
                yield frame


Playable = Source | Iterable[Frame] | AsyncIterable[Frame] | str | Path


def source(playable: Playable) -> Source:
    """The source that `playable` means: a path is a file, an iterable is a stream of frames. AudioFormatError for
    samples without a rate, which iterate, too."""
    if isinstance(playable, Source):
        return playable
    if isinstance(playable, bytes | bytearray | memoryview) or hasattr(playable, "dtype"):
        raise AudioFormatError(type(playable).__name__, "samples need a rate: Array(samples, rate) or Frame(pcm, rate)")
    if isinstance(playable, str | Path):
        return File(playable)
    return Stream(playable)


def _chunks(seconds: float | None) -> Iterable[tuple[int, int]]:
    """(first sample, count) of each stretch of at most CHUNK_SECONDS; endless without `seconds`."""
    step = round(RATE * CHUNK_SECONDS)
    total = math.inf if seconds is None else round(RATE * seconds)
    start = 0
    while start < total:
        count = int(min(step, total - start))
        yield start, count
        start += count


def _sine(hz: float, level: float, start: int, count: int) -> bytes:
    import numpy as np

    phase = 2 * np.pi * hz * (np.arange(start, start + count) % (RATE * 1000)) / RATE
    return np.round(32767 * 10 ** (level / 20) * np.sin(phase)).astype("<i2").tobytes()


def _pcm(samples: NDArray[Any]) -> bytes:
    import numpy as np

    if samples.ndim == 2:
        samples = samples.mean(axis=1).astype(samples.dtype)
    if samples.ndim != 1:
        raise AudioFormatError("array", f"{samples.ndim} dimensions")
    if np.issubdtype(samples.dtype, np.floating):
        samples = np.round(np.clip(samples, -1.0, 1.0) * 32767)
    elif samples.dtype != np.int16:
        raise AudioFormatError("array", f"{samples.dtype} is neither int16 nor float")
    return samples.astype("<i2").tobytes()
