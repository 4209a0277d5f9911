"""How a leg moves from one owner to another: it is wanted, let go of, and arrives, and it is always somewhere. No I/O.

Who has a seat for a leg wants it: the owner of a leg that was told to bridge, a queue or a conference. The leg's owner
lets go of it in one decision, and the shell hands it over before anything else reaches either; a leg that may not leave
stays where it is. A queue or conference gives legs that have left it back to their sessions.
"""

from functools import partial
from typing import Any

from offhook.voice import conferencing, effect, meeting, ordering, owning, player, queueing
from offhook.voice.cause import ending
from offhook.voice.command import Wants
from offhook.voice.conference import Conference
from offhook.voice.floor import Floor, Waiting
from offhook.voice.leg import RUNG, Leg, Moment
from offhook.voice.resources.problem import Rejected, rejected
from offhook.voice.signal import Arrived, NotArrived, Ordered, Wanted


def want(floor: Floor, wants: Wants, order: Ordered[Any], account_id: str) -> None:
    """Ask for another owner's leg, for a command that goes on when it arrives."""
    if wants.leg and any(waiting.leg == wants.leg for waiting in floor.wanted.values()):
        why = rejected("10027", "Another command is moving this call.", pointer="/call_control_id")
        floor.emit(effect.Rejected(order.reply, why))
        return
    number = floor.want(Waiting(order, wants.leg, order.leg, wants.then))
    floor.emit(effect.Want(number, wants.leg, order.leg, wants.taken, wants.queue, account_id, wants.rung))


def fetch(floor: Floor, leg: Leg, other: str) -> None:
    """Ask for another owner's leg, for one that was dialled to meet it and is answered."""
    then = partial(meeting.bridge, floor)
    floor.emit(effect.Want(floor.want(Waiting(None, other, leg.id, then)), other, leg.id, leg.taken))


def wanted(floor: Floor, signal: Wanted, now: Moment) -> None:
    """Let go of a leg, or keep it."""
    try:
        leg = _found(floor, signal)
    except Rejected as why:
        floor.emit(effect.KeepBack(signal.number, signal.by, why))
        return
    meeting.leave(floor, leg, now)
    player.part(floor, leg, now)
    floor.release(leg)
    floor.emit(effect.HandOver(leg, signal.by, signal.number))


def arrived(floor: Floor, signal: Arrived, now: Moment) -> None:
    """The leg is here: alone with the platform at first, then it meets the one, or takes the seat, that it was wanted
    for."""
    leg = signal.leg
    floor.adopt(leg)
    floor.save(leg)
    if signal.number is None:
        return
    waiting = floor.wanted.pop(signal.number)
    meets = floor.legs.get(waiting.meets)
    if waiting.order is not None:
        ordering.go_on(floor, waiting.order, meets, lambda meets: waiting.then(meets, leg, now), now)
    elif meets is not None and meets.stage == "answered":
        waiting.then(meets, leg, now)


def not_arrived(floor: Floor, signal: NotArrived, now: Moment) -> None:
    """The leg stays away; the command that wanted it is refused, the leg that was dialled for it has nobody to meet."""
    waiting = floor.wanted.pop(signal.number)
    if waiting.order is not None:
        floor.emit(effect.Rejected(waiting.order.reply, signal.why))
    elif waiting.meets in floor.legs:
        why = ending("NORMAL_CLEARING", "the leg that it should meet is not there any more")
        meeting.end(floor, floor.legs[waiting.meets], why, now)


def hand_back(floor: Floor, leg: Leg, order: Ordered[Any], now: Moment) -> None:
    """Give a leg of a queue or conference, with a command that takes it elsewhere, to its session, which decides."""
    meeting.leave(floor, leg, now, "bridging-in-process")
    _go_home(floor, leg)
    floor.emit(effect.PassOn(order, leg.party.account_id, leg.ids.call_session_id))


def send_home(floor: Floor, now: Moment) -> None:
    """Let a conference end that has to, and give legs that have left the place back to their sessions."""
    if floor.owned is None:
        return
    if floor.conference is not None:
        _let_go(floor, floor.conference, now)
    for leg in [leg for leg in floor.legs.values() if not owning.is_guest(floor, leg)]:
        _go_home(floor, leg)


def _let_go(floor: Floor, conference: Conference, now: Moment) -> None:
    """Whoever is still in a conference that ends hangs up or is parked; then it is over."""
    if conference.fate != "goes on":
        for id in list(conference.participants):
            if conference.fate == "hangs up":
                why = ending("NORMAL_CLEARING", "the conference has ended")
                meeting.end(floor, floor.legs[id], why, now)
            else:
                meeting.leave(floor, floor.legs[id], now)
    conferencing.finish(floor, conference, now)


def _go_home(floor: Floor, leg: Leg) -> None:
    floor.release(leg)
    floor.emit(effect.HandOver(leg, leg.ids.call_session_id, None))


def _found(floor: Floor, signal: Wanted) -> Leg:
    """The leg that is asked for, if it comes."""
    if floor.queue is not None and not signal.leg:
        return queueing.first(floor, floor.queue)
    leg = floor.legs.get(signal.leg)
    if leg is not None and signal.taken == "unless queued" and queueing.waits(floor, leg):
        raise rejected("90038", "The call is in a queue already.")
    if leg is None:
        raise rejected("90018", "The call to move has already ended.", pointer="/call_control_id")
    if leg.stage != "answered" and not (signal.rung == "comes" and _rings_alone(floor, leg)):
        raise rejected("90034", "The call to move has not been answered yet.", pointer="/call_control_id")
    if _is_busy(floor, signal):
        raise rejected("10027", "The call to move is bridged, or just being bridged.", pointer="/call_control_id")
    return leg


def _rings_alone(floor: Floor, leg: Leg) -> bool:
    """Whether a leg rings, and for nobody yet."""
    return leg.stage in RUNG and leg.meets is None and not floor.others(leg)


def _is_busy(floor: Floor, signal: Wanted) -> bool:
    """Whether a leg is not for this one: it is bridged and that forbids it, or it waits for the very leg that wants
    it. Of two that want each other, the one with the smaller id goes."""
    if signal.taken == "stays" and floor.place_of(signal.leg).kind == "bridge":
        return True
    mutual = any(each.meets == signal.leg and each.leg == signal.meets for each in floor.wanted.values())
    return mutual and signal.leg > signal.meets
