"""Answering-machine detection on a leg: what is heard goes to the analysis, what it finds to the customer. No I/O.

It begins when the leg has been answered and its media are up, whatever else goes on there, and ends when nothing more
is to be told. Every mode tells who answered; they differ in what they tell of the end of a machine's greeting.
"""

from typing import Literal, cast

from offhook.voice import effect, metering
from offhook.voice.event import (
    MachineDetectionEnded,
    MachineGreetingEnded,
    PremiumDetectionEnded,
    PremiumDetectionStarted,
    PremiumGreetingEnded,
)
from offhook.voice.floor import Floor
from offhook.voice.greeting import Analysis, Ending, Frame, Verdict, Wanted
from offhook.voice.leg import Leg, Moment

NAME = "detection"
FRAME_MILLIS = 20
# Without media there are no frames, and the time that is over must be noticed all the same.
LOOK_SECONDS = 1.0
FAINTEST = -127.0


class Detection:
    """One detection. A `Doing` from the answer until it has told everything."""

    __slots__ = ("_analysis", "_began_at", "_first_ms", "_heard_ms", "_stage", "wakes_at", "wanted")

    def __init__(self, wanted: Wanted) -> None:
        self.wanted = wanted
        self.wakes_at: float | None = None
        premium = wanted.mode == "premium"
        ended_by = "beep" if premium or wanted.mode == "detect_beep" else "pause"
        self._analysis = Analysis(wanted.config, ended_by, faxes=premium)
        self._stage: Literal["who", "greeting"] = "who"
        self._began_at = 0.0
        self._first_ms: int | None = None
        self._heard_ms = 0

    def begin(self, floor: Floor, leg: Leg, now: Moment) -> None:
        """The far end can be heard from now on."""
        self._began_at, self.wakes_at = now.mono, now.mono + LOOK_SECONDS
        floor.emit(effect.Measure(leg.dialog.port, FRAME_MILLIS))
        metering.count(floor, leg, "amd", leg.ids.call_leg_id, 1, now)
        if self.wanted.mode == "premium":
            floor.tell(PremiumDetectionStarted, leg, now)

    def heard(self, floor: Floor, leg: Leg, at_ms: int, level: float, tone_hz: float, now: Moment) -> None:
        """A frame of the far end's sound. Its own time counts: frames may come late and together."""
        if self._first_ms is None:
            self._first_ms = at_ms
        self._heard_ms = at_ms - self._first_ms
        self._take(floor, leg, Frame(self._heard_ms, level, tone_hz), now)

    def tick(self, floor: Floor, leg: Leg, now: Moment) -> None:
        """Some time has passed; if nothing has been heard in it, that is silence."""
        elapsed = round((now.mono - self._began_at) * 1000)
        self.wakes_at = now.mono + LOOK_SECONDS
        if elapsed - self._heard_ms > 1000 * LOOK_SECONDS:
            self._heard_ms = elapsed
            self._take(floor, leg, Frame(elapsed, FAINTEST, 0.0), now)

    def leg_ended(self, floor: Floor, leg: Leg, now: Moment) -> None:
        """Whoever waits for an outcome is told of the leg's end."""

    def _take(self, floor: Floor, leg: Leg, frame: Frame, now: Moment) -> None:
        self._analysis.hear(frame)
        verdict, ending = self._analysis.verdict, self._analysis.ending
        if self._stage == "who" and verdict is not None:
            self._stage = "greeting"
            self._tell_verdict(floor, leg, verdict, ending, now)
        if self._stage == "greeting" and (ending or verdict not in _MACHINES or self.wanted.mode == "detect"):
            self._tell_ending(floor, leg, ending, now)
            self._finish(floor, leg)

    def _tell_verdict(self, floor: Floor, leg: Leg, verdict: Verdict, ending: Ending | None, now: Moment) -> None:
        if self.wanted.mode != "premium":
            floor.tell(MachineDetectionEnded, leg, now, _STANDARD[verdict])
        elif ending != "beep_detected":  # a beep says it all
            floor.tell(PremiumDetectionEnded, leg, now, verdict)

    def _tell_ending(self, floor: Floor, leg: Leg, ending: Ending | None, now: Moment) -> None:
        mode = self.wanted.mode
        if ending is None or mode == "detect" or (mode == "detect_beep" and ending != "beep_detected"):
            return
        if mode == "premium":
            beep = "beep_detected" if ending == "beep_detected" else "no_beep_detected"
            floor.tell(PremiumGreetingEnded, leg, now, beep)
        else:
            floor.tell(MachineGreetingEnded, leg, now, ending)

    def _finish(self, floor: Floor, leg: Leg) -> None:
        del leg.doings[NAME]
        floor.emit(effect.Measure(leg.dialog.port, 0))


def start(floor: Floor, leg: Leg, now: Moment) -> None:
    """A leg was answered: detect, if that was asked for, as soon as it can be heard."""
    if leg.detects is not None:
        leg.doings[NAME] = Detection(leg.detects)
        if leg.dialog.media == "connected":
            media_up(floor, leg, now)


def media_up(floor: Floor, leg: Leg, now: Moment) -> None:
    """The media of a leg are up."""
    detection = _of(leg)
    if detection is not None and detection.wakes_at is None and leg.stage == "answered":
        detection.begin(floor, leg, now)


def heard(floor: Floor, leg: Leg, at_ms: int, level: float, tone_hz: float, now: Moment) -> None:
    """What was heard of a leg's far end."""
    detection = _of(leg)
    if detection is not None:
        detection.heard(floor, leg, at_ms, level, tone_hz, now)


def _of(leg: Leg) -> Detection | None:
    return cast(Detection | None, leg.doings.get(NAME))


# Who goes on to be listened to.
_MACHINES: frozenset[Verdict | None] = frozenset(("machine", "silence"))
_STANDARD: dict[Verdict, Literal["human", "machine", "not_sure"]] = {
    "human_residence": "human",
    "human_business": "human",
    "machine": "machine",
    "silence": "machine",
    "fax_detected": "machine",
    "not_sure": "not_sure",
}
