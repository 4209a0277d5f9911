"""Update: a participant becomes a supervisor, another kind of one, or none any more."""

from offhook.voice.command import CommandRule
from offhook.voice.commands.call.shared import ControlId
from offhook.voice.commands.conference.shared import (
    ControlIds,
    Named,
    SupervisorRole,
    conference_of,
    part,
    participant_of,
)
from offhook.voice.floor import Floor
from offhook.voice.leg import Moment
from offhook.voice.signal import Directed


class UpdateConference(Named, frozen=True, kw_only=True):
    """POST /conferences/{id}/actions/update. A whisperer who names nobody only listens."""

    call_control_id: ControlId
    supervisor_role: SupervisorRole
    whisper_call_control_ids: ControlIds = ()


def decide(floor: Floor, _leg: None, order: Directed[UpdateConference], now: Moment) -> None:
    command = order.command
    leg = participant_of(floor, command.call_control_id)
    coached = frozenset(command.whisper_call_control_ids)
    conference_of(floor).change_participant(leg.id, now, part=part(command.supervisor_role), coached=coached)


RULE = CommandRule("update", UpdateConference, frozenset(), decide, codes=("90015", "90019", "90058"))
