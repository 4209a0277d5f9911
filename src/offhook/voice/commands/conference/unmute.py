"""Unmute: participants are heard again."""

from offhook.voice.command import CommandRule
from offhook.voice.commands.conference.shared import Some, chosen, conference_of
from offhook.voice.floor import Floor
from offhook.voice.leg import Moment
from offhook.voice.signal import Directed


class UnmuteConference(Some, frozen=True, kw_only=True):
    """POST /conferences/{id}/actions/unmute."""


def decide(floor: Floor, _leg: None, order: Directed[UnmuteConference], now: Moment) -> None:
    for leg in chosen(floor, order.command.call_control_ids):
        conference_of(floor).change_participant(leg.id, now, voice="open")


RULE = CommandRule("unmute", UnmuteConference, frozenset(), decide, codes=("90015", "90019", "90058"))
