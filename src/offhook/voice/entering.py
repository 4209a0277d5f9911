"""A leg that was dialled for a conference enters it with its answer; one that finds no seat there ends. No I/O."""

from typing import Any

from offhook.voice import effect
from offhook.voice.cause import ending
from offhook.voice.floor import Floor
from offhook.voice.leg import Leg, Moment
from offhook.voice.resources.problem import Rejected
from offhook.voice.signal import UNASKED, Ordered

NAME = "entrance"


class Entrance:
    """A leg shall enter by this command. A `Doing` until it is answered."""

    __slots__ = ("order",)

    def __init__(self, order: Ordered[Any]) -> None:
        self.order = order

    wakes_at: float | None = None

    def tick(self, floor: Floor, leg: Leg, now: Moment) -> None:
        """Nothing is ever due."""

    def leg_ended(self, floor: Floor, leg: Leg, now: Moment) -> None:
        """It never came to that."""


def when_answered(leg: Leg, order: Ordered[Any]) -> None:
    """Let a leg enter as soon as it is answered."""
    leg.doings[NAME] = Entrance(order)


def answered(floor: Floor, leg: Leg) -> None:
    """The leg was answered."""
    entrance = leg.doings.pop(NAME, None)
    if isinstance(entrance, Entrance):
        floor.emit(effect.PassOn(entrance.order, leg.party.account_id))


def refuse(floor: Floor, order: Ordered[Any], why: Rejected) -> None:
    """Refuse to carry out a command. Where nobody has asked for it, its leg was dialled for nothing else."""
    floor.emit(effect.Rejected(order.reply, why))
    if order.reply == UNASKED:
        floor.emit(effect.TurnAway(order.leg, ending("NORMAL_CLEARING", why.problems[0].detail)))
