"""Switch the supervisor's role: a leg that supervises two others is heard by both, by one or by nobody."""

from typing import Literal

from offhook.voice import meeting
from offhook.voice.command import Command, CommandRule
from offhook.voice.floor import Floor
from offhook.voice.leg import ANSWERED, Leg, Moment
from offhook.voice.resources.problem import rejected
from offhook.voice.signal import Ordered


class SwitchSupervisorRole(Command, frozen=True, kw_only=True):
    """POST /calls/{call_control_id}/actions/switch_supervisor_role."""

    role: Literal["barge", "whisper", "monitor"]


def decide(floor: Floor, leg: Leg, order: Ordered[SwitchSupervisorRole], _now: Moment) -> None:
    if not meeting.supervises(floor, leg):
        raise rejected("10027", "This call supervises nobody.")
    floor.place_of(leg.id).change(leg.id, part=order.command.role)


RULE = CommandRule("switch_supervisor_role", SwitchSupervisorRole, ANSWERED, decide, codes=("10027",))
