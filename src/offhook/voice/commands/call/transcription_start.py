"""Transcription start: an engine listens to a leg, and the customer is told what it understands."""

from typing import Any, ClassVar

import msgspec

from offhook.voice import transcribing
from offhook.voice.command import Command, CommandRule
from offhook.voice.commands.call.transcribed import Engine, to_transcribe
from offhook.voice.floor import Floor
from offhook.voice.leg import ANSWERED, Leg, Moment
from offhook.voice.signal import Ordered
from offhook.voice.transcription import Tracks


class TranscriptionStart(Command, frozen=True, kw_only=True):
    """POST /calls/{call_control_id}/actions/transcription_start.

    Whichever engine is named, the platform's own listens; of the named one's configuration the language and whether
    interim results are wanted are taken over.
    """

    needs: ClassVar[str] = "transcription"

    transcription_engine: Engine = "Google"
    transcription_engine_config: dict[str, Any] = msgspec.field(default_factory=dict[str, Any])
    transcription_tracks: Tracks = "inbound"


def decide(floor: Floor, leg: Leg, order: Ordered[TranscriptionStart], now: Moment) -> None:
    command = order.command
    wanted = to_transcribe(command.transcription_tracks, command.transcription_engine_config)
    transcribing.start(floor, leg, wanted, now)


RULE = CommandRule(
    "transcription_start", TranscriptionStart, ANSWERED, decide, causes=("call.transcription",), codes=("90053",)
)
