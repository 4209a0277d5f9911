"""Join: an answered leg enters a conference, and leaves where it was."""

from functools import partial

from offhook.voice.command import CommandRule, Enters, Wants
from offhook.voice.commands.call.shared import ControlId
from offhook.voice.commands.conference.participation import Participation, expect_seat, seat
from offhook.voice.commands.conference.shared import conference_of
from offhook.voice.conference import Conference, Region
from offhook.voice.floor import Floor
from offhook.voice.leg import ANSWERED, Leg, Moment
from offhook.voice.resources.problem import rejected
from offhook.voice.signal import Ordered


class JoinConference(Participation, frozen=True, kw_only=True):
    """POST /conferences/{id}/actions/join."""

    call_control_id: ControlId
    region: Region | None = None


def decide(_floor: Floor, _leg: Leg, order: Ordered[JoinConference], _now: Moment) -> Enters:
    """The leg's owner finds it lawful; the conference then takes the leg."""
    return Enters("conference", order.place, "refused")


def reserve(floor: Floor, order: Ordered[JoinConference], _now: Moment) -> Wants:
    conference = conference_of(floor)
    if order.leg in conference.participants:
        raise rejected("90044", "This call is in the conference already.", pointer="/call_control_id")
    expect_seat(floor, conference)
    return Wants(order.leg, partial(_join, floor, conference, order.command))


def _join(floor: Floor, conference: Conference, command: JoinConference, leg: Leg, _same: Leg, now: Moment) -> None:
    conference_of(floor)  # it may have ended while the leg was on its way
    seat(floor, conference, command, leg, now)


RULE = CommandRule(
    "join_conference",
    JoinConference,
    ANSWERED,
    decide,
    reserve=reserve,
    causes=("conference.participant.joined", "call.dequeued", "conference.participant.left"),
    codes=("90019", "90032", "90044", "90058"),
)
