"""Hang up: a leg ends by command."""

import msgspec

from offhook.voice import meeting
from offhook.voice.cause import ending
from offhook.voice.command import Command, CommandRule
from offhook.voice.commands.call.shared import Header, headers
from offhook.voice.floor import Floor
from offhook.voice.leg import LIVE, Leg, Moment, Stage
from offhook.voice.signal import Ordered


class Hangup(Command, frozen=True, kw_only=True):
    """POST /calls/{call_control_id}/actions/hangup."""

    custom_headers: tuple[Header, ...] = ()


def decide(floor: Floor, leg: Leg, order: Ordered[Hangup], now: Moment) -> None:
    why = msgspec.structs.replace(ending(_CAUSES[leg.stage]), headers=headers(order.command.custom_headers))
    meeting.end(floor, leg, why, now)


_CAUSES: dict[Stage, str] = {
    "trying": "CALL_REJECTED",
    "early": "CALL_REJECTED",
    "offered": "ORIGINATOR_CANCEL",
    "ringing": "ORIGINATOR_CANCEL",
    "answered": "NORMAL_CLEARING",
}

RULE = CommandRule("hangup", Hangup, LIVE, decide)
