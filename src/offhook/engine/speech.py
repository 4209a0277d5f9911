"""Speech for calls: the seam for engines, and what is common to all: voices, pieces, a cache. Makes no sound itself.

An engine is a plug-in: an entry point of the group `offhook.speech`, whose name is the one to be configured and whose
object, called without arguments, gives a `Speaker`. `espeak` is built in, as far as the extra `tts` is installed.
"""

import re
from collections.abc import AsyncIterator, Callable, Iterator
from importlib.metadata import entry_points
from typing import Protocol, cast

import msgspec

from offhook.engine.audio import ClipCache
from offhook.engine.ports import NoAudio
from offhook.engine.voices import Voice, voice_of
from offhook.voice.sound import Clip, Speech
from offhook.wire.ssml import Part, Words

GROUP = "offhook.speech"
BUILT_IN = "espeak"
# The first piece is short, so that it is heard at once; while it sounds there is time for longer ones.
FIRST_PIECE, LONGEST_PIECE = 120, 1000


class Utterance(msgspec.Struct, frozen=True):
    """What an engine is asked to say: words, with their rate and volume as factors, and pauses, in one voice."""

    parts: tuple[Part, ...]
    voice: Voice


class Speaker(Protocol):
    """A speech engine. All its methods are called on the loop and must not block it."""

    def say(self, utterance: Utterance) -> AsyncIterator[Clip]:
        """The audio of an utterance, in as many clips as there are or in one; `ports.NoAudio` where it fails."""
        ...

    def warm_up(self) -> None:
        """The platform has started: what takes time the first time may be begun now."""
        ...

    async def close(self) -> None:
        """The platform stops."""
        ...


class NoSpeaker(Exception):
    """There is no such engine, or it is not installed; the text says what to do."""


def speaker(name: str = BUILT_IN) -> Speaker:
    """The engine of this name; NoSpeaker where it is not to be had."""
    if name == BUILT_IN:
        from offhook.engine import espeak  # it knows this module

        if lacking := espeak.why_not():
            raise NoSpeaker(lacking)
        return espeak.Espeak()
    found = list(entry_points(group=GROUP, name=name))
    if not found:
        raise NoSpeaker(f"there is no speech engine {name!r}: none is installed under this entry point of {GROUP}")
    return cast(Callable[[], Speaker], found[0].load())()


class Speaking:
    """Says what customers want said, piece by piece. Each piece is kept, so that a prompt is made once."""

    def __init__(self, engine: Speaker, cache: ClipCache) -> None:
        self._engine = engine
        self._cache = cache

    async def clips(self, speech: Speech) -> AsyncIterator[Clip]:
        """The audio of a speech, the beginning as soon as it is there. NoAudio where the engine fails."""
        voice = voice_of(speech.voice, speech.language)
        for part in pieces(speech.parts):
            utterance = Utterance((part,), voice)
            yield await self._cache.get(utterance, lambda said=utterance: self._make(said))

    def warm_up(self) -> None:
        """Let the engine be ready before the first command."""
        self._engine.warm_up()

    async def close(self) -> None:
        await self._engine.close()

    async def _make(self, utterance: Utterance) -> Clip:
        clips = [clip async for clip in self._engine.say(utterance)]
        rates = {clip.rate for clip in clips}
        if len(rates) != 1:
            raise NoAudio("failed", "the speech engine gave no audio, or such of several rates")
        return Clip(rates.pop(), b"".join(clip.pcm for clip in clips))


def pieces(parts: tuple[Part, ...]) -> Iterator[Part]:
    """The same parts, with long texts cut between sentences, the first pieces short and the later ones longer."""
    longest = FIRST_PIECE
    for part in parts:
        if not isinstance(part, Words):
            yield part
            continue
        for text in _cut(part.text, longest):
            yield msgspec.structs.replace(part, text=text)
            longest = min(LONGEST_PIECE, longest * 2)


def _cut(text: str, longest: int) -> Iterator[str]:
    """Sentences, as many at a time as fit; one that is longer stays whole. Each piece may be longer than the last."""
    piece = ""
    for sentence in _SENTENCES.split(text):
        if piece and len(piece) + len(sentence) > longest:
            yield piece
            piece, longest = "", min(LONGEST_PIECE, longest * 2)
        piece = f"{piece} {sentence}".strip()
    if piece:
        yield piece


_SENTENCES = re.compile(r"(?<=[.!?;:])\s+|(?<=[。！？])")
