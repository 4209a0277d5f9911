"""Record stop: a recording of a leg, or all of them, end."""

from offhook.voice import recorder
from offhook.voice.command import Command, CommandRule
from offhook.voice.commands.call.shared import RecordingId
from offhook.voice.floor import Floor
from offhook.voice.leg import ANSWERED, Leg, Moment
from offhook.voice.signal import Ordered


class RecordStop(Command, frozen=True, kw_only=True):
    """POST /calls/{call_control_id}/actions/record_stop.

    Without `recording_id` all recordings of the call are meant.
    """

    recording_id: RecordingId | None = None


def decide(floor: Floor, leg: Leg, order: Ordered[RecordStop], now: Moment) -> None:
    ids = recorder.chosen(recorder.of(leg).recordings, order.command.recording_id)
    recorder.stop(floor, recorder.of_leg(floor, leg), ids, now)


RULE = CommandRule("record_stop", RecordStop, ANSWERED, decide, causes=("call.recording.saved",), codes=("10027",))
