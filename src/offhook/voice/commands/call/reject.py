"""Reject: a call that a far end dialled is refused before it is answered."""

from typing import Literal

from offhook.voice import meeting
from offhook.voice.cause import ending
from offhook.voice.command import Command, CommandRule
from offhook.voice.floor import Floor
from offhook.voice.leg import UNANSWERED, Leg, Moment
from offhook.voice.resources.problem import rejected
from offhook.voice.signal import Ordered


class Reject(Command, frozen=True, kw_only=True):
    """POST /calls/{call_control_id}/actions/reject."""

    cause: Literal["CALL_REJECTED", "USER_BUSY"]


def decide(floor: Floor, leg: Leg, order: Ordered[Reject], now: Moment) -> None:
    if leg.side == "outgoing":
        raise rejected("90102", "Only the far end can reject a call that was dialled to it; hang up instead.")
    meeting.end(floor, leg, ending(order.command.cause), now)


RULE = CommandRule("reject", Reject, UNANSWERED, decide)
