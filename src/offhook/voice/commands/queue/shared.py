"""How the API shows queues and the calls in them. Knows no single command."""

from offhook.voice import queueing
from offhook.voice.command import Document
from offhook.voice.floor import Floor
from offhook.voice.leg import Moment
from offhook.voice.queue import Queue, Turn
from offhook.voice.resources.moment import format_moment
from offhook.voice.resources.problem import rejected


def queue_of(floor: Floor) -> Queue:
    """The queue that a command is for; a 404 where it has been deleted meanwhile."""
    queue = floor.queue
    assert queue is not None  # commands to queues go to queues only
    if not queueing.exists(floor, queue):
        raise no_queue()
    return queue


def no_queue() -> Exception:
    """The refusal for a name that no queue of this account has."""
    return rejected("10005", "The requested queue could not be found.")


def turn_of(queue: Queue, leg: str) -> Turn:
    """The turn of a call; a 404 for one that is not in this queue."""
    if leg not in queue.turns:
        raise rejected("10005", "The requested call is not in this queue.")
    return queue.turns[leg]


def queue_document(queue: Queue, now: Moment) -> Document:
    """A queue as the API shows it."""
    return {
        "average_wait_time_secs": queue.average_wait(now),
        "created_at": format_moment(queue.card.created_at),
        "current_size": queue.size,
        "id": queue.card.id,
        "max_size": queue.card.max_size,
        "name": queue.card.name,
        "record_type": "queue",
        "updated_at": format_moment(queue.card.updated_at),
    }


def call_document(queue: Queue, leg: str, now: Moment) -> Document:
    """A call in a queue as the API shows it."""
    turn = turn_of(queue, leg)
    about = turn.about
    return {
        "call_control_id": leg,
        "call_leg_id": about.ids.call_leg_id,
        "call_session_id": about.ids.call_session_id,
        "connection_id": about.party.connection_id,
        "enqueued_at": format_moment(turn.since.wall),
        "from": about.caller,
        "is_alive": turn.presence == "waiting",
        "queue_id": queue.card.id,
        "queue_position": queue.position(leg),
        "record_type": "queue_call",
        "to": about.called,
        "wait_time_secs": turn.waited(now),
    }
