"""How a leg moves from one owner to another: it is wanted, let go of, and arrives, and it is always somewhere. No I/O.

The owner of the leg that was told to bridge wants the other leg. Its owner lets go of it in one decision, and the
shell hands it over before anything else reaches either; a leg that may not leave stays where it is.
"""

from typing import Any

from offhook.voice import effect, meeting, ordering
from offhook.voice.command import OK, Wants
from offhook.voice.floor import Floor, Waiting
from offhook.voice.leg import Moment
from offhook.voice.resources.problem import rejected
from offhook.voice.signal import Arrived, NotArrived, Ordered, Wanted


def want(floor: Floor, wants: Wants, order: Ordered[Any]) -> None:
    """Ask for another owner's leg, for a command that goes on when it arrives."""
    if wants.leg in floor.wanted:
        why = rejected("10027", "Another command is bridging this call.", pointer="/call_control_id")
        floor.emit(effect.Rejected(order.reply, why))
        return
    floor.wanted[wants.leg] = Waiting(order, wants.then)
    floor.emit(effect.Want(wants.leg, order.leg, wants.taken))


def wanted(floor: Floor, signal: Wanted, now: Moment) -> None:
    """Let go of an answered leg, or keep it."""
    leg = floor.legs.get(signal.leg)
    if leg is None or leg.stage != "answered" or _stays(floor, signal):
        floor.emit(effect.KeepBack(signal.leg, signal.by))
        return
    meeting.leave(floor, leg, now)
    floor.release(leg)
    floor.emit(effect.HandOver(leg, signal.by))


def arrived(floor: Floor, signal: Arrived, now: Moment) -> None:
    """The leg is here: alone with the platform at first, then it meets the one that it was wanted for."""
    leg, waiting = signal.leg, floor.wanted.pop(signal.leg.id)
    floor.adopt(leg)
    floor.save(leg)
    order = waiting.order
    meeter = floor.legs.get(order.leg)
    if meeter is None or meeter.stage != "answered":
        floor.emit(effect.Rejected(order.reply, rejected("90018", "The call has already ended.")))
        return
    waiting.then(meeter, leg, now)
    ordering.accept(floor, meeter, order, OK, now)


def not_arrived(floor: Floor, signal: NotArrived, _now: Moment) -> None:
    """The leg stays away; the command that wanted it is refused."""
    order = floor.wanted.pop(signal.leg).order
    detail = "The call to bridge with has ended, is not answered, or is being bridged already."
    floor.emit(effect.Rejected(order.reply, rejected("90018", detail, pointer="/call_control_id")))


def _stays(floor: Floor, signal: Wanted) -> bool:
    """Whether a leg is not for this one: it is bridged and that forbids it, or it waits for the very leg that wants
    it. Of two that want each other, the one with the smaller id goes."""
    if signal.taken == "stays" and floor.place_of(signal.leg).kind == "bridge":
        return True
    waiting = floor.wanted.get(signal.meets)
    return waiting is not None and waiting.order.leg == signal.leg and signal.leg > signal.meets
