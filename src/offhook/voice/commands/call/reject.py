"""Reject: a call that a far end dialled is refused before it is answered."""

from typing import Literal

import msgspec

from offhook.voice import meeting
from offhook.voice.cause import Ending, ending
from offhook.voice.command import Command, CommandRule
from offhook.voice.floor import Floor
from offhook.voice.leg import UNANSWERED, Leg, Moment
from offhook.voice.resources.problem import rejected
from offhook.voice.signal import Ordered


class Reject(Command, frozen=True, kw_only=True):
    """POST /calls/{call_control_id}/actions/reject."""

    cause: Literal["CALL_REJECTED", "NOT_FOUND", "TEMPORARILY_UNAVAILABLE", "USER_BUSY"]


def decide(floor: Floor, leg: Leg, order: Ordered[Reject], now: Moment) -> None:
    if leg.side == "outgoing":
        raise rejected("90102", "Only the far end can reject a call that was dialled to it; hang up instead.")
    meeting.end(floor, leg, _ENDINGS[order.command.cause], now)


_ENDINGS: dict[str, Ending] = {
    "CALL_REJECTED": msgspec.structs.replace(ending("CALL_REJECTED"), sip_code=603, sip_reason="Decline"),
    "NOT_FOUND": ending("UNALLOCATED_NUMBER"),
    # The far end gets the status of one that does not answer; nobody's time was up.
    "TEMPORARILY_UNAVAILABLE": msgspec.structs.replace(ending("NO_ANSWER"), told="unspecified"),
    "USER_BUSY": ending("USER_BUSY"),
}

RULE = CommandRule("reject", Reject, UNANSWERED, decide, causes=("call.hangup",), codes=("90102",))
