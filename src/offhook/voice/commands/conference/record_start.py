"""Record start: what all who take part say goes into a file, until it is stopped or the conference ends."""

from typing import Literal

from offhook.voice import recorder, taping
from offhook.voice.command import OK, CommandRule, Document
from offhook.voice.commands.call.shared import RecordingName
from offhook.voice.commands.conference.shared import Named, conference_of
from offhook.voice.floor import Floor
from offhook.voice.leg import Moment
from offhook.voice.recording import Channels, Format, Settings
from offhook.voice.signal import Directed


class RecordConference(Named, frozen=True, kw_only=True):
    """POST /conferences/{id}/actions/record_start.

    With `channels` dual, whoever the conference was made with is on channel A and everybody else on channel B. Nobody
    is recorded while muted or on hold, nor are whispers; what is played to all is. The reply tells the recording's id,
    which the official types do not know: without it nobody could stop one of several.
    """

    format: Format
    channels: Channels = "single"
    play_beep: bool = False
    trim: Literal["trim-silence"] | None = None
    custom_file_name: RecordingName = ""


def decide(floor: Floor, _leg: None, order: Directed[RecordConference], now: Moment) -> Document:
    command = order.command
    settings = Settings(
        channels=command.channels,
        format=command.format,
        trim="silence" if command.trim else "nothing",
        file_name=command.custom_file_name,
        start="with a beep" if command.play_beep else "silently",
    )
    what = taping.of_conference(floor, conference_of(floor))
    return OK | {"recording_id": recorder.start(floor, what, settings, "StartConferenceRecordingAPI", now)}


RULE = CommandRule(
    "record_start",
    RecordConference,
    frozenset(),
    decide,
    causes=("conference.recording.saved",),
    codes=("10027", "90019", "90058"),
)
