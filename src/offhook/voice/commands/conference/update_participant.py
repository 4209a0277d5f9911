"""Update a participant: whether it beeps, and what becomes of the conference when it leaves."""

from offhook.voice.command import CommandRule, Document, Form
from offhook.voice.commands.conference.shared import (
    conference_of,
    find_participant,
    on_exit,
    one_participant_document,
)
from offhook.voice.conference import Beeps
from offhook.voice.floor import Floor
from offhook.voice.leg import Moment
from offhook.voice.signal import Directed


class UpdateParticipant(Form, frozen=True, kw_only=True):
    """PATCH /conferences/{id}/participants/{participant_id}. What is not named stays."""

    beep_enabled: Beeps | None = None
    end_conference_on_exit: bool | None = None
    soft_end_conference_on_exit: bool | None = None


def decide(floor: Floor, _leg: None, order: Directed[UpdateParticipant], now: Moment) -> Document:
    conference, command = conference_of(floor), order.command
    before = find_participant(conference, order.leg)
    end, soft = command.end_conference_on_exit, command.soft_end_conference_on_exit
    leaving = on_exit(
        before.on_exit == "hangs up" if end is None else end, before.on_exit == "lets go" if soft is None else soft
    )
    leg = before.leg.call_control_id
    conference.change_participant(leg, now, beeps=command.beep_enabled or before.beeps, on_exit=leaving)
    return one_participant_document(conference, conference.participants[leg])


RULE = CommandRule(
    "update_participant", UpdateParticipant, frozenset(), decide, "PATCH", codes=("10005", "90019", "90058")
)
