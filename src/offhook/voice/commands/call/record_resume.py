"""Record resume: a paused recording has its audio again."""

from offhook.voice import recorder
from offhook.voice.command import Command, CommandRule
from offhook.voice.commands.call.shared import RecordingId
from offhook.voice.floor import Floor
from offhook.voice.leg import ANSWERED, Leg, Moment
from offhook.voice.signal import Ordered


class RecordResume(Command, frozen=True, kw_only=True):
    """POST /calls/{call_control_id}/actions/record_resume.

    Without `recording_id` all recordings of the call are meant; one that is not paused stays so.
    """

    recording_id: RecordingId | None = None


def decide(floor: Floor, leg: Leg, order: Ordered[RecordResume], now: Moment) -> None:
    ids = recorder.chosen(recorder.of(leg).recordings, order.command.recording_id)
    recorder.turn(floor, recorder.of_leg(floor, leg), ids, "resume", now)


RULE = CommandRule("record_resume", RecordResume, ANSWERED, decide, codes=("10027",))
