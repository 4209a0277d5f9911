"""The noise suppression of one leg, and what it has cost. No I/O."""

from offhook.voice import effect, metering
from offhook.voice.floor import Floor
from offhook.voice.leg import Leg, Moment
from offhook.voice.resources.problem import rejected
from offhook.voice.terms import Suppressed

NAME = "suppression"


class Suppression:
    """A leg's noise is being suppressed. A `Doing` until that is stopped; it ends with its port."""

    wakes_at: float | None = None

    def tick(self, floor: Floor, leg: Leg, now: Moment) -> None:
        """Nothing is ever due."""

    def leg_ended(self, floor: Floor, leg: Leg, now: Moment) -> None:
        """Its port is closed, and its cost ends, with the leg."""


def start(floor: Floor, leg: Leg, wanted: Suppressed, now: Moment) -> None:
    """Suppress noise from now on. What was wanted before counts no more."""
    leg.doings[NAME] = Suppression()
    metering.begin(floor, leg, "noise-suppression", leg.id, now)
    floor.emit(effect.Denoise(leg.dialog.port, wanted.direction, wanted.limit_db))


def stop(floor: Floor, leg: Leg, now: Moment) -> None:
    """Suppress no more. Rejected where nothing is being suppressed."""
    if leg.doings.pop(NAME, None) is None:
        raise rejected("10027", "No noise of this call is being suppressed.")
    metering.end(floor, leg, "noise-suppression", leg.id, now)
    floor.emit(effect.Denoise(leg.dialog.port, None))
