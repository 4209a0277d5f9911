"""The process that makes recordings ready: the WAV file that the media core has written becomes what was asked for.

It yields to calls. A request is MessagePack of `Job`; the answer `{"ms", "error"}`: the length, or words for the log.
Whatever it was interrupted in, the same request again comes to the same end: what the core wrote stays until the
result is there as a whole.
"""

import os
import struct
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple

import msgspec
import numpy as np
import soundfile
from numpy.typing import NDArray

from offhook.engine.recording_job import Job, Made
from offhook.engine.worker import serve

# Four hours take about four minutes.
CPU_SECONDS = 1800.0
HEADER_BYTES = 44
_BLOCK_TICKS = 500
_TICKS_A_SECOND = 50
# What is louder is not silence: -45 dBov, as the media core has it.
_QUIET = 32768.0 * 10 ** (-45 / 20)
# Of the silence around the first and the last word so much is kept: half a breath.
_MARGIN_TICKS = 10
# 40 kbit/s a channel: speech cannot be told from the WAV file.
_MP3_COMPRESSION = 0.5

Pcm = NDArray[np.int16]


class Unmade(Exception):
    """Nothing can be made of it; the message is for people."""


class Shape(NamedTuple):
    """What the header says, and the ticks that are there whatever it says."""

    rate: int
    channels: int
    ticks: int

    @property
    def tick_bytes(self) -> int:
        return self.rate // _TICKS_A_SECOND * self.channels * 2


def answer(request: bytes) -> bytes:
    """Do one job."""
    job = msgspec.msgpack.decode(request, type=Job)
    try:
        made = Made(make(job))
    except (Unmade, OSError, soundfile.LibsndfileError) as error:
        made = Made(error=str(error))
    return msgspec.msgpack.encode(made)


def make(job: Job) -> int:
    """Make the result and take the part away; its length in milliseconds."""
    part, result = Path(job.part), Path(job.result)
    if not part.exists() and result.exists():
        return round(soundfile.info(str(result)).duration * 1000)
    with part.open("r+b") as file:
        shape = _shape(file, part.stat().st_size)
        first, last = _bounds(file, shape) if job.trim == "silence" else (0, shape.ticks)
        whole = (first, last) == (0, shape.ticks)
        if job.format == "wav" and whole:
            _complete(file, shape)
            part.replace(result)
        else:
            _convert(file, shape, first, last, job)
            part.unlink()
    return (last - first) * 1000 // _TICKS_A_SECOND


def _shape(file: BinaryIO, size: int) -> Shape:
    """A half-written tick at the end, as a full disk leaves it, does not count."""
    header = file.read(HEADER_BYTES)
    if len(header) < HEADER_BYTES:
        raise Unmade("nothing was recorded")
    channels, rate = struct.unpack_from("<HI", header, 22)
    shape = Shape(rate, channels, 0)
    ticks = (size - HEADER_BYTES) // shape.tick_bytes
    if not ticks:
        raise Unmade("nothing was recorded")
    return shape._replace(ticks=ticks)


def _complete(file: BinaryIO, shape: Shape) -> None:
    """Write the lengths that the header lacks."""
    length = shape.ticks * shape.tick_bytes
    file.truncate(HEADER_BYTES + length)
    for offset, value in ((4, HEADER_BYTES - 8 + length), (40, length)):
        file.seek(offset)
        file.write(struct.pack("<I", value))
    file.flush()
    os.fsync(file.fileno())


def _convert(file: BinaryIO, shape: Shape, first: int, last: int, job: Job) -> None:
    with _whole(Path(job.result)) as path, _writer(path, shape, job) as writer:
        for block in _blocks(file, shape, first, last):
            writer.write(block if job.format == "wav" else _as_floats(block))


def _as_floats(block: Pcm) -> NDArray[np.float32]:
    """Full scale is 1. Two channels of 16-bit samples are distorted in libsndfile's way to LAME (1.2.2, December 2026);
    floating-point ones are not."""
    return block.astype(np.float32) / 32768.0


def _writer(path: Path, shape: Shape, job: Job) -> soundfile.SoundFile:
    if job.format == "wav":
        return soundfile.SoundFile(path, "w", shape.rate, shape.channels, "PCM_16", format="WAV")
    return soundfile.SoundFile(
        path,
        "w",
        shape.rate,
        shape.channels,
        "MPEG_LAYER_III",
        format="MP3",
        compression_level=_MP3_COMPRESSION,
        bitrate_mode="CONSTANT",
    )


@contextmanager
def _whole(result: Path) -> Generator[Path]:
    """A file that is there as a whole or not at all."""
    path = result.with_name(result.name + ".making")
    yield path
    with path.open("r+b") as file:
        os.fsync(file.fileno())
    path.replace(result)


def _blocks(file: BinaryIO, shape: Shape, first: int, last: int) -> Iterator[Pcm]:
    """The audio from tick to tick, ten seconds at a time, one column a channel."""
    file.seek(HEADER_BYTES + first * shape.tick_bytes)
    for start in range(first, last, _BLOCK_TICKS):
        data = file.read(min(_BLOCK_TICKS, last - start) * shape.tick_bytes)
        yield np.frombuffer(data, dtype="<i2").reshape(-1, shape.channels)


def _bounds(file: BinaryIO, shape: Shape) -> tuple[int, int]:
    """From which tick to which there is something to hear; all of it where there never is."""
    first, last, at = shape.ticks, 0, 0
    for block in _blocks(file, shape, 0, shape.ticks):
        ticks = block.astype(np.float32).reshape(-1, shape.tick_bytes // 2)
        loud = np.flatnonzero(np.sqrt((ticks**2).mean(axis=1)) * np.sqrt(shape.channels) > _QUIET)
        if len(loud):
            first, last = min(first, at + int(loud[0])), at + int(loud[-1]) + 1
        at += len(ticks)
    if last == 0:
        return 0, shape.ticks
    return max(0, first - _MARGIN_TICKS), min(shape.ticks, last + _MARGIN_TICKS)


if __name__ == "__main__":
    os.nice(10)
    serve(answer, CPU_SECONDS)
