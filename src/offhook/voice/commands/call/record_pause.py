"""Record pause: a recording goes on as silence, so that
nothing that is said is kept and every later word has its time."""

from offhook.voice import recorder
from offhook.voice.command import Command, CommandRule
from offhook.voice.commands.call.shared import RecordingId
from offhook.voice.floor import Floor
from offhook.voice.leg import ANSWERED, Leg, Moment
from offhook.voice.signal import Ordered


class RecordPause(Command, frozen=True, kw_only=True):
    """POST /calls/{call_control_id}/actions/record_pause.

    Without `recording_id` all recordings of the call are meant; one that is paused already stays so.
    """

    recording_id: RecordingId | None = None


def decide(floor: Floor, leg: Leg, order: Ordered[RecordPause], now: Moment) -> None:
    ids = recorder.chosen(recorder.of(leg).recordings, order.command.recording_id)
    recorder.turn(floor, recorder.of_leg(floor, leg), ids, "pause", now)


RULE = CommandRule("record_pause", RecordPause, ANSWERED, decide, codes=("10027",))
