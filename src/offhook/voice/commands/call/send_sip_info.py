"""Send SIP INFO: a SIP far end gets a message within the call. No leg of this release is carried by SIP."""

from typing import Annotated, Never

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
    content_type: Annotated[str, rule(high=128, pattern=rf"{_TOKEN}/{_TOKEN}(?:;.*)?", expects="a MIME type")]


def decide(_floor: Floor, _leg: Leg, _order: Ordered[SendSipInfo], _now: Moment) -> Never:
    raise rejected("10027", "The far end of this call does not speak SIP: it cannot get an INFO.")


RULE = CommandRule("send_sip_info", SendSipInfo, ANSWERED, decide, codes=("10027",))
