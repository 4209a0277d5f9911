"""Enqueue: an answered leg waits in a queue for its turn."""

from functools import partial
from typing import Annotated

from offhook.voice import queueing
from offhook.voice.command import Command, CommandRule, Enters, Wants
from offhook.voice.commands.call.shared import MAX_COUNT, QueueName
from offhook.voice.event import about
from offhook.voice.floor import Floor
from offhook.voice.leg import ANSWERED, Leg, Moment
from offhook.voice.parameter import rule
from offhook.voice.queue import DEFAULT_SIZE_BY_ENQUEUE, MAX_SIZE, Queue, Turn
from offhook.voice.resources.problem import rejected
from offhook.voice.signal import Ordered


class Enqueue(Command, frozen=True, kw_only=True):
    """POST /calls/{call_control_id}/actions/enqueue.

    A queue that there is not comes to be, with `max_size` seats (100 unless said), and goes with the last call in it.
    """

    queue_name: QueueName
    max_size: Annotated[int, rule(low=1, high=MAX_SIZE)] | None = None
    max_wait_time_secs: Annotated[int, rule(low=1, high=MAX_COUNT)] | None = None
    keep_after_hangup: bool = False


def decide(floor: Floor, leg: Leg, order: Ordered[Enqueue], _now: Moment) -> Enters:
    """The leg's owner finds it lawful; the queue then seats the leg."""
    if queueing.waits(floor, leg):
        raise rejected("90038", "The call is in a queue already.")
    return Enters("queue", order.command.queue_name)


def reserve(floor: Floor, order: Ordered[Enqueue], now: Moment) -> Wants:
    queue, command = floor.queue, order.command
    assert queue is not None  # `Enters` leads to queues
    if not queueing.exists(floor, queue):
        queue.open("passing", command.max_size or DEFAULT_SIZE_BY_ENQUEUE, now)
    if command.max_size not in (None, queue.card.max_size):
        raise rejected("90037", "max_size of a queue that exists cannot be changed by this.", pointer="/max_size")
    if queue.size + len(floor.wanted) >= queue.card.max_size:
        raise rejected("90036", "The queue is full.", pointer="/queue_name")
    return Wants(order.leg, partial(_seat, floor, queue, command), "unless queued")


def _seat(floor: Floor, queue: Queue, command: Enqueue, leg: Leg, _same: Leg, now: Moment) -> None:
    limit = command.max_wait_time_secs
    until = None if limit is None else now.mono + limit
    turn = Turn(about(leg), now, until, "stays" if command.keep_after_hangup else "goes")
    queueing.seat(floor, queue, leg, turn, now)


RULE = CommandRule(
    "enqueue",
    Enqueue,
    ANSWERED,
    decide,
    reserve=reserve,
    causes=("call.enqueued", "conference.participant.left"),
    codes=("90036", "90037", "90038"),
)
