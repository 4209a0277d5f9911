"""Speech by espeak-ng, in a process of its own: offline, at once, in all languages of the API. Knows no calls."""

from collections.abc import AsyncIterator
from importlib.util import find_spec

import msgspec

from offhook.engine.ports import NoAudio
from offhook.engine.speech import Utterance
from offhook.engine.worker import Crew, WorkerFailed
from offhook.voice.sound import Clip
from offhook.wire.ssml import Pause

SECONDS = 10.0
WORKERS = 2
PAUSE_RATE = 22_050
# Languages of the API that the library calls otherwise. Any other is tried by its first part.
_NAMES = {
    "arb": "ar",
    "cmn-CN": "cmn",
    "yue-CN": "yue",
    "en-US": "en-us",
    "es-MX": "es-419",
    "es-US": "es-419",
    "fr-BE": "fr-be",
    "fr-CH": "fr-ch",
    "pt-BR": "pt-br",
}
_VARIANTS = {"female": "+f3", "male": "+m3"}


class _Said(msgspec.Struct):
    rate: int = 0
    pcm: bytes = b""
    error: str = ""


def why_not() -> str:
    """Why espeak-ng is not to be had here; empty where it is."""
    if find_spec("espeakng_loader") is None:
        return "no speech engine is installed: install `offhook[tts]`"
    return ""


class Espeak:
    """A `speech.Speaker`."""

    name = "espeak"

    def __init__(self) -> None:
        self._crew = Crew("offhook.engine.espeak_worker", size=WORKERS, seconds=SECONDS)

    def warm_up(self) -> None:
        """Let the process be there before the first word is asked for."""
        self._crew.warm_up()

    async def say(self, utterance: Utterance) -> AsyncIterator[Clip]:
        for part in utterance.parts:
            if isinstance(part, Pause):
                yield Clip(PAUSE_RATE, bytes(2 * (PAUSE_RATE * part.ms // 1000)))
            else:
                yield await self._words(
                    {"voice": voice_name(utterance), "text": part.text, "rate": part.rate, "volume": part.volume}
                )

    async def close(self) -> None:
        await self._crew.close()

    async def _words(self, request: dict[str, object]) -> Clip:
        try:
            said = msgspec.msgpack.decode(await self._crew.ask(msgspec.msgpack.encode(request)), type=_Said)
        except WorkerFailed as error:
            raise NoAudio("failed", f"the speech engine failed: {error}") from None
        if said.error:
            raise NoAudio("failed", f"the speech engine failed: {said.error}")
        return Clip(said.rate, said.pcm)


def voice_name(utterance: Utterance) -> str:
    """What espeak-ng calls the voice of an utterance."""
    voice = utterance.voice
    return _NAMES.get(voice.language, voice.language.partition("-")[0]) + _VARIANTS[voice.gender]
