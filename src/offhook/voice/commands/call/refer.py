"""Refer: a SIP far end is asked to call somebody else. No leg of this release is carried by SIP."""

from typing import Annotated, Never

from offhook.voice.command import Command, CommandRule
from offhook.voice.commands.call.shared import Header, UserToUser
from offhook.voice.floor import Floor
from offhook.voice.leg import ANSWERED, Leg, Moment
from offhook.voice.parameter import rule
from offhook.voice.resources.problem import rejected
from offhook.voice.signal import Ordered

SipUri = Annotated[
    str, rule(high=2048, pattern=r"sips?:[^\s@:;?<>]+(?:@[^\s@<>]+)?", expects="a SIP URI", wrong_code="10015")
]


class Refer(Command, frozen=True, kw_only=True):
    """POST /calls/{call_control_id}/actions/refer."""

    sip_address: SipUri
    custom_headers: tuple[Header, ...] = ()
    sip_headers: tuple[UserToUser, ...] = ()
    sip_auth_username: Annotated[str, rule(high=256)] = ""
    sip_auth_password: Annotated[str, rule(high=256)] = ""


def decide(_floor: Floor, _leg: Leg, _order: Ordered[Refer], _now: Moment) -> Never:
    raise rejected("10027", "The far end of this call does not speak SIP: it cannot be referred elsewhere.")


RULE = CommandRule("refer", Refer, ANSWERED, decide, codes=("10027",))
