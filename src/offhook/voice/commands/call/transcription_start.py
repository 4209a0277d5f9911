"""Transcription start: an engine listens to a leg, and the customer is told what it understands."""

from typing import Any, ClassVar, Literal

import msgspec

from offhook.voice import transcribing
from offhook.voice.command import Command, CommandRule
from offhook.voice.floor import Floor
from offhook.voice.leg import ANSWERED, Leg, Moment
from offhook.voice.signal import Ordered

Engine = Literal[
    "Google", "Telnyx", "Deepgram", "Azure", "xAI", "AssemblyAI", "Speechmatics", "Soniox", "Parakeet", "Humain",
    "Reson8", "Cohere", "A", "B",
]  # fmt: skip


class TranscriptionStart(Command, frozen=True, kw_only=True):
    """POST /calls/{call_control_id}/actions/transcription_start.

    Whichever engine is named, the platform's own listens; of the named one's configuration the language and whether
    interim results are wanted are taken over.
    """

    needs: ClassVar[str] = "transcription"

    transcription_engine: Engine = "Google"
    transcription_engine_config: dict[str, Any] = msgspec.field(default_factory=dict[str, Any])
    transcription_tracks: Literal["inbound", "outbound", "both"] = "inbound"


def decide(floor: Floor, leg: Leg, order: Ordered[TranscriptionStart], now: Moment) -> None:
    command, config = order.command, order.command.transcription_engine_config
    language = config.get("language")
    interim = config.get("interim_results") is True
    tracks = command.transcription_tracks
    transcribing.start(floor, leg, tracks, language if isinstance(language, str) else "", interim, now)


RULE = CommandRule(
    "transcription_start", TranscriptionStart, ANSWERED, decide, causes=("call.transcription",), codes=("10027",)
)
