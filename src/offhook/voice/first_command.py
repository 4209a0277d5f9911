"""How long a leg that a command has dialled waits, answered and alone, for its backend to go on with it. No I/O.

It is `first_command_timeout` of applications: a backend that has died between its dial and its next command leaves
nobody listening to silence.
"""

from offhook.voice import meeting
from offhook.voice.cause import ending
from offhook.voice.floor import Floor
from offhook.voice.leg import Leg, Moment

NAME = "first command"
_NONE_CAME = ending("RECOVERY_ON_TIMER_EXPIRE", "no first command came")


class FirstCommand:
    """A `Doing`: it ends a leg that is still alone with the platform when its time has come."""

    __slots__ = ("wakes_at",)

    def __init__(self, by: float) -> None:
        self.wakes_at: float | None = by

    def tick(self, floor: Floor, leg: Leg, now: Moment) -> None:
        """No command came. Where one to another leg has taken this one along, that is as good."""
        del leg.doings[NAME]
        if floor.place_of(leg.id).kind == "parked":
            meeting.end(floor, leg, _NONE_CAME, now)

    def leg_ended(self, floor: Floor, leg: Leg, now: Moment) -> None:
        """Nothing is to be said of it."""


def await_it(leg: Leg, now: Moment) -> None:
    """From now on the leg waits, if its connection wants that and nothing else is meant for it."""
    if leg.first_command_within is not None and leg.meets is None:
        leg.doings[NAME] = FirstCommand(now.mono + leg.first_command_within)


def came(leg: Leg) -> None:
    """The leg was commanded."""
    leg.first_command_within = None
    leg.doings.pop(NAME, None)
