"""How legs wait in a queue and leave it, and what the customer is told of that. No I/O.

Each function does nothing on a floor that is no queue's, or for a leg that does not wait.
"""

import msgspec

from offhook.voice import metering
from offhook.voice.event import CallDequeued, CallEnqueued, about
from offhook.voice.floor import Floor
from offhook.voice.leg import Leg, Moment
from offhook.voice.queue import Queue, Reason, Turn
from offhook.voice.resources.problem import rejected


def exists(floor: Floor, queue: Queue) -> bool:
    """Whether there is such a queue: it is kept, somebody waits in it, or is on the way to it."""
    return not queue.over or bool(floor.wanted)


def waits(floor: Floor, leg: Leg) -> bool:
    """Whether a leg waits in the queue that this floor is."""
    return floor.queue is not None and leg.id in floor.queue.place


def seat(floor: Floor, queue: Queue, leg: Leg, turn: Turn, now: Moment) -> None:
    """A leg that has come takes the last place in the order."""
    floor.move(leg, queue.place, "waiting")
    queue.turns[leg.id] = turn
    metering.begin(floor, leg, "queue", queue.card.name, now)
    floor.save(leg)
    floor.tell(CallEnqueued, leg, now, queue.card.name, queue.size, queue.average_wait(now))


def left(floor: Floor, leg: Leg, reason: Reason, now: Moment) -> None:
    """A waiting leg leaves for this reason; whoever calls this moves or ends it next. One that hangs up may keep its
    turn: then it has not left, and the customer is told of the hang-up only."""
    queue = floor.queue
    if queue is None or leg.id not in queue.place:
        return
    turn = queue.turns[leg.id]
    metering.end(floor, leg, "queue", queue.card.name, now)
    if reason == "hangup" and turn.after_hangup == "stays":
        queue.turns[leg.id] = msgspec.structs.replace(turn, about=about(leg), presence="gone")
        return
    floor.tell(CallDequeued, leg, now, queue.card.name, queue.position(leg.id), reason, turn.waited(now))
    del queue.turns[leg.id]


def lose_turns(floor: Floor, now: Moment) -> list[Leg]:
    """The legs that have waited as long as they may, in their order; what has hung up is forgotten at that time."""
    queue = floor.queue
    if queue is None:
        return []
    late = [id for id, turn in queue.turns.items() if turn.until is not None and turn.until <= now.mono]
    for id in late:
        if queue.turns[id].presence == "gone":
            del queue.turns[id]
    return [floor.legs[id] for id in late if id in floor.legs]


def forget_gone(queue: Queue) -> None:
    """Forget who was ended by force, past the rules."""
    if len(queue.place) < queue.size:
        for id in [id for id, turn in queue.turns.items() if turn.presence == "waiting" and id not in queue.place]:
            del queue.turns[id]


def close(queue: Queue) -> None:
    """The platform ends the queue, though its customer has not deleted it: nobody keeps a turn, nobody comes in."""
    queue.card = msgspec.structs.replace(queue.card, life="passing")
    queue.turns = {id: turn for id, turn in queue.turns.items() if turn.presence == "waiting"}


def first(floor: Floor, queue: Queue) -> Leg:
    """The leg whose turn it is; Rejected where there is none. A call that has hung up and kept its turn loses it by
    this: the refusal says how its caller can be called back."""
    if not queue.turns:
        raise rejected("10027", "The queue is empty.", pointer="/queue")
    id, turn = next(iter(queue.turns.items()))
    if turn.presence == "waiting":
        return floor.legs[id]
    del queue.turns[id]
    detail = f"The first call of the queue, from {turn.about.caller} to {turn.about.called}, has hung up: call it back."
    raise rejected("90018", detail, pointer="/queue")
