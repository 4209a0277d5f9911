"""Leave queue: a leg waits no more; it is parked with its session again."""

from offhook.voice import meeting, queueing
from offhook.voice.command import Command, CommandRule
from offhook.voice.floor import Floor
from offhook.voice.leg import LIVE, Leg, Moment
from offhook.voice.resources.problem import rejected
from offhook.voice.signal import Ordered


class LeaveQueue(Command, frozen=True, kw_only=True):
    """POST /calls/{call_control_id}/actions/leave_queue."""


def decide(floor: Floor, leg: Leg, _order: Ordered[LeaveQueue], now: Moment) -> None:
    if not queueing.waits(floor, leg):
        raise rejected("90035", "The call is not in a queue.")
    meeting.leave(floor, leg, now, "leave")


RULE = CommandRule("leave_queue", LeaveQueue, LIVE, decide, causes=("call.dequeued",), codes=("90035",))
