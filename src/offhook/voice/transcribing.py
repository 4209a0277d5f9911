"""The transcription of one leg, and what it has cost. No I/O, and no understanding of speech."""

import hashlib

from offhook.voice import effect, metering
from offhook.voice.event import CallTranscribed
from offhook.voice.floor import Floor
from offhook.voice.leg import Leg, Moment
from offhook.voice.resources.problem import rejected
from offhook.voice.signal import Transcribed
from offhook.voice.transcription import Settings

NAME = "transcription"


class Transcription:
    """One transcription of a leg. A `Doing` until it is stopped."""

    __slots__ = ("id",)

    def __init__(self, id: str) -> None:
        self.id = id

    wakes_at: float | None = None

    def tick(self, floor: Floor, leg: Leg, now: Moment) -> None:
        """Nothing is ever due."""

    def leg_ended(self, floor: Floor, leg: Leg, now: Moment) -> None:  # noqa: ARG002
        del leg.doings[NAME]
        floor.emit(effect.StopTranscription(self.id))


def answered(floor: Floor, leg: Leg, now: Moment) -> None:
    """The leg was answered: begin what was to begin with that."""
    if leg.transcribes is not None:
        start(floor, leg, leg.transcribes, now)


def start(floor: Floor, leg: Leg, wanted: Settings, now: Moment) -> None:
    """Transcribe from now on. Rejected where that goes on already."""
    if NAME in leg.doings:
        raise rejected("90053", "This call is being transcribed already.")
    # At one moment a leg has one transcription at most.
    id = hashlib.sha256(f"{leg.id}/{NAME}/{now.wall}".encode()).hexdigest()[:32]
    leg.doings[NAME] = Transcription(id)
    metering.begin(floor, leg, "stt", id, now)
    floor.emit(effect.StartTranscription(leg.id, id, leg.dialog.port, wanted))


def stop(floor: Floor, leg: Leg, now: Moment) -> None:
    """Transcribe no more. Rejected where nothing is being transcribed."""
    doing = _of(leg)
    if doing is None:
        raise rejected("10027", "This call is not being transcribed.")
    del leg.doings[NAME]
    metering.end(floor, leg, "stt", doing.id, now)
    floor.emit(effect.StopTranscription(doing.id))


def heard(floor: Floor, leg: Leg, signal: Transcribed, now: Moment) -> None:
    """The engine has understood something. What comes after the stop is of no interest."""
    doing = _of(leg)
    if doing is not None and doing.id == signal.transcription:
        said = signal.transcript, signal.confidence, signal.certainty, signal.track
        floor.tell(CallTranscribed, leg, now, *said)


def _of(leg: Leg) -> Transcription | None:
    found = leg.doings.get(NAME)
    assert found is None or isinstance(found, Transcription)  # nothing else has this name
    return found
