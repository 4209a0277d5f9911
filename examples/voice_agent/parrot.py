"""The agent itself: it greets, listens until the caller pauses, and says it all again. No model, no network.

It hears and speaks G.711 mu-law at 8 kHz, which is what the telephone network has: one byte a sample.
"""

import math
from collections.abc import Iterator
from typing import Literal

RATE = 8000
FRAME = RATE // 50  # 20 ms
LOUD = 500  # of 32,767: between a quiet room and a quiet voice
PAUSE_FRAMES = 30  # after 600 ms without a word the caller has finished
SILENCE = b"\xff" * FRAME
CHIME_HZ = (660.0, 880.0)


class Parrot:
    """What it says comes back from its methods: audio to be sent, or "hush" where what is playing shall stop."""

    def __init__(self) -> None:
        self._heard = bytearray()
        self._quiet = 0
        self._talking = False

    def greet(self) -> bytes:
        """Two notes."""
        self._talking = True
        return b"".join(tone(hz, 0.4) for hz in CHIME_HZ)

    def hear(self, audio: bytes) -> Iterator[bytes | Literal["hush"]]:
        """Some of the caller's audio."""
        for start in range(0, len(audio), FRAME):
            frame = audio[start : start + FRAME]
            if is_speech(frame):
                self._quiet = 0
                self._heard += frame
                if self._talking:
                    self._talking = False
                    yield "hush"  # interrupted: whoever talks is listened to
            elif self._heard:
                self._quiet += 1
                self._heard += frame
                if self._quiet == PAUSE_FRAMES:
                    self._talking = True
                    yield bytes(self._heard[: -PAUSE_FRAMES * FRAME])
                    self._heard.clear()

    def finished(self) -> None:
        """What it has said was heard to the end."""
        self._talking = False


def is_speech(frame: bytes) -> bool:
    """Whether there is a voice in it: its mean amplitude is not that of a quiet room."""
    return sum(_AMPLITUDE[byte] for byte in frame) > LOUD * len(frame)


def tone(hz: float, seconds: float) -> bytes:
    """A sine, in mu-law."""
    return bytes(encode(round(8000 * math.sin(2 * math.pi * hz * at / RATE))) for at in range(int(RATE * seconds)))


def encode(sample: int) -> int:
    """One sample in mu-law (ITU-T G.711)."""
    magnitude = min(abs(sample), 32_635) + 132
    exponent = magnitude.bit_length() - 8
    mantissa = (magnitude >> (exponent + 3)) & 0x0F
    return ~((0x80 if sample < 0 else 0) | exponent << 4 | mantissa) & 0xFF


def _amplitude(byte: int) -> int:
    byte = ~byte & 0xFF
    return ((((byte & 0x0F) << 3) + 132) << ((byte >> 4) & 0x07)) - 132


_AMPLITUDE = tuple(_amplitude(byte) for byte in range(256))
