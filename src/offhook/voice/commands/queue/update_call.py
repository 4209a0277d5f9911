"""Update a call in a queue: whether it keeps its turn when it hangs up."""

import msgspec

from offhook.voice.command import CommandRule, Form
from offhook.voice.commands.queue.shared import queue_of, turn_of
from offhook.voice.floor import Floor
from offhook.voice.leg import Moment
from offhook.voice.signal import Directed


class UpdateQueueCall(Form, frozen=True, kw_only=True):
    """PATCH /queues/{queue_name}/calls/{call_control_id}."""

    keep_after_hangup: bool | None = None


def decide(floor: Floor, _leg: None, order: Directed[UpdateQueueCall], _now: Moment) -> None:
    queue = queue_of(floor)
    turn = turn_of(queue, order.leg)
    if order.command.keep_after_hangup is not None:
        after = "stays" if order.command.keep_after_hangup else "goes"
        queue.turns[order.leg] = msgspec.structs.replace(turn, after_hangup=after)


RULE = CommandRule("update_call", UpdateQueueCall, frozenset(), decide, "PATCH", codes=("10005",))
