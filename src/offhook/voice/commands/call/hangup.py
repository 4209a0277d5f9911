"""Hang up: a leg ends by command."""

from typing import Annotated

import msgspec

from offhook.voice import meeting
from offhook.voice.cause import ending
from offhook.voice.command import Command, CommandRule
from offhook.voice.commands.call.shared import Header, headers
from offhook.voice.floor import Floor
from offhook.voice.leg import LIVE, RUNG, Headers, Leg, Moment, Stage
from offhook.voice.parameter import rule
from offhook.voice.signal import Ordered

_REASON = r'[^"\\\x00-\x1f\x7f\U00010000-\U0010ffff]*'
_REASON_WORDS = "one line without quotes, backslashes and emoji"


class Hangup(Command, frozen=True, kw_only=True):
    """POST /calls/{call_control_id}/actions/hangup.

    `reason` is for a far end that still rings, as the text of a `Reason` header (RFC 3326): a phone that was told
    "answered elsewhere" shows no missed call.
    """

    custom_headers: tuple[Header, ...] = ()
    reason: Annotated[str, rule(high=256, pattern=_REASON, expects=_REASON_WORDS, wrong_code="10027")] = ""


def decide(floor: Floor, leg: Leg, order: Ordered[Hangup], now: Moment) -> None:
    said = headers(order.command.custom_headers) + _reason(leg, order.command)
    meeting.end(floor, leg, msgspec.structs.replace(ending(_CAUSES[leg.stage]), headers=said), now)


def _reason(leg: Leg, command: Hangup) -> Headers:
    return (("Reason", f'SIP;cause=200;text="{command.reason}"'),) if command.reason and leg.stage in RUNG else ()


_CAUSES: dict[Stage, str] = {
    "trying": "CALL_REJECTED",
    "early": "CALL_REJECTED",
    "offered": "ORIGINATOR_CANCEL",
    "ringing": "ORIGINATOR_CANCEL",
    "answered": "NORMAL_CLEARING",
}

RULE = CommandRule(
    "hangup",
    Hangup,
    LIVE,
    decide,
    causes=("call.hangup", "call.dequeued", "conference.participant.left", "conference.ended"),
)
