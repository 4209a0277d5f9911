"""Transcription stop: no engine listens to a leg any more."""

from offhook.voice import transcribing
from offhook.voice.command import Command, CommandRule
from offhook.voice.floor import Floor
from offhook.voice.leg import ANSWERED, Leg, Moment
from offhook.voice.signal import Ordered


class TranscriptionStop(Command, frozen=True, kw_only=True):
    """POST /calls/{call_control_id}/actions/transcription_stop."""


def decide(floor: Floor, leg: Leg, _order: Ordered[TranscriptionStop], now: Moment) -> None:
    transcribing.stop(floor, leg, now)


RULE = CommandRule("transcription_stop", TranscriptionStop, ANSWERED, decide, codes=("10027",))
