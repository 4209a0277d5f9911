"""The recordings of one leg: begun, paused, resumed and stopped, or over by themselves. No I/O.

They end with their leg, wherever it has been meanwhile. What a recording costs is its time without its pauses, and the
same again, at another price, for its text.
"""

from collections.abc import Callable, Iterable
from typing import Literal

from offhook.voice import effect, metering
from offhook.voice.event import about
from offhook.voice.floor import Floor
from offhook.voice.leg import Leg, Moment
from offhook.voice.recording import STAGES, Card, Initiator, Settings, Stage, recording_id
from offhook.voice.resources.problem import rejected
from offhook.voice.usage import AddOn

Meter = Callable[[Floor, Leg, AddOn, str, Moment], None]
NAME = "recorder"
MAX_RECORDINGS = 8


class Recorder:
    """The recordings of a leg, by their ids. A `Doing`: limits are kept by the media core, which has the audio."""

    __slots__ = ("_add_ons", "_due", "_made", "_stages")

    def __init__(self) -> None:
        self._stages: dict[str, Stage] = {}
        self._add_ons: dict[str, tuple[AddOn, ...]] = {}
        self._made = 0
        self._due: tuple[Settings, Initiator] | None = None

    wakes_at: float | None = None

    def tick(self, floor: Floor, leg: Leg, now: Moment) -> None:
        """Nothing is ever due."""

    def leg_ended(self, floor: Floor, leg: Leg, now: Moment) -> None:  # noqa: ARG002
        """They are complete with the last that was heard. Their cost ends with the leg's."""
        ids, self._stages, self._due = tuple(self._stages), {}, None
        floor.emit(*(effect.StopRecord(leg.dialog.port, id, about(leg)) for id in ids))

    # ---- what customers order --------------------------------------------------------------------------------

    def start_when_answered(self, leg: Leg, settings: Settings, by: Initiator) -> str:
        """Record the leg from its answer on; the id that the recording will have."""
        self._due = settings, by
        return self._next_id(leg)

    def answered(self, floor: Floor, leg: Leg, now: Moment) -> None:
        """The leg was answered: begin what was to begin with that."""
        if self._due is not None:
            (settings, by), self._due = self._due, None
            self.start(floor, leg, settings, by, now)

    def start(self, floor: Floor, leg: Leg, settings: Settings, by: Initiator, now: Moment) -> str:
        """Record the leg from now on; the recording's id. Rejected where there are too many."""
        if len(self._stages) == MAX_RECORDINGS:
            raise rejected("10027", f"{MAX_RECORDINGS} recordings of this call go on already.")
        id = self._next_id(leg)
        self._made += 1
        self._stages[id] = "running"
        card = Card(id, settings, about(leg), now.wall, by)
        self._add_ons[id] = ("recording",) if settings.language is None else ("recording", "stt")
        self._meter(metering.begin, floor, leg, id, now)
        floor.emit(effect.KeepRecording(card), effect.Record(leg.dialog.port, card))
        if settings.start == "with a beep":
            floor.emit(*(effect.Beep(each.dialog.port) for each in _present(floor, leg)))
        return id

    def turn(self, floor: Floor, leg: Leg, ids: Iterable[str], action: Literal["pause", "resume"], now: Moment) -> None:
        """Pause or resume; where that is so already nothing changes."""
        for id in ids:
            before, after = self._stages[id], STAGES[self._stages[id], action]
            if before == after:
                continue
            self._stages[id] = after
            self._meter(metering.end if after == "paused" else metering.begin, floor, leg, id, now)
            floor.emit(effect.PauseRecord(leg.dialog.port, id, after == "paused"))

    def stop(self, floor: Floor, leg: Leg, ids: Iterable[str], now: Moment) -> None:
        """End recordings; the customer is told when each can be had."""
        for id in ids:
            self.over(floor, leg, id, now)
            floor.emit(effect.StopRecord(leg.dialog.port, id, about(leg)))

    def over(self, floor: Floor, leg: Leg, id: str, now: Moment) -> None:
        """A recording has ended by itself; nothing where it was known to be over."""
        if self._stages.pop(id, None) is not None:
            self._meter(metering.end, floor, leg, id, now)

    @property
    def going_on(self) -> tuple[str, ...]:
        """The ids of what is not over."""
        return tuple(self._stages)

    def _meter(self, note: Meter, floor: Floor, leg: Leg, id: str, now: Moment) -> None:
        for add_on in self._add_ons[id]:
            note(floor, leg, add_on, id, now)

    def _next_id(self, leg: Leg) -> str:
        return recording_id(leg.ids, self._made + 1)


def of(leg: Leg) -> Recorder:
    """The leg's recorder."""
    found = leg.doings.setdefault(NAME, Recorder())
    assert isinstance(found, Recorder)  # nothing else has this name
    return found


def chosen(leg: Leg, id: str | None) -> tuple[str, ...]:
    """The recording of that id, or all that go on; Rejected where there is none."""
    going_on = of(leg).going_on if NAME in leg.doings else ()
    found = going_on if id is None else tuple(each for each in going_on if each == id)
    if not found:
        why = "This call is not being recorded." if id is None else "This call has no such recording going on."
        raise rejected("10027", why, pointer=None if id is None else "/recording_id")
    return found


def _present(floor: Floor, leg: Leg) -> list[Leg]:
    """The leg, and who talks with it: whoever is recorded is to know."""
    place = floor.place_of(leg.id)
    others = floor.others(leg) if place.kind == "bridge" else []
    return [leg, *(other for other in others if other.stage == "answered")]
