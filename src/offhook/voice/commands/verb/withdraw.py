"""Withdraw: a leg leaves whom it is with, alone with the platform."""

from offhook.voice import meeting
from offhook.voice.command import Command, CommandRule
from offhook.voice.floor import Floor
from offhook.voice.leg import ANSWERED, Leg, Moment
from offhook.voice.signal import Ordered


class Withdraw(Command, frozen=True, kw_only=True):
    """Where it is alone already nothing changes."""


def decide(floor: Floor, leg: Leg, _order: Ordered[Withdraw], now: Moment) -> None:
    meeting.leave(floor, leg, now, "leave")


RULE = CommandRule("withdraw", Withdraw, ANSWERED, decide, waiting="leaves")
