"""Create a conference: it comes to be with an answered leg in it, which leaves where it was."""

from functools import partial
from typing import Annotated, ClassVar

from offhook.voice import conferencing
from offhook.voice.command import Command, CommandRule, Document, Enters, Wants
from offhook.voice.commands.call.audible import MediaName
from offhook.voice.commands.call.shared import MAX_NAME, ControlId, Url
from offhook.voice.commands.conference.shared import conference_document, one_file
from offhook.voice.conference import (
    DEFAULT_MINUTES,
    DEFAULT_PARTICIPANTS,
    MAX_MINUTES,
    MAX_PARTICIPANTS,
    Beeps,
    Conference,
    Participant,
    Region,
    Settings,
)
from offhook.voice.event import about
from offhook.voice.floor import Floor
from offhook.voice.leg import ANSWERED, Leg, Moment
from offhook.voice.parameter import rule
from offhook.voice.resources.problem import Problem, rejected
from offhook.voice.signal import Ordered
from offhook.voice.sound import file_of


class CreateConference(Command, frozen=True, kw_only=True):
    """POST /conferences. Names are free again when their conference has ended."""

    ignored: ClassVar[frozenset[str]] = frozenset(("comfort_noise",))

    call_control_id: ControlId
    name: Annotated[str, rule(low=1, high=MAX_NAME)]
    beep_enabled: Beeps = "never"
    duration_minutes: Annotated[int, rule(low=1, high=MAX_MINUTES)] = DEFAULT_MINUTES
    hold_audio_url: Url | None = None
    hold_media_name: MediaName | None = None
    max_participants: Annotated[int, rule(low=2, high=MAX_PARTICIPANTS)] = DEFAULT_PARTICIPANTS
    region: Region | None = None
    start_conference_on_create: bool = True

    def problems(self) -> list[Problem]:
        return one_file(self.hold_audio_url, self.hold_media_name, ("hold_audio_url", "hold_media_name"))

    @property
    def settings(self) -> Settings:
        """What it says about the conference."""
        wait = file_of(self.hold_audio_url, self.hold_media_name)
        return Settings(self.max_participants, self.duration_minutes, self.beep_enabled, wait)


def decide(_floor: Floor, _leg: Leg, order: Ordered[CreateConference], _now: Moment) -> Enters:
    """The leg's owner finds it lawful; the conference then takes the leg."""
    return Enters("conference", order.command.name)


def reserve(floor: Floor, order: Ordered[CreateConference], _now: Moment) -> Wants:
    conference = floor.conference
    assert conference is not None  # `Enters` leads to conferences
    if conference.is_live or floor.wanted:
        raise rejected("90033", "There is a conference of this name already.", pointer="/name")
    return Wants(order.leg, partial(_open, floor, conference, order.command))


def _open(
    floor: Floor, conference: Conference, command: CreateConference, leg: Leg, _same: Leg, now: Moment
) -> Document:
    status = "in_progress" if command.start_conference_on_create else "init"
    conference.open(about(leg), command.settings, status, command.region, now)
    conferencing.created(floor, conference, now)
    conferencing.seat(floor, conference, leg, Participant(leg.ids, now, now.wall), now)
    return conference_document(conference.card)


RULE = CommandRule(
    "create_conference",
    CreateConference,
    ANSWERED,
    decide,
    makes="place",
    reserve=reserve,
    causes=("conference.created", "conference.participant.joined", "call.dequeued"),
    codes=("10027", "90032", "90033"),
)
