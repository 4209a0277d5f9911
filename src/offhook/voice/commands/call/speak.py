"""Speak: a leg hears what is written, in place of what it hears otherwise."""

from typing import Any, ClassVar

from offhook.voice.command import Command, CommandRule
from offhook.voice.commands.call.audible import (
    Language,
    Legs,
    Loop,
    Payload,
    PayloadType,
    ServiceLevel,
    Stop,
    Voice,
    about_speech,
    hearing,
    items,
    play,
    speech,
)
from offhook.voice.floor import Floor
from offhook.voice.leg import ANSWERED, Leg, Moment
from offhook.voice.player import Told
from offhook.voice.resources.problem import Problem
from offhook.voice.signal import Ordered


class Speak(Command, frozen=True, kw_only=True):
    """POST /calls/{call_control_id}/actions/speak. Queued behind what plays already, unless `stop` ends that."""

    needs: ClassVar[str] = "speech"

    payload: Payload
    voice: Voice
    payload_type: PayloadType = "text"
    language: Language | None = None
    service_level: ServiceLevel = "premium"
    voice_settings: dict[str, Any] | None = None
    loop: Loop = 1
    stop: Stop | None = None
    target_legs: Legs = "self"

    def problems(self) -> list[Problem]:
        return list(about_speech(self, payload=self.payload))


def decide(floor: Floor, leg: Leg, order: Ordered[Speak], now: Moment) -> None:
    command = order.command
    legs, said = hearing(floor, leg, command.target_legs), speech(command, command.payload)
    play(floor, legs, items(legs, said, Told("speak", leg.id), command.loop), command.stop, now)


RULE = CommandRule(
    "speak", Speak, ANSWERED, decide, causes=("call.speak.started", "call.speak.ended"), codes=("10027",)
)
