"""Fork stop: a leg's audio is copied no more."""

from typing import Literal

from offhook.voice import forking
from offhook.voice.command import Command, CommandRule
from offhook.voice.floor import Floor
from offhook.voice.leg import ANSWERED, Leg, Moment
from offhook.voice.signal import Ordered


class ForkStop(Command, frozen=True, kw_only=True):
    """POST /calls/{call_control_id}/actions/fork_stop. There is one fork at most, so its type tells nothing."""

    stream_type: Literal["raw", "decrypted"] = "raw"


def decide(floor: Floor, leg: Leg, _order: Ordered[ForkStop], now: Moment) -> None:
    forking.stop(floor, leg, now)


RULE = CommandRule("fork_stop", ForkStop, ANSWERED, decide, causes=("call.fork.stopped",), codes=("90031",))
