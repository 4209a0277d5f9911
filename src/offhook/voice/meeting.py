"""Who meets whom: legs are bridged, parked and ended, and what that does to those they were with. No I/O.

A leg that loses the one it was bridged to hangs up too, unless it was asked to park (`Leg.unbridged`). So does one that
supervises two who are bridged, when either leaves; those two do not care about it.
"""

from offhook.voice import conferencing, forwarding, owning, queueing
from offhook.voice.cause import Ending, ending
from offhook.voice.effect import EndedAway
from offhook.voice.event import CallBridged, CallUnbridged, Source
from offhook.voice.floor import Floor
from offhook.voice.leg import RUNG, UNANSWERED, Dialog, Leg, Moment, Role
from offhook.voice.place import SUPERVISORS, Part, Place
from offhook.voice.queue import Reason


def bridge(floor: Floor, leg: Leg, other: Leg, now: Moment) -> None:
    """Let two answered legs hear each other; whoever one of them was bridged to before is left behind. Where they are
    bridged with each other already nothing happens."""
    if other in partners(floor, leg):
        return
    for each in (leg, other):
        leave(floor, each, now)
    place = Place("bridge", leg.id)
    floor.move(leg, place, "party")
    floor.move(other, place, "party")
    for each in (leg, other):
        floor.save(each)
    met(floor, leg, other, now)


def met(floor: Floor, leg: Leg, other: Leg, now: Moment) -> None:
    """Tell that two legs have met, each by an event of its own."""
    floor.tell(CallBridged, leg, now, other.ids, True)
    floor.tell(CallBridged, other, now, leg.ids, False)


def partners(floor: Floor, leg: Leg) -> list[Leg]:
    """The legs that a leg is bridged with: nobody who supervises, nor whom. Those that share a queue have nothing to do
    with each other."""
    if floor.place_of(leg.id).kind != "bridge" or supervises(floor, leg):
        return []
    return [other for other in floor.others(leg) if not supervises(floor, other)]


def supervises(floor: Floor, leg: Leg) -> bool:
    """Whether a leg supervises others."""
    return floor.place_of(leg.id).seat(leg.id).part in SUPERVISORS


def supervise(floor: Floor, leg: Leg, other: Leg, role: Role, now: Moment) -> None:
    """Let a leg join a leg that is bridged, and its partner, as their supervisor; only `other` hears it whisper."""
    place = floor.place_of(other.id)
    floor.move(leg, place, role)
    place.change(leg.id, coached=frozenset((other.id,)))
    floor.save(leg)
    floor.tell(CallBridged, leg, now, other.ids, True)


def leave(floor: Floor, leg: Leg, now: Moment, reason: Reason = "bridged") -> None:
    """Take a leg out of its bridge, queue or conference, alone with the platform; where it is that already nothing
    changes.

    `reason` is why it leaves a queue.
    """
    left = _company(floor, leg)
    if not left and not supervises(floor, leg) and not owning.is_guest(floor, leg):
        return
    owning.left(floor, leg, reason, now)
    park(floor, leg)
    for other in left:
        _left_behind(floor, other, ending("NORMAL_CLEARING", "the other side was taken elsewhere"), now, "unknown")


def unbridged(floor: Floor, leg: Leg, now: Moment) -> None:
    """Let the document of a leg go on, if it has one: it is with nobody any more."""
    if leg.follows:
        floor.tell(CallUnbridged, leg, now)


def park(floor: Floor, leg: Leg) -> None:
    """Put a leg into a place of its own, alone with the platform."""
    floor.move(leg, Place("parked", leg.id), _part(leg))
    leg.tones = "passed"
    floor.save(leg)


def end(
    floor: Floor, leg: Leg, why: Ending, now: Moment, source: Source = "unknown", gone: Dialog | None = None
) -> None:
    """End a leg. Those that shared its bridge end with it or are parked; those that rang for it are cancelled.

    `gone` is a dialog whose far end needs no bye. A leg that was not answered, and that its number sends on, goes there
    instead.
    """
    if forwarding.goes_on(floor, leg, why, now, gone):
        return
    others = _company(floor, leg)
    queueing.left(floor, leg, "hangup", now)
    floor.end(leg, why, now, source, gone)
    conferencing.left(floor, leg, now)
    for other in others:
        _left_behind(floor, other, _for_others(why), now, source)
    if floor.owned is not None:
        floor.emit(EndedAway(leg.id, leg.ids.call_session_id))
    cancel_rung(floor, leg.id, now, source)


def cancel_rung(floor: Floor, leg: str, now: Moment, source: Source = "unknown") -> None:
    """End the legs that ring for one that has ended."""
    for rung in [each for each in floor.legs.values() if each.meets == leg and each.stage in UNANSWERED]:
        floor.end(rung, ending("ORIGINATOR_CANCEL", "the leg that it should meet has ended"), now, source)


def _company(floor: Floor, leg: Leg) -> list[Leg]:
    """Those who do not stay together without this leg: its partner, and whoever supervises them."""
    return floor.others(leg) if partners(floor, leg) else []


def _part(leg: Leg) -> Part:
    return "early" if leg.is_heard_early else "ringing" if leg.stage in RUNG else "party"


def _left_behind(floor: Floor, leg: Leg, why: Ending, now: Moment, source: Source) -> None:
    if (leg.unbridged == "park" or leg.follows) and leg.stage == "answered":
        park(floor, leg)
        unbridged(floor, leg, now)
    else:
        floor.end(leg, why, now, source)


def _for_others(why: Ending) -> Ending:
    """What the other leg is told: the same cause, but not the words about this one's SDP or addresses."""
    about_media = why.cause in ("INCOMPATIBLE_DESTINATION", "NORMAL_CIRCUIT_CONGESTION", "MEDIA_TIMEOUT")
    return ending(why.cause, "the media of the other side failed") if about_media else why
