"""Who meets whom: legs are bridged, parked and ended, and what that does to those they were with. No I/O.

A leg that loses the one it was bridged to hangs up too, unless it was asked to park (`Leg.unbridged`).
"""

from offhook.voice.cause import Ending, ending
from offhook.voice.event import CallBridged, Source
from offhook.voice.floor import Floor
from offhook.voice.leg import UNANSWERED, Dialog, Leg, Moment
from offhook.voice.place import Place


def bridge(floor: Floor, leg: Leg, other: Leg, now: Moment) -> None:
    """Let two answered legs hear each other; whoever one of them was bridged to before is left behind."""
    for each in (leg, other):
        leave(floor, each, now)
    place = Place("bridge", leg.id)
    floor.move(leg, place, "party")
    floor.move(other, place, "party")
    met(floor, leg, other, now)


def met(floor: Floor, leg: Leg, other: Leg, now: Moment) -> None:
    """Tell that two legs have met, each by an event of its own."""
    floor.tell(CallBridged, leg, now, other.ids, True)
    floor.tell(CallBridged, other, now, leg.ids, False)


def leave(floor: Floor, leg: Leg, now: Moment) -> None:
    """Take a leg out of its bridge, alone with the platform; where it is alone already nothing changes."""
    left = floor.others(leg)
    if not left:
        return
    park(floor, leg)
    for other in left:
        _left_behind(floor, other, ending("NORMAL_CLEARING", "the other side was taken elsewhere"), now, "unknown")


def park(floor: Floor, leg: Leg) -> None:
    """Put a leg into a place of its own, alone with the platform."""
    floor.move(leg, Place("parked", leg.id), floor.place_of(leg.id).seat(leg.id).part)
    floor.save(leg)


def end(
    floor: Floor, leg: Leg, why: Ending, now: Moment, source: Source = "unknown", gone: Dialog | None = None
) -> None:
    """End a leg. Those that shared its bridge end with it or are parked; those that rang for it are cancelled.

    `gone` is a dialog whose far end needs no bye.
    """
    others = floor.others(leg)
    floor.end(leg, why, now, source, gone)
    for other in others:
        _left_behind(floor, other, _for_others(why), now, source)
    for rung in [each for each in floor.legs.values() if each.meets == leg.id and each.stage in UNANSWERED]:
        floor.end(rung, ending("ORIGINATOR_CANCEL", "the leg that it should meet has ended"), now, source)


def _left_behind(floor: Floor, leg: Leg, why: Ending, now: Moment, source: Source) -> None:
    if leg.unbridged == "park" and leg.stage == "answered":
        park(floor, leg)
    else:
        floor.end(leg, why, now, source)


def _for_others(why: Ending) -> Ending:
    """What the other leg is told: the same cause, but not the words about this one's SDP or addresses."""
    about_media = why.cause in ("INCOMPATIBLE_DESTINATION", "NORMAL_CIRCUIT_CONGESTION", "MEDIA_TIMEOUT")
    return ending(why.cause, "the media of the other side failed") if about_media else why
