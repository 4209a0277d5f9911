"""Record resume: a paused recording of a conference has its audio again."""

from offhook.voice import recorder, taping
from offhook.voice.command import CommandRule
from offhook.voice.commands.call.shared import RecordingId
from offhook.voice.commands.conference.shared import Named, conference_of
from offhook.voice.floor import Floor
from offhook.voice.leg import Moment
from offhook.voice.signal import Directed


class ResumeRecordingConference(Named, frozen=True, kw_only=True):
    """POST /conferences/{id}/actions/record_resume.

    Without `recording_id` all recordings of the conference are meant; one that is not paused stays so.
    """

    recording_id: RecordingId | None = None


def decide(floor: Floor, _leg: None, order: Directed[ResumeRecordingConference], now: Moment) -> None:
    conference = conference_of(floor)
    ids = recorder.chosen(conference.recordings, order.command.recording_id, "conference")
    recorder.turn(floor, taping.of_conference(floor, conference), ids, "resume", now)


RULE = CommandRule("record_resume", ResumeRecordingConference, frozenset(), decide, codes=("10027", "90019", "90058"))
