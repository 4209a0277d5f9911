"""Parameters of the commands that let a leg be transcribed, and what they mean. Knows no single command."""

from typing import Any, Literal

import msgspec

from offhook.voice.command import Base64
from offhook.voice.transcription import Settings, Tracks

Engine = Literal[
    "Google", "Telnyx", "Deepgram", "Azure", "xAI", "AssemblyAI", "Speechmatics", "Soniox", "Parakeet", "Humain",
    "Reson8", "Cohere", "A", "B",
]  # fmt: skip


class TranscriptionConfig(msgspec.Struct, frozen=True, kw_only=True):
    """How a leg is transcribed from its answer on, as `transcription_start` has it.

    The state and the name of a command may stand here, too, and change nothing: there is one command only.
    """

    client_state: Base64 | None = None
    command_id: str | None = None
    transcription_engine: Engine = "Google"
    transcription_engine_config: dict[str, Any] = msgspec.field(default_factory=dict[str, Any])
    transcription_tracks: Tracks = "inbound"


def to_transcribe(tracks: Tracks, engine_config: dict[str, Any]) -> Settings:
    """What is wanted of the platform's own engine, whichever is named."""
    language = engine_config.get("language")
    interim = engine_config.get("interim_results") is True
    return Settings(tracks, language if isinstance(language, str) else "", "interim" if interim else "final")


def when_answered(transcription: bool, config: TranscriptionConfig | None) -> Settings | None:
    """How the leg is to be transcribed from its answer on, if it is."""
    if not transcription:
        return None
    found = config or TranscriptionConfig()
    return to_transcribe(found.transcription_tracks, found.transcription_engine_config)
