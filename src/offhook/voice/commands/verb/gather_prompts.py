"""Gather prompts: a leg is asked for digits by several things that it hears, one after the other."""

from typing import Annotated, Any

import msgspec

from offhook.voice import gathering
from offhook.voice.command import CommandRule
from offhook.voice.commands.call.audible import (
    MAX_PAYLOAD,
    Language,
    MediaName,
    PayloadType,
    ServiceLevel,
    Voice,
    about_speech,
    rounds,
    speech,
)
from offhook.voice.commands.call.pressing import Prompting
from offhook.voice.commands.call.shared import Url
from offhook.voice.floor import Floor
from offhook.voice.gathering import Heard
from offhook.voice.leg import ANSWERED, Leg, Moment
from offhook.voice.parameter import rule
from offhook.voice.player import Told
from offhook.voice.resources.problem import Problem
from offhook.voice.signal import Ordered
from offhook.voice.sound import file_of


class Prompt(msgspec.Struct, frozen=True, kw_only=True):
    """Something to be said, or a file."""

    payload: Annotated[str, rule(high=MAX_PAYLOAD)] = ""
    voice: Voice = "female"
    payload_type: PayloadType = "text"
    language: Language | None = None
    audio_url: Url | None = None
    media_name: MediaName | None = None
    loop: Annotated[int | str, rule(low=1, high=100)] = 1

    service_level: ServiceLevel = "premium"
    voice_settings: dict[str, Any] | None = None


class GatherPrompts(Prompting, frozen=True, kw_only=True):
    """The wait for digits begins after the last prompt, or with the first digit."""

    prompts: tuple[Prompt, ...] = ()

    def problems(self) -> list[Problem]:
        said = [prompt for prompt in self.prompts if prompt.payload]
        wrong = [each for prompt in said for each in about_speech(prompt, payload=prompt.payload)]
        return [*super().problems(), *wrong]

    def needed(self) -> str:
        return "speech" if any(prompt.payload for prompt in self.prompts) else ""


def decide(floor: Floor, leg: Leg, order: Ordered[GatherPrompts], now: Moment) -> None:
    prompts = tuple(_heard(leg, prompt) for prompt in order.command.prompts)
    gathering.start(floor, leg, order.command.wanted(leg, prompts, None), now)


def _heard(leg: Leg, prompt: Prompt) -> Heard:
    file = file_of(prompt.audio_url, prompt.media_name)
    return Heard(file or speech(prompt, prompt.payload), Told("nothing", leg.id), rounds(prompt.loop))


RULE = CommandRule("gather_prompts", GatherPrompts, ANSWERED, decide, causes=("call.gather.ended",), codes=("10027",))
