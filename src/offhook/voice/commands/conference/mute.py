"""Mute: participants are not heard by the others, who go on hearing each other."""

from offhook.voice.command import CommandRule
from offhook.voice.commands.conference.shared import Some, chosen, conference_of
from offhook.voice.floor import Floor
from offhook.voice.leg import Moment
from offhook.voice.signal import Directed


class MuteConference(Some, frozen=True, kw_only=True):
    """POST /conferences/{id}/actions/mute."""


def decide(floor: Floor, _leg: None, order: Directed[MuteConference], now: Moment) -> None:
    for leg in chosen(floor, order.command.call_control_ids):
        conference_of(floor).change_participant(leg.id, now, voice="muted")


RULE = CommandRule("mute", MuteConference, frozenset(), decide, codes=("90015", "90019", "90058"))
