"""The numbers of `offhook dev`: which there are, and the voice in which their phones speak. Knows no calls."""

import runpy
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from offhook.client.audio import Frame, Source
from offhook.client.babble import Babble
from offhook.client.client import Client
from offhook.client.numbers import Answering, Numbers
from offhook.client.numbers_toml import read_numbers
from offhook.client.pstn import NUMBERS
from offhook.engine.audio import ClipCache
from offhook.engine.pstn import USERNAME, ListedNumber
from offhook.engine.speech import NoSpeaker, Speaking, speaker
from offhook.errors import ConfigurationError
from offhook.voice.sound import Speech
from offhook.wire.ssml import read_text


def numbers_of(file: Path | None) -> Numbers:
    """The ready-made numbers, and those of a file: TOML, or Python that leaves a `Numbers` in its variable `numbers`.

    ConfigurationError where it cannot be read. The file is a program of the user's own, and is run.
    """
    return NUMBERS if file is None else Numbers(NUMBERS, _read(file))


def _read(file: Path) -> Numbers:
    try:
        if file.suffix == ".py":
            return _run(file)
        return read_numbers(file.read_text(encoding="utf-8"), file.parent)
    except (OSError, UnicodeDecodeError, ConfigurationError) as error:
        raise ConfigurationError(f"--numbers {file}: {error}") from None


def _run(file: Path) -> Numbers:
    try:
        found = runpy.run_path(str(file)).get("numbers")
    except (Exception, SystemExit) as error:  # whatever the user's program raises
        raise ConfigurationError(f"{type(error).__name__}: {error}") from error
    if not isinstance(found, Numbers):
        raise ConfigurationError("it leaves no Numbers in a variable `numbers`")
    return found


def listed(numbers: Numbers) -> list[ListedNumber]:
    """What the platform has to know of them."""
    return [ListedNumber(each.number, each.name, each.does) for each in numbers]


@asynccontextmanager
async def answered(url: str, password: str, numbers: Numbers) -> AsyncGenerator[None, None]:
    """Numbers that the platform at `url` lists are answered while the block runs."""
    voice = SpeechVoice()
    try:
        async with Answering(Client(url, login=USERNAME, password=password), numbers, voice):
            yield
    finally:
        await voice.close()


class SpeechVoice:
    """A `Voice`: what scripts say, by espeak-ng where that is installed, else as babble."""

    def __init__(self) -> None:
        try:
            self._speaking: Speaking | None = Speaking(speaker(), ClipCache())
        except NoSpeaker:
            self._speaking = None

    def __call__(self, text: str) -> Source:
        return Babble(text) if self._speaking is None else _Said(self._speaking, text)

    async def close(self) -> None:
        """No more is said."""
        if self._speaking is not None:
            await self._speaking.close()


class _Said(Source):
    """A text, said."""

    ahead_ms = 3_000

    def __init__(self, speaking: Speaking, text: str) -> None:
        self._speaking = speaking
        self._speech = Speech(read_text(text), "male", "en-US")

    async def frames(self) -> AsyncGenerator[Frame, None]:
        async for clip in self._speaking.clips(self._speech):
            yield Frame(clip.pcm, clip.rate)
