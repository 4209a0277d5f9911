"""Record start: what a leg says and hears goes into a file, until it is stopped, its limits are reached or it ends."""

from typing import Annotated, ClassVar, Literal

from offhook.voice import recorder
from offhook.voice.command import OK, Command, CommandRule, Document
from offhook.voice.commands.call.shared import MAX_SECONDS, RecordingName
from offhook.voice.floor import Floor
from offhook.voice.leg import ANSWERED, Leg, Moment
from offhook.voice.parameter import rule
from offhook.voice.recording import Channels, Format, Settings, Track
from offhook.voice.signal import Ordered


class RecordStart(Command, frozen=True, kw_only=True):
    """POST /calls/{call_control_id}/actions/record_start.

    With `channels` dual, the leg's far end is on channel A and whatever it hears on channel B. `timeout_secs` of
    silence end the recording, counted from the first word on. The reply tells the recording's id, which the official
    types do not know: without it nobody could stop one of several. With `transcription` the platform's own engine,
    whichever is named, writes down what is said once the recording is complete.
    """

    ignored: ClassVar[frozenset[str]] = frozenset((
        "transcription_engine", "transcription_max_speaker_count", "transcription_min_speaker_count",
        "transcription_profanity_filter", "transcription_speaker_diarization",
    ))  # fmt: skip

    channels: Channels
    format: Format
    play_beep: bool = False
    max_length: Annotated[int, rule(low=0, high=MAX_SECONDS)] = 0
    timeout_secs: Annotated[int, rule(low=0, high=MAX_SECONDS)] = 0
    recording_track: Track = "both"
    trim: Literal["trim-silence"] | None = None
    custom_file_name: RecordingName = ""
    transcription: bool = False
    transcription_language: str = ""

    def needed(self) -> str:
        return "transcription" if self.transcription else ""


def decide(floor: Floor, leg: Leg, order: Ordered[RecordStart], now: Moment) -> Document:
    command = order.command
    settings = Settings(
        channels=command.channels,
        format=command.format,
        track=command.recording_track,
        max_seconds=command.max_length,
        silence_seconds=command.timeout_secs,
        trim="silence" if command.trim else "nothing",
        file_name=command.custom_file_name,
        start="with a beep" if command.play_beep else "silently",
        language=command.transcription_language if command.transcription else None,
    )
    id = recorder.start(floor, recorder.of_leg(floor, leg), settings, "StartCallRecordingAPI", now)
    return OK | {"recording_id": id}


RULE = CommandRule(
    "record_start",
    RecordStart,
    ANSWERED,
    decide,
    causes=("call.recording.saved", "call.recording.error"),
    codes=("10027",),
)
