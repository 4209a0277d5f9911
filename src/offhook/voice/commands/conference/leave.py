"""Leave: a participant leaves the conference; it is parked with its session again."""

import msgspec

from offhook.voice import meeting
from offhook.voice.command import CommandRule
from offhook.voice.commands.call.shared import ControlId
from offhook.voice.commands.conference.shared import Named, conference_of, participant_of
from offhook.voice.conference import Beeps
from offhook.voice.floor import Floor
from offhook.voice.leg import Moment
from offhook.voice.signal import Directed


class LeaveConference(Named, frozen=True, kw_only=True):
    """POST /conferences/{id}/actions/leave."""

    call_control_id: ControlId
    beep_enabled: Beeps | None = None


def decide(floor: Floor, _leg: None, order: Directed[LeaveConference], now: Moment) -> None:
    command, conference = order.command, conference_of(floor)
    leg = participant_of(floor, command.call_control_id)
    if command.beep_enabled is not None:
        participant = conference.participants[leg.id]
        conference.participants[leg.id] = msgspec.structs.replace(participant, beeps=command.beep_enabled)
    meeting.leave(floor, leg, now, "leave")


RULE = CommandRule(
    "leave",
    LeaveConference,
    frozenset(),
    decide,
    causes=("conference.participant.left", "conference.ended"),
    codes=("90015", "90019", "90058"),
)
