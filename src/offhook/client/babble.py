"""Something like speech, without a speech engine: syllables of a hummed voice. It says nothing, at the pace of words.

Each word has a syllable for every three letters; between words and sentences there are the pauses that people make.
"""

from __future__ import annotations

import math
import re
from array import array
from collections.abc import AsyncGenerator, Iterator
from functools import cache

from offhook.client.audio import Frame, Source

RATE = 8_000
SYLLABLE, BREATH, BETWEEN_WORDS, BETWEEN_SENTENCES = 0.16, 0.02, 0.06, 0.35
PITCHES = (118.0, 131.0, 124.0, 110.0, 137.0)
# The shares of a voice's harmonics, about those of an open vowel.
HARMONICS = (1.0, 0.7, 0.5, 0.55, 0.4, 0.3, 0.15, 0.1)
LOUDNESS = 6_000


class Babble(Source):
    """A text as babble: `call.play(Babble("Hello?"))`. The class itself is a `numbers.Voice`."""

    ahead_ms = 3_000

    def __init__(self, text: str) -> None:
        self.text = text

    async def frames(self) -> AsyncGenerator[Frame, None]:
        for sentence in re.split(r"[.!?;:]\s*", self.text):
            for word in sentence.split():
                yield Frame(_word(len(word)), RATE)
            if sentence.strip():
                yield Frame(_silence(BETWEEN_SENTENCES), RATE)


def _word(letters: int) -> bytes:
    syllables = range(max(1, -(-letters // 3)))
    return b"".join(_syllable(PITCHES[(letters + n) % len(PITCHES)]) for n in syllables) + _silence(BETWEEN_WORDS)


@cache
def _syllable(pitch: float) -> bytes:
    return array("h", _swelling(pitch)).tobytes() + _silence(BREATH)


def _swelling(pitch: float) -> Iterator[int]:
    count = int(RATE * SYLLABLE)
    for at in range(count):
        swell = math.sin(math.pi * at / count)
        turn = 2 * math.pi * pitch * at / RATE
        voice = sum(share * math.sin(turn * n) for n, share in enumerate(HARMONICS, 1))
        yield int(LOUDNESS * swell * voice / 2)


def _silence(seconds: float) -> bytes:
    return bytes(2 * int(RATE * seconds))
