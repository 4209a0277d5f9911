"""The process that decodes customers' audio: a file in, int16 mono PCM out. Whatever it meets, calls do not.

A request is a whole file (WAV, MP3, FLAC, Ogg); the answer is MessagePack: `{"rate", "pcm"}`, or `{"error"}` with words
for the customer. What the file says of itself is not believed: the lengths are those of what comes out.
"""

import contextlib
import io
import resource

import msgspec
import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from offhook.engine.worker import serve

MAX_SECONDS = 15 * 60
MAX_CHANNELS = 8
MAX_RATE = 384_000
MIN_RATE = 2_000
# Higher rates give a call nothing: it is what good speech has, and a third of the memory of full-band audio.
TOP_RATE = 24_000
# Beyond what the process has once its libraries are loaded.
MEMORY_BYTES = 192 << 20
_BLOCK_SECONDS = 1.0


class Unusable(Exception):
    """The file cannot be played; the message is for the customer."""


def answer(request: bytes) -> bytes:
    """Decode one file."""
    try:
        rate, pcm = decode(request)
    except Unusable as error:
        return msgspec.msgpack.encode({"error": str(error)})
    except soundfile.LibsndfileError:
        return msgspec.msgpack.encode({"error": "it is no WAV, MP3, FLAC or Ogg file, or it is damaged"})
    except MemoryError:
        return msgspec.msgpack.encode({"error": "it takes too much memory to decode"})
    return msgspec.msgpack.encode({"rate": rate, "pcm": pcm})


def decode(content: bytes) -> tuple[int, bytes]:
    """The rate and the PCM of a file; a damaged end is left out, so is nothing but a damaged end."""
    with soundfile.SoundFile(io.BytesIO(content)) as file:
        if not 1 <= file.channels <= MAX_CHANNELS or not MIN_RATE <= file.samplerate <= MAX_RATE:
            raise Unusable(f"it has {file.channels} channels at {file.samplerate} Hz")
        rate = min(TOP_RATE, file.samplerate)
        pcm = _mono(file, soxr.ResampleStream(file.samplerate, rate, 1, "float32"), rate)
    if not pcm:
        raise Unusable("there is nothing to be heard in it")
    return rate, bytes(pcm)


def _mono(file: soundfile.SoundFile, converter: soxr.ResampleStream, rate: int) -> bytearray:
    pcm, last = bytearray(), False
    while not last:
        block = _next_block(file)
        last = len(block) == 0
        pcm += _int16(converter.resample_chunk(block, last=last))
        if len(pcm) > 2 * rate * MAX_SECONDS:
            raise Unusable(f"it is longer than {MAX_SECONDS // 60} minutes")
    return pcm


def _next_block(file: soundfile.SoundFile) -> NDArray[np.float32]:
    """The next second of a file, its channels as one; empty at the end, which a damaged frame is too."""
    try:
        block = file.read(int(file.samplerate * _BLOCK_SECONDS), dtype="float32", always_2d=True)
    except soundfile.LibsndfileError:
        return np.zeros(0, dtype=np.float32)
    return np.nan_to_num(block.mean(axis=1, dtype=np.float32), nan=0.0, posinf=0.0, neginf=0.0)


def _int16(samples: NDArray[np.float32]) -> bytes:
    return (np.clip(samples, -1.0, 1.0) * 32767.0).astype("<i2").tobytes()


def _bound_memory() -> None:
    with open("/proc/self/status") as status:
        used = next(int(line.split()[1]) << 10 for line in status if line.startswith("VmData:"))
    resource.setrlimit(resource.RLIMIT_DATA, (used + MEMORY_BYTES, used + MEMORY_BYTES))


if __name__ == "__main__":
    # Where there is no such file, time and length are bounded all the same.
    with contextlib.suppress(OSError, StopIteration):
        _bound_memory()
    serve(answer)
