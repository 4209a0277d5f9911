"""A place that owns itself, a queue or a conference: what its floor does beside the rules of calls. No I/O.

Legs come to it by a reservation (`passage`) and go home to their sessions when they have no seat in it any more. Each
function does nothing on the floor of a session.
"""

from offhook.voice import conferencing, queueing
from offhook.voice.conference import Conference
from offhook.voice.floor import Floor
from offhook.voice.leg import Leg, Moment
from offhook.voice.queue import Queue, Reason
from offhook.voice.signal import Broken, Input


def begin(floor: Floor, given: Input) -> None:
    """Before a decision: forget who is gone, and, where the decision before could not be stored, what it changed."""
    owned = floor.owned
    if owned is None:
        return
    floor.forget_names()
    match owned:
        case Queue():
            owned.card = owned.stored if isinstance(given, Broken) else owned.card
            queueing.forget_gone(owned)
        case Conference():
            owned.card = owned.stored if isinstance(given, Broken) else owned.card
            conferencing.forget_gone(owned)


def stored(floor: Floor) -> None:
    """What a decision changed is safe."""
    match floor.owned:
        case Queue() as queue:
            queue.stored = queue.card
        case Conference() as conference:
            conference.stored = conference.card
        case None:
            pass


def is_guest(floor: Floor, leg: Leg) -> bool:
    """Whether a leg is in the queue or conference that this floor is."""
    return floor.owned is not None and leg.id in floor.owned.place


def left(floor: Floor, leg: Leg, reason: Reason, now: Moment) -> None:
    """A leg leaves for this reason; whoever calls this moves or ends it next."""
    queueing.left(floor, leg, reason, now)
    if reason != "hangup":
        conferencing.left(floor, leg, now)


def close(floor: Floor) -> None:
    """The platform ends the place, though its customer has not."""
    match floor.owned:
        case Queue() as queue:
            queueing.close(queue)
        case Conference() as conference:
            conference.fate = "hangs up"
        case None:
            pass
