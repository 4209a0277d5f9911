"""Parameters of the commands that let something be heard, and what they mean. Knows no single command."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal, Protocol

import msgspec

from offhook.voice import meeting, player
from offhook.voice.floor import Floor
from offhook.voice.leg import Leg, Moment
from offhook.voice.parameter import rule
from offhook.voice.player import Item, Lane, Told
from offhook.voice.resources.problem import Problem, rejected
from offhook.voice.sound import Speech
from offhook.wire.ssml import Part, SsmlError, Words, read_ssml, read_text

MAX_PAYLOAD = 5000
Language = Literal[
    "arb", "cmn-CN", "cy-GB", "da-DK", "de-DE", "en-AU", "en-GB", "en-GB-WLS", "en-IN", "en-US", "es-ES", "es-MX",
    "es-US", "fr-CA", "fr-FR", "hi-IN", "is-IS", "it-IT", "ja-JP", "ko-KR", "nb-NO", "nl-NL", "pl-PL", "pt-BR",
    "pt-PT", "ro-RO", "ru-RU", "sv-SE", "tr-TR",
]  # fmt: skip
Loop = Annotated[
    int | str, rule(low=1, high=100, pattern="infinity|[1-9][0-9]?|100", expects='a number from 1 to 100 or "infinity"')
]
Payload = Annotated[str, rule(low=1, high=MAX_PAYLOAD)]
MediaName = Annotated[str, rule(low=1, high=255)]
Voice = Annotated[str, rule(low=1, high=256)]
PayloadType = Literal["text", "ssml"]
ServiceLevel = Literal["basic", "premium"]
Legs = Literal["self", "opposite", "both"]
Stop = Literal["current", "all"]


class Spoken(Protocol):
    """The parameters of a command that lets something be said. They stand in each such command: the form of a command
    has one base. Of `voice_settings` the speed and the volume are honoured, by whichever name the provider's type gives
    them."""

    @property
    def voice(self) -> str: ...
    @property
    def payload_type(self) -> PayloadType: ...
    @property
    def language(self) -> Language | None: ...
    @property
    def service_level(self) -> ServiceLevel: ...
    @property
    def voice_settings(self) -> dict[str, Any] | None: ...


def about_speech(command: Spoken, **payloads: str) -> Iterator[Problem]:
    """What is wrong with what shall be said, by the name of the parameter that has it."""
    if command.service_level == "basic" and command.payload_type == "ssml":
        yield Problem("10027", "The basic service level takes payload_type text only.", "/payload_type")
    if command.service_level == "basic" and command.language not in (None, "en-US"):
        yield Problem("10027", "The basic service level speaks en-US only.", "/language")
    for name, payload in payloads.items():
        try:
            parts = _read(command, payload)
        except SsmlError as error:
            yield Problem("10015", f"{name} is no SSML that can be said: {error}.", f"/{name}")
            continue
        if not any(isinstance(part, Words) for part in parts):
            yield Problem("10015", f"{name} has nothing to say.", f"/{name}")


def speech(command: Spoken, payload: str) -> Speech:
    """A text in a command's voice."""
    rate, volume = _setting(command, "voice_speed", "speed"), _setting(command, "vol", "volume")
    parts = tuple(
        msgspec.structs.replace(part, rate=part.rate * rate, volume=part.volume * volume)
        if isinstance(part, Words)
        else part
        for part in _read(command, payload)
    )
    return Speech(parts, command.voice, command.language or "")


def _read(command: Spoken, payload: str) -> tuple[Part, ...]:
    return read_ssml(payload) if command.payload_type == "ssml" else read_text(payload)


def _setting(command: Spoken, *names: str) -> float:
    """A factor among the voice's settings; they are of many providers, so what is no such factor says nothing."""
    for name in names:
        value = (command.voice_settings or {}).get(name)
        if isinstance(value, int | float) and 0.2 <= value <= 4:
            return float(value)
    return 1.0


def rounds(loop: int | str) -> int:
    """How often; 0 for ever."""
    return 0 if loop == "infinity" else int(loop)


def opposite(floor: Floor, leg: Leg) -> Leg | None:
    """Whom a leg is bridged to."""
    return next((other for other in meeting.partners(floor, leg) if other.stage == "answered"), None)


def hearing(floor: Floor, leg: Leg, which: Legs) -> list[Leg]:
    """The legs that shall hear it, the commanded one first; Rejected where only the one opposite shall and is not."""
    other = None if which == "self" else opposite(floor, leg)
    if which == "opposite" and other is None:
        raise rejected("10027", "This call is not bridged, so nobody is opposite.", pointer="/target_legs")
    return [each for each in (None if which == "opposite" else leg, other) if each is not None]


def play(floor: Floor, legs: list[Leg], items: list[Item], stop: Stop | None, now: Moment) -> None:
    """Queue one item for each of these legs, after the stop that was asked for; Rejected where there is no room."""
    for leg, item in zip(legs, items, strict=True):
        if stop is None:
            player.of(leg).expect_room(item.lane)
    for leg, item in zip(legs, items, strict=True):
        if stop is not None:
            player.of(leg).stop(floor, leg, stop, item.lane, now)
        player.of(leg).add(floor, leg, item)


def items(legs: list[Leg], source: Any, told: Told, loop: int | str, lane: Lane = "instead") -> list[Item]:
    """An item for each leg; only the first is told of."""
    untold = Told("nothing", told.leg)
    return [Item(source, told if row == 0 else untold, rounds(loop), lane) for row, _ in enumerate(legs)]
