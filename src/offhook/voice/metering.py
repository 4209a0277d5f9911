"""How a leg notes what it uses beside its minutes, for its bill. Knows no prices; no I/O.

Whatever is charged by itself calls one of these where it begins, ends or happens; nothing else is to be done for it to
be rated, recorded and told:

    metering.begin(floor, leg, "recording", recording_id, now)      # time runs
    metering.end(floor, leg, "recording", recording_id, now)        # paused or over
    metering.count(floor, leg, "tts", speak_id, characters, now)    # so many units

The leg is the one that pays: whose command it was, or who is in the conference. `about` tells uses of one kind apart,
and is what their detail record refers to. Time that begins again under the same `about` goes on in the same line.
What still runs when the leg ends, ends with it; after a crash it ends at the last heartbeat.
"""

import msgspec

from offhook.voice.floor import Floor
from offhook.voice.leg import Leg, Moment
from offhook.voice.usage import AddOn, Usage


def begin(floor: Floor, leg: Leg, add_on: AddOn, about: str, now: Moment, notice_every: float | None = None) -> None:
    """The leg's time with an add-on runs; where it does already nothing changes."""
    line = msgspec.structs.replace(_line(leg, add_on, about, now), notice_every=notice_every)
    _note(floor, leg, line.running(*now))


def end(floor: Floor, leg: Leg, add_on: AddOn, about: str, now: Moment) -> None:
    """The leg's time with an add-on runs no more; where it never began nothing changes."""
    if (add_on, about) in leg.usages:
        _note(floor, leg, _line(leg, add_on, about, now).stopped(*now))


def count(floor: Floor, leg: Leg, add_on: AddOn, about: str, units: int, now: Moment) -> None:
    """The leg has used so many units of an add-on, at once."""
    _note(floor, leg, _line(leg, add_on, about, now).counted(units, now.wall))


def _line(leg: Leg, add_on: AddOn, about: str, now: Moment) -> Usage:
    return leg.usages.get((add_on, about)) or Usage(add_on, about, now.wall)


def _note(floor: Floor, leg: Leg, line: Usage) -> None:
    if leg.usages.get((line.add_on, line.about)) != line:
        leg.usages[line.add_on, line.about] = line
        floor.save(leg)
