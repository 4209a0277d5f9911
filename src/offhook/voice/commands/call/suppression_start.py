"""Suppression start: the noise goes from what a leg's far end says or hears."""

from typing import Any, ClassVar, Literal

from offhook.voice import suppressing
from offhook.voice.command import Command, CommandRule
from offhook.voice.floor import Floor
from offhook.voice.leg import ANSWERED, Leg, Moment
from offhook.voice.signal import Ordered
from offhook.voice.terms import Direction, Suppressed


class SuppressionStart(Command, frozen=True, kw_only=True):
    """POST /calls/{call_control_id}/actions/suppression_start. There is one engine; it has nothing to configure."""

    refused: ClassVar[dict[str, Any]] = {"noise_suppression_engine_config": "the one engine has nothing to configure"}

    direction: Direction = "inbound"
    noise_suppression_engine: Literal["Denoiser", "A"] = "Denoiser"


def decide(floor: Floor, leg: Leg, order: Ordered[SuppressionStart], now: Moment) -> None:
    suppressing.start(floor, leg, Suppressed(order.command.direction), now)


RULE = CommandRule("suppression_start", SuppressionStart, ANSWERED, decide)
