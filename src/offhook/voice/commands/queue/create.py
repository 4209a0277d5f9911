"""Create a queue: it is kept until it is deleted, whoever waits in it."""

from typing import Annotated

from offhook.voice import queueing
from offhook.voice.command import CommandRule, Document, Form
from offhook.voice.commands.call.shared import MAX_NAME
from offhook.voice.commands.queue.shared import queue_document
from offhook.voice.effect import KeepQueue
from offhook.voice.floor import Floor
from offhook.voice.leg import Moment
from offhook.voice.parameter import rule
from offhook.voice.queue import DEFAULT_SIZE, MAX_SIZE
from offhook.voice.resources.problem import rejected
from offhook.voice.signal import Directed


class CreateQueue(Form, frozen=True, kw_only=True):
    """POST /queues."""

    queue_name: Annotated[str, rule(low=1, high=MAX_NAME, lives_in=("create",))]
    max_size: Annotated[int, rule(low=1, high=MAX_SIZE)] = DEFAULT_SIZE


def decide(floor: Floor, _leg: None, order: Directed[CreateQueue], now: Moment) -> Document:
    """A queue of that name that calls have made goes with the last of them; until then its name is taken."""
    queue = floor.queue
    assert queue is not None  # commands to queues go to queues only
    if queueing.exists(floor, queue):
        raise rejected("10012", "There is another queue of this name.", pointer="/queue_name")
    queue.open("kept", order.command.max_size, now)
    floor.emit(KeepQueue(queue.card))
    return queue_document(queue, now)


RULE = CommandRule("create", CreateQueue, frozenset(), decide, codes=("10012",))
