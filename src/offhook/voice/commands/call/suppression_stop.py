"""Suppression stop: a leg's noise is heard again."""

from offhook.voice import suppressing
from offhook.voice.command import Command, CommandRule
from offhook.voice.floor import Floor
from offhook.voice.leg import ANSWERED, Leg, Moment
from offhook.voice.signal import Ordered


class SuppressionStop(Command, frozen=True, kw_only=True):
    """POST /calls/{call_control_id}/actions/suppression_stop."""


def decide(floor: Floor, leg: Leg, _order: Ordered[SuppressionStop], now: Moment) -> None:
    suppressing.stop(floor, leg, now)


RULE = CommandRule("suppression_stop", SuppressionStop, ANSWERED, decide, codes=("10027",))
