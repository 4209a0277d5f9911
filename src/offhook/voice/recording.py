"""A recording: how a customer wants it, what is known of it for good, and its stages. Knows no legs at work; no I/O."""

import uuid
from typing import Literal

import msgspec

from offhook.voice.event import About
from offhook.voice.usage import AddOn

Channels = Literal["single", "dual"]
Format = Literal["wav", "mp3"]
Track = Literal["both", "inbound", "outbound"]
Trim = Literal["nothing", "silence"]
Source = Literal["call", "conference"]
# Who began it, in the API's words.
Initiator = Literal["StartCallRecordingAPI", "OutboundAPI", "StartConferenceRecordingAPI", "Trunking"]

Stage = Literal["running", "paused"]
STAGES: dict[tuple[Stage, Literal["pause", "resume"]], Stage] = {
    ("running", "pause"): "paused",
    ("running", "resume"): "running",
    ("paused", "pause"): "paused",
    ("paused", "resume"): "running",
}

# The namespace of recordings' ids.
_IDS = uuid.UUID("5d0c4a2c-6a3f-4a0e-9b0b-3f1f0b7c1f53")


class Settings(msgspec.Struct, frozen=True):
    """What shall be recorded, and until when. Limits are seconds, 0 sets none; `file_name` is for the download.

    Where there is a `language`, which may be empty for any, what is said shall be written down afterwards."""

    channels: Channels
    format: Format
    track: Track = "both"
    max_seconds: int = 0
    silence_seconds: int = 0
    trim: Trim = "nothing"
    file_name: str = ""
    start: Literal["silently", "with a beep"] = "silently"
    language: str | None = None

    @property
    def add_ons(self) -> tuple[AddOn, ...]:
        """What it is charged as."""
        return ("recording",) if self.language is None else ("recording", "stt")

    @property
    def kept_channels(self) -> Channels:
        """As they will be: one track alone has one channel."""
        return self.channels if self.track == "both" else "single"


class Card(msgspec.Struct, frozen=True):
    """What is known of a recording from its beginning. `started_at` is Unix seconds; `about` is the leg that it is of,
    as its events show it, of a conference one that was there."""

    id: str
    settings: Settings
    about: About
    started_at: float
    initiated_by: Initiator = "StartCallRecordingAPI"
    source: Source = "call"
    conference_id: str = ""


class Recordings:
    """The recordings of one leg or conference that are not over, by their ids; `made` counts all there have been,
    `beeps_at` is the monotonic time of the next beep."""

    __slots__ = ("beeps_at", "made", "settings", "stages")

    def __init__(self) -> None:
        self.stages: dict[str, Stage] = {}
        self.settings: dict[str, Settings] = {}
        self.made = 0
        self.beeps_at: float | None = None

    @property
    def is_heard(self) -> bool:
        """Whether one runs that is to be heard."""
        return any(self.stages[id] == "running" and self.beeps(id) for id in self.stages)

    def beeps(self, id: str) -> bool:
        """Whether this one is to be heard while it runs."""
        return self.settings[id].start == "with a beep"

    def add(self, id: str, settings: Settings) -> None:
        """One has begun."""
        self.stages[id], self.settings[id] = "running", settings

    def clear(self) -> tuple[str, ...]:
        """All are over: their ids."""
        ids, self.stages, self.beeps_at = tuple(self.stages), {}, None
        return ids


def recording_id(scope: str, number: int) -> str:
    """The id of the `number`th recording of what is called `scope`; a leg's command tells it before it has begun."""
    return str(uuid.uuid5(_IDS, f"{scope}/{number}"))
