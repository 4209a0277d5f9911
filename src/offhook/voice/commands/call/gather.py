"""Gather: what a leg's far end presses from now on is collected."""

from typing import Annotated

from offhook.voice import gathering
from offhook.voice.command import CommandRule
from offhook.voice.commands.call.pressing import Gathering
from offhook.voice.floor import Floor
from offhook.voice.gathering import Wanted
from offhook.voice.leg import ANSWERED, Leg, Moment
from offhook.voice.parameter import rule
from offhook.voice.signal import Ordered


class Gather(Gathering, frozen=True, kw_only=True):
    """POST /calls/{call_control_id}/actions/gather. `timeout_millis` is for all of it, from now on."""

    initial_timeout_millis: Annotated[int, rule(low=1, high=120_000)] = 5000
    gather_id: Annotated[str, rule(low=1, high=40)] | None = None


def decide(floor: Floor, leg: Leg, order: Ordered[Gather], now: Moment) -> None:
    command = order.command
    wanted = Wanted(
        fewest=command.minimum_digits,
        most=command.maximum_digits,
        ending=command.terminating_digit,
        valid=frozenset(command.valid_digits),
        first=command.initial_timeout_millis / 1000,
        between=command.inter_digit_timeout_millis / 1000,
        whole=command.timeout_millis / 1000,
        gather_id=command.gather_id or gathering.new_id(leg),
    )
    gathering.start(floor, leg, wanted, now)


RULE = CommandRule("gather", Gather, ANSWERED, decide, causes=("call.gather.ended",))
