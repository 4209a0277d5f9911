"""Remove a call from a queue: one that has hung up loses the turn that it kept, a live one is parked again."""

from offhook.voice import meeting
from offhook.voice.command import CommandRule, Form
from offhook.voice.commands.queue.shared import queue_of, turn_of
from offhook.voice.floor import Floor
from offhook.voice.leg import Moment
from offhook.voice.signal import Directed


class RemoveQueueCall(Form, frozen=True, kw_only=True):
    """DELETE /queues/{queue_name}/calls/{call_control_id}."""


def decide(floor: Floor, _leg: None, order: Directed[RemoveQueueCall], now: Moment) -> None:
    queue = queue_of(floor)
    turn = turn_of(queue, order.leg)
    if turn.presence == "gone":
        del queue.turns[order.leg]
    else:
        meeting.leave(floor, floor.legs[order.leg], now, "leave")


RULE = CommandRule(
    "remove_call", RemoveQueueCall, frozenset(), decide, "DELETE", causes=("call.dequeued",), codes=("10005",)
)
