"""End: a leg ends for a reason that hanging up does not have."""

from typing import Literal

from offhook.voice import meeting
from offhook.voice.cause import ending
from offhook.voice.command import Command, CommandRule
from offhook.voice.floor import Floor
from offhook.voice.leg import LIVE, Leg, Moment
from offhook.voice.signal import Ordered


class End(Command, frozen=True, kw_only=True):
    """`cause` is one of the table."""

    cause: Literal["USER_BUSY", "CALL_REJECTED"]


def decide(floor: Floor, leg: Leg, order: Ordered[End], now: Moment) -> None:
    meeting.end(floor, leg, ending(order.command.cause), now)


RULE = CommandRule("end", End, LIVE, decide, causes=("call.hangup",))
