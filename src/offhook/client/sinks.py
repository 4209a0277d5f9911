"""Who can listen to a call: sinks of PCM frames, from a WAV file to an ear that names the tone. Knows no calls."""

from __future__ import annotations

import asyncio
import math
import wave
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import msgspec

from offhook.client.audio import Frame

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

GAP_MS = 20


@runtime_checkable
class Sink(Protocol):
    """A listener. `write` is called on the event loop for every 20 ms: it must not block."""

    def write(self, frame: Frame) -> None: ...
    def close(self) -> None: ...


Listener = Sink | Callable[[Frame], object]


class Callback:
    """A function as a sink."""

    def __init__(self, function: Callable[[Frame], object]) -> None:
        self._function = function

    def write(self, frame: Frame) -> None:
        self._function(frame)

    def close(self) -> None:
        """A function holds nothing."""


def sink(listener: Listener) -> Sink:
    """The sink that `listener` means: itself, or a function wrapped."""
    return listener if isinstance(listener, Sink) else Callback(listener)


class Recorder:
    """Writes what is heard to a mono WAV file, gaps as silence, so that its length is the call's."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._file: wave.Wave_write | None = None
        self._first_ms = 0

    def write(self, frame: Frame) -> None:
        if self._file is None:
            self._file = self._open(frame)
        due = (frame.at_ms - self._first_ms) * frame.rate // 1000
        if (gap := due - self._file.getnframes()) > frame.rate * GAP_MS // 1000:
            self._file.writeframes(bytes(2 * gap))
        self._file.writeframes(frame.pcm)

    def _open(self, frame: Frame) -> wave.Wave_write:
        file = wave.open(str(self.path), "wb")  # noqa: SIM115 (closed by close)
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(frame.rate)
        self._first_ms = frame.at_ms
        return file

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


class Collector:
    """Keeps everything that is heard, in memory."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []

    def write(self, frame: Frame) -> None:
        self.frames.append(frame)

    def close(self) -> None:
        """What was heard stays."""

    def numpy(self) -> NDArray[np.int16]:
        """All samples in a row."""
        import numpy as np

        return np.frombuffer(b"".join(frame.pcm for frame in self.frames), dtype="<i2")


class Heard(msgspec.Struct, frozen=True):
    """What one stretch of sound was: `level` in dBov (a full sine is 0), the strongest single frequency `hz`, and
    the `share` of all energy that it holds (1.0 for a pure tone)."""

    level: float
    hz: float
    share: float
    at_ms: int = 0

    def is_tone(self, hz: float, within: float = 0.02) -> bool:
        """Is it clearly that tone, give or take a share `within` of its frequency?"""
        return self.level > -50 and self.share > 0.7 and abs(self.hz - hz) <= hz * within

    def is_silence(self) -> bool:
        return self.level < -60


def measure(pcm: bytes, rate: int, at_ms: int = 0) -> Heard:
    """Level and dominant tone of some PCM (100 ms or more makes sense)."""
    import numpy as np

    samples = np.frombuffer(pcm, dtype="<i2").astype(np.float64) / 32768
    rms = float(np.sqrt(np.mean(samples**2))) if len(samples) else 0.0
    if rms < 1e-5:
        return Heard(-127.0, 0.0, 0.0, at_ms)
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)))) ** 2
    spectrum[:2] = 0.0  # a constant offset is no tone
    peak = int(np.argmax(spectrum))
    around = spectrum[max(peak - 3, 0) : peak + 4]
    centre = float(np.sum(around * np.arange(max(peak - 3, 0), max(peak - 3, 0) + len(around))) / np.sum(around))
    share = float(np.sum(around) / np.sum(spectrum))
    return Heard(20 * math.log10(rms * math.sqrt(2)), centre * rate / len(samples), share, at_ms)


class Ear:
    """Listens and tells what it hears, `window_ms` at a time."""

    def __init__(self, window_ms: int = 200) -> None:
        self.window_ms = window_ms
        self.heard: list[Heard] = []
        self._buffer = bytearray()
        self._waiters: list[tuple[Callable[[Heard], bool], asyncio.Future[Heard]]] = []

    @property
    def last(self) -> Heard | None:
        """The latest whole window."""
        return self.heard[-1] if self.heard else None

    def write(self, frame: Frame) -> None:
        self._buffer += frame.pcm
        size = 2 * (frame.rate * self.window_ms // 1000)
        while len(self._buffer) >= size:
            self._tell(measure(bytes(self._buffer[:size]), frame.rate, frame.at_ms))
            del self._buffer[:size]

    def close(self) -> None:
        """Nothing more will be heard: who still waits is told so by `EOFError`."""
        for _, waiter in self._waiters:
            if not waiter.done():
                waiter.set_exception(EOFError("the call ended before it was heard"))
        self._waiters.clear()

    async def hears(self, wanted: Callable[[Heard], bool], timeout: float | None = 10.0) -> Heard:
        """Wait for the next window that is `wanted`; TimeoutError after `timeout` seconds."""
        waiter: asyncio.Future[Heard] = asyncio.get_running_loop().create_future()
        entry = (wanted, waiter)
        self._waiters.append(entry)
        try:
            async with asyncio.timeout(timeout):
                return await waiter
        finally:
            if entry in self._waiters:
                self._waiters.remove(entry)

    async def hears_tone(self, hz: float, timeout: float | None = 10.0) -> Heard:
        """Wait until that tone is clearly heard for two windows in a row: the second has no beginning in it, so its
        level is the tone's."""
        before = 0

        def steady(heard: Heard) -> bool:
            nonlocal before
            before = before + 1 if heard.is_tone(hz) else 0
            return before == 2

        return await self.hears(steady, timeout)

    async def hears_silence(self, timeout: float | None = 10.0) -> Heard:
        return await self.hears(Heard.is_silence, timeout)

    def _tell(self, heard: Heard) -> None:
        self.heard.append(heard)
        for wanted, waiter in tuple(self._waiters):
            if not waiter.done() and wanted(heard):
                waiter.set_result(heard)
