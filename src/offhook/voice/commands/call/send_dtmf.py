"""Send DTMF: a leg's far end gets digits from the platform."""

from typing import Annotated

from offhook.voice.command import Command, CommandRule
from offhook.voice.commands.call.shared import KEYS, Digits
from offhook.voice.effect import SendDigits
from offhook.voice.floor import Floor
from offhook.voice.leg import ANSWERED, Leg, Moment
from offhook.voice.parameter import rule
from offhook.voice.signal import Ordered


class SendDtmf(Command, frozen=True, kw_only=True):
    """POST /calls/{call_control_id}/actions/send_dtmf."""

    digits: Digits
    duration_millis: Annotated[int, rule(low=100, high=500)] = 250


def decide(floor: Floor, leg: Leg, order: Ordered[SendDtmf], _now: Moment) -> None:
    floor.emit(SendDigits(leg.dialog.port, order.command.digits.translate(KEYS), order.command.duration_millis))


RULE = CommandRule("send_dtmf", SendDtmf, ANSWERED, decide)
