"""Record stop: a recording of a conference, or all of them, end."""

from offhook.voice import recorder, taping
from offhook.voice.command import Base64, CommandRule
from offhook.voice.commands.call.shared import RecordingId
from offhook.voice.commands.conference.shared import Named, conference_of
from offhook.voice.floor import Floor
from offhook.voice.leg import Moment
from offhook.voice.signal import Directed


class StopRecordingConference(Named, frozen=True, kw_only=True):
    """POST /conferences/{id}/actions/record_stop.

    Without `recording_id` all recordings of the conference are meant. `client_state` is told with what was recorded.
    """

    recording_id: RecordingId | None = None
    client_state: Base64 | None = None


def decide(floor: Floor, _leg: None, order: Directed[StopRecordingConference], now: Moment) -> None:
    conference = conference_of(floor)
    ids = recorder.chosen(conference.recordings, order.command.recording_id, "conference")
    recorder.stop(floor, taping.of_conference(floor, conference, order.command.client_state), ids, now)


RULE = CommandRule(
    "record_stop",
    StopRecordingConference,
    frozenset(),
    decide,
    causes=("conference.recording.saved",),
    codes=("10027", "90019", "90058"),
)
