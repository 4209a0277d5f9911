"""Refer: a SIP far end is asked to call somebody else, and leaves when it has."""

from typing import Annotated

from offhook.voice import effect
from offhook.voice.command import Command, CommandRule
from offhook.voice.commands.call.shared import Header, UserToUser, headers
from offhook.voice.floor import Floor
from offhook.voice.leg import ANSWERED, Leg, Moment
from offhook.voice.parameter import rule
from offhook.voice.resources.problem import rejected
from offhook.voice.signal import Ordered

SipUri = Annotated[
    str, rule(high=2048, pattern=r"sips?:[^\s@:;?<>]+(?:@[^\s@<>]+)?", expects="a SIP URI", wrong_code="10015")
]


class Refer(Command, frozen=True, kw_only=True):
    """POST /calls/{call_control_id}/actions/refer. The far end says by itself how its call goes, and hangs up."""

    sip_address: SipUri
    custom_headers: tuple[Header, ...] = ()
    sip_headers: tuple[UserToUser, ...] = ()
    sip_auth_username: Annotated[str, rule(high=256)] = ""
    sip_auth_password: Annotated[str, rule(high=256)] = ""


def decide(floor: Floor, leg: Leg, order: Ordered[Refer], _now: Moment) -> None:
    if leg.dialog.speaks != "sip":
        raise rejected("10027", "The far end of this call does not speak SIP: it cannot be referred elsewhere.")
    command = order.command
    said = headers(command.custom_headers, command.sip_headers)
    referral = effect.Referral(command.sip_address, said, command.sip_auth_username, command.sip_auth_password)
    floor.emit(effect.Refer(leg.dialog.id, referral))


RULE = CommandRule(
    "refer",
    Refer,
    ANSWERED,
    decide,
    causes=("call.refer.started", "call.refer.completed", "call.refer.failed", "call.hangup"),
    codes=("10027",),
)
