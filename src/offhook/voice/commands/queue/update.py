"""Update a queue: it takes more calls from now on, or fewer; whoever waits in it stays."""

from typing import Annotated

from offhook.voice.command import CommandRule, Document, Form
from offhook.voice.commands.queue.shared import queue_document, queue_of
from offhook.voice.effect import KeepQueue
from offhook.voice.floor import Floor
from offhook.voice.leg import Moment
from offhook.voice.parameter import rule
from offhook.voice.queue import MAX_SIZE
from offhook.voice.signal import Directed


class UpdateQueue(Form, frozen=True, kw_only=True):
    """POST /queues/{queue_name}."""

    max_size: Annotated[int, rule(low=1, high=MAX_SIZE)]


def decide(floor: Floor, _leg: None, order: Directed[UpdateQueue], now: Moment) -> Document:
    queue = queue_of(floor)
    queue.change(now, max_size=order.command.max_size)
    if queue.card.life == "kept":
        floor.emit(KeepQueue(queue.card))
    return queue_document(queue, now)


RULE = CommandRule("update", UpdateQueue, frozenset(), decide, codes=("10005",))
