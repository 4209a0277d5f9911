"""Delete a queue in which nobody waits."""

from offhook.voice.command import CommandRule, Form
from offhook.voice.commands.queue.shared import queue_of
from offhook.voice.effect import DropQueue
from offhook.voice.floor import Floor
from offhook.voice.leg import Moment
from offhook.voice.resources.problem import rejected
from offhook.voice.signal import Directed


class DeleteQueue(Form, frozen=True, kw_only=True):
    """DELETE /queues/{queue_name}."""


def decide(floor: Floor, _leg: None, _order: Directed[DeleteQueue], now: Moment) -> None:
    queue = queue_of(floor)
    if queue.size or floor.wanted:
        raise rejected("90050", "There are calls in this queue.")
    queue.change(now, life="passing")
    floor.emit(DropQueue(queue.card))


RULE = CommandRule("delete", DeleteQueue, frozenset(), decide, "DELETE", codes=("10005", "90050"))
