"""Gather stop: nobody waits for digits any more."""

from offhook.voice import gathering
from offhook.voice.command import Command, CommandRule
from offhook.voice.floor import Floor
from offhook.voice.leg import ANSWERED, Leg, Moment
from offhook.voice.resources.problem import rejected
from offhook.voice.signal import Ordered


class GatherStop(Command, frozen=True, kw_only=True):
    """POST /calls/{call_control_id}/actions/gather_stop."""


def decide(floor: Floor, leg: Leg, _order: Ordered[GatherStop], now: Moment) -> None:
    if not gathering.stop(floor, leg, now):
        raise rejected("10027", "Nothing is being gathered on this call.")


RULE = CommandRule("gather_stop", GatherStop, ANSWERED, decide, causes=("call.gather.ended",), codes=("10027",))
