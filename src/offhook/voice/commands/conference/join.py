"""Join: an answered leg enters a conference, and leaves where it was."""

from functools import partial

from offhook.voice import conferencing
from offhook.voice.command import Command, CommandRule, Enters, Wants
from offhook.voice.commands.call.audible import MediaName
from offhook.voice.commands.call.shared import ControlId, Url
from offhook.voice.commands.conference.shared import (
    ControlIds,
    SupervisorRole,
    conference_of,
    on_exit,
    one_file,
    part,
)
from offhook.voice.conference import Beeps, Conference, Participant, Region
from offhook.voice.floor import Floor
from offhook.voice.leg import ANSWERED, Leg, Moment
from offhook.voice.resources.problem import Problem, rejected
from offhook.voice.signal import Ordered
from offhook.voice.sound import file_of


class JoinConference(Command, frozen=True, kw_only=True):
    """POST /conferences/{id}/actions/join."""

    call_control_id: ControlId
    beep_enabled: Beeps | None = None
    end_conference_on_exit: bool = False
    hold: bool = False
    hold_audio_url: Url | None = None
    hold_media_name: MediaName | None = None
    mute: bool = False
    region: Region | None = None
    soft_end_conference_on_exit: bool = False
    start_conference_on_enter: bool = False
    supervisor_role: SupervisorRole = "none"
    whisper_call_control_ids: ControlIds = ()

    def problems(self) -> list[Problem]:
        return one_file(self.hold_audio_url, self.hold_media_name, ("hold_audio_url", "hold_media_name"))


def decide(_floor: Floor, _leg: Leg, order: Ordered[JoinConference], _now: Moment) -> Enters:
    """The leg's owner finds it lawful; the conference then takes the leg."""
    return Enters("conference", order.place, "refused")


def reserve(floor: Floor, order: Ordered[JoinConference], _now: Moment) -> Wants:
    conference = conference_of(floor)
    if order.leg in conference.participants:
        raise rejected("90044", "This call is in the conference already.", pointer="/call_control_id")
    if len(conference.participants) + len(floor.wanted) >= conference.settings.max_participants:
        raise rejected("90032", "The conference is full.")
    return Wants(order.leg, partial(_seat, floor, conference, order.command))


def _seat(floor: Floor, conference: Conference, command: JoinConference, leg: Leg, _same: Leg, now: Moment) -> None:
    conference_of(floor)  # it may have ended while the leg was on its way
    conferencing.seat(floor, conference, leg, _participant(leg, command, now), now)
    if command.start_conference_on_enter:
        conferencing.start(floor, conference, now)


def _participant(leg: Leg, command: JoinConference, now: Moment) -> Participant:
    return Participant(
        leg=leg.ids,
        since=now,
        updated_at=now.wall,
        part=part(command.supervisor_role),
        voice="muted" if command.mute else "open",
        hold="held" if command.hold else "active",
        hold_audio=file_of(command.hold_audio_url, command.hold_media_name),
        coached=frozenset(command.whisper_call_control_ids),
        on_exit=on_exit(command.end_conference_on_exit, command.soft_end_conference_on_exit),
        beeps=command.beep_enabled,
    )


RULE = CommandRule(
    "join_conference",
    JoinConference,
    ANSWERED,
    decide,
    reserve=reserve,
    causes=("conference.participant.joined", "call.dequeued", "conference.participant.left"),
    codes=("90019", "90032", "90044", "90058"),
)
