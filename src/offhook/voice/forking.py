"""The fork of one leg: copies of its audio to where a customer wants them. No I/O."""

from offhook.voice import effect
from offhook.voice.event import ForkStarted, ForkStopped
from offhook.voice.floor import Floor
from offhook.voice.leg import Leg, Moment
from offhook.voice.resources.problem import rejected

NAME = "fork"


class Fork:
    """A leg is being forked. A `Doing` until that is stopped."""

    wakes_at: float | None = None

    def tick(self, floor: Floor, leg: Leg, now: Moment) -> None:
        """Nothing is ever due."""

    def leg_ended(self, floor: Floor, leg: Leg, now: Moment) -> None:
        stop(floor, leg, now)


def start(floor: Floor, leg: Leg, rx: str, tx: str, now: Moment) -> None:
    """Fork from now on. Rejected where that goes on already."""
    if NAME in leg.doings:
        raise rejected("90045", "This call is being forked already.")
    leg.doings[NAME] = Fork()
    floor.emit(effect.StartFork(leg.id, leg.dialog.port, rx, tx))
    floor.tell(ForkStarted, leg, now)


def stop(floor: Floor, leg: Leg, now: Moment) -> None:
    """Fork no more. Rejected where there is no fork."""
    if leg.doings.pop(NAME, None) is None:
        raise rejected("90031", "This call is not being forked.")
    floor.emit(effect.StopFork(leg.id))
    floor.tell(ForkStopped, leg, now)
