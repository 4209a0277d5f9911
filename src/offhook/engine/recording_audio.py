"""Reads recordings back, a second at a time. Only for files that the platform itself has made."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile


def seconds(path: Path, rate: int) -> Iterator[bytes]:
    """A file of this rate from its beginning to its end: 16-bit little-endian PCM, its channels mixed into one."""
    with soundfile.SoundFile(path) as file:
        while len(block := file.read(rate, dtype="int16", always_2d=True)):
            yield np.asarray(block).mean(axis=1).astype("<i2").tobytes()
