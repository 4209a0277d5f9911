"""Unhold: participants hear the others again and are heard, once the conference has started."""

from offhook.voice import conferencing
from offhook.voice.command import CommandRule
from offhook.voice.commands.conference.shared import ControlIds, Regional, chosen, conference_of
from offhook.voice.floor import Floor
from offhook.voice.leg import Moment
from offhook.voice.signal import Directed


class UnholdConference(Regional, frozen=True, kw_only=True):
    """POST /conferences/{id}/actions/unhold. The participants must be named; an empty list is everybody."""

    call_control_ids: ControlIds


def decide(floor: Floor, _leg: None, order: Directed[UnholdConference], now: Moment) -> None:
    conference = conference_of(floor)
    for leg in chosen(floor, order.command.call_control_ids):
        conference.change_participant(leg.id, now, hold="active", hold_audio=None)
        conferencing.wait_or_hear(floor, conference, leg, now)


RULE = CommandRule("unhold", UnholdConference, frozenset(), decide, codes=("90015", "90019", "90058"))
