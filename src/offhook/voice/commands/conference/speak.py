"""Speak: participants hear what is written, over the others' voices."""

from typing import Any, ClassVar

from offhook.voice import announcing
from offhook.voice.command import CommandRule
from offhook.voice.commands.call.audible import (
    Language,
    Payload,
    PayloadType,
    ServiceLevel,
    Voice,
    about_speech,
    speech,
)
from offhook.voice.commands.conference.shared import CommandId, Some, chosen, conference_of
from offhook.voice.floor import Floor
from offhook.voice.leg import Moment
from offhook.voice.resources.problem import Problem
from offhook.voice.signal import Directed


class SpeakToConference(Some, frozen=True, kw_only=True):
    """POST /conferences/{id}/actions/speak."""

    needs: ClassVar[str] = "speech"

    payload: Payload
    voice: Voice
    command_id: CommandId | None = None
    language: Language | None = None
    payload_type: PayloadType = "text"
    voice_settings: dict[str, Any] | None = None

    @property
    def service_level(self) -> ServiceLevel:
        """Conferences have no choice of it."""
        return "premium"

    def problems(self) -> list[Problem]:
        return list(about_speech(self, payload=self.payload))


def decide(floor: Floor, _leg: None, order: Directed[SpeakToConference], _now: Moment) -> None:
    command = order.command
    legs, said = chosen(floor, command.call_control_ids), speech(command, command.payload)
    announcing.announce(floor, conference_of(floor), legs, not command.call_control_ids, said, 1)


RULE = CommandRule(
    "speak",
    SpeakToConference,
    frozenset(),
    decide,
    causes=(
        "conference.speak.started",
        "conference.speak.ended",
        "conference.participant.speak.started",
        "conference.participant.speak.ended",
    ),
    codes=("10027", "90015", "90019", "90058"),
)
