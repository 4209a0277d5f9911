"""Transfer: an answered leg leaves whom it was with, and meets a new leg when that is answered."""

from typing import Annotated

import msgspec

from offhook.voice import meeting
from offhook.voice.command import Base64, CommandRule
from offhook.voice.commands.call.detecting import DETECTION_EVENTS
from offhook.voice.commands.call.dial import (
    ONE_LINE,
    Destination,
    Outward,
    about_digits,
    outward,
    parted,
    place,
    record,
)
from offhook.voice.commands.call.shared import MuteDtmf, about_emergency, mute
from offhook.voice.floor import Floor
from offhook.voice.leg import ANSWERED, Leg, Moment
from offhook.voice.parameter import rule
from offhook.voice.resources.problem import Problem, rejected
from offhook.voice.signal import Ordered


class Transfer(Outward, frozen=True, kw_only=True, rename={"from_": "from"}):
    """POST /calls/{call_control_id}/actions/transfer. Where the new leg fails, this one lives on, parked.

    `early_media` lets this leg hear ringback meanwhile; `park_after_unbridge` is for this leg, `record` for the
    new one.
    """

    to: Destination
    from_: Annotated[str, rule(high=256, pattern=ONE_LINE, expects="one line")] = ""
    early_media: bool = True
    target_leg_client_state: Base64 | None = None
    mute_dtmf: MuteDtmf = "none"

    def problems(self) -> list[Problem]:
        return super().problems() + about_emergency(self.destination) + about_digits(self.to)

    @property
    def destination(self) -> str:
        """Who shall ring."""
        return parted(self.to)[0]


def decide(floor: Floor, leg: Leg, order: Ordered[Transfer], now: Moment) -> None:
    command = order.command
    assert order.ids is not None  # `makes` asked for them
    if command.to == leg.id:
        raise rejected("10015", "A call cannot be transferred to itself.", pointer="/to")
    meeting.leave(floor, leg, now)
    leg.unbridged = "park" if command.park_after_unbridge else "hangup"
    caller, party = command.from_ or leg.destination, msgspec.structs.replace(leg.party, network=order.reaches)
    target = outward(command, order.ids, party, *parted(command.to), caller, now)
    target.unbridged, target.meets = "hangup", leg.id
    target.ringback = "on_ringing" if command.early_media else "none"
    target.client_state = command.target_leg_client_state
    mute(leg, target, command.mute_dtmf)
    record(command, target)
    place(floor, target, (command.destination,), now, command.encryption)


RULE = CommandRule(
    "transfer",
    Transfer,
    ANSWERED,
    decide,
    makes="leg",
    waiting="leaves",
    causes=(
        "call.initiated",
        "call.answered",
        "call.bridged",
        "call.hangup",
        "call.dequeued",
        "conference.participant.left",
        "conference.ended",
        "call.recording.saved",
        *DETECTION_EVENTS,
    ),
    codes=("10027", "90042", "90043", "90057", "90911"),
)
