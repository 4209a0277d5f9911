"""Send SIP INFO: a SIP far end gets a message within the call."""

from typing import Annotated

from offhook.voice import effect
from offhook.voice.command import Command, CommandRule
from offhook.voice.floor import Floor
from offhook.voice.leg import ANSWERED, Leg, Moment
from offhook.voice.parameter import rule
from offhook.voice.resources.problem import rejected
from offhook.voice.signal import Ordered

MAX_BODY = 1400
_TOKEN = r"[A-Za-z0-9!#$&^_.+-]+"


class SendSipInfo(Command, frozen=True, kw_only=True):
    """POST /calls/{call_control_id}/actions/send_sip_info."""

    body: Annotated[str, rule(low=1, high=MAX_BODY)]
    content_type: Annotated[
        str, rule(high=128, pattern=rf"{_TOKEN}/{_TOKEN}(?:;[^\x00-\x1f\x7f]*)?", expects="a MIME type")
    ]


def decide(floor: Floor, leg: Leg, order: Ordered[SendSipInfo], _now: Moment) -> None:
    if leg.dialog.speaks != "sip":
        raise rejected("10027", "The far end of this call does not speak SIP: it cannot get an INFO.")
    floor.emit(effect.Inform(leg.dialog.id, order.command.content_type, order.command.body))


RULE = CommandRule("send_sip_info", SendSipInfo, ANSWERED, decide, codes=("10027",))
