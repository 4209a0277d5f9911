"""Gather using speak: a leg is asked for digits by what is said."""

from typing import Annotated, Any, ClassVar

from offhook.voice import gathering
from offhook.voice.command import CommandRule
from offhook.voice.commands.call.audible import (
    MAX_PAYLOAD,
    Language,
    Payload,
    PayloadType,
    ServiceLevel,
    Voice,
    about_speech,
    speech,
)
from offhook.voice.commands.call.pressing import Prompting
from offhook.voice.floor import Floor
from offhook.voice.gathering import Heard
from offhook.voice.leg import ANSWERED, Leg, Moment
from offhook.voice.parameter import rule
from offhook.voice.player import Told
from offhook.voice.resources.problem import Problem
from offhook.voice.signal import Ordered


class GatherUsingSpeak(Prompting, frozen=True, kw_only=True):
    """POST /calls/{call_control_id}/actions/gather_using_speak. `invalid_payload` is said before the prompt is said
    again, when the digits were wrong or too few."""

    needs: ClassVar[str] = "speech"

    payload: Payload
    voice: Voice
    payload_type: PayloadType = "text"
    language: Language | None = None
    service_level: ServiceLevel = "premium"
    voice_settings: dict[str, Any] | None = None
    invalid_payload: Annotated[str, rule(high=MAX_PAYLOAD)] = ""

    def problems(self) -> list[Problem]:
        payloads = {"payload": self.payload} | (
            {"invalid_payload": self.invalid_payload} if self.invalid_payload else {}
        )
        return [*super().problems(), *about_speech(self, **payloads)]


def decide(floor: Floor, leg: Leg, order: Ordered[GatherUsingSpeak], now: Moment) -> None:
    command, untold = order.command, Told("nothing", leg.id)
    prompt = Heard(speech(command, command.payload), untold)
    excuse = Heard(speech(command, command.invalid_payload), untold) if command.invalid_payload else None
    gathering.start(floor, leg, command.wanted(leg, (prompt,), excuse), now)


RULE = CommandRule(
    "gather_using_speak", GatherUsingSpeak, ANSWERED, decide, causes=("call.gather.ended",), codes=("10027",)
)
