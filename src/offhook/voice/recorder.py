"""Recordings of a leg or conference: begun, paused, resumed and stopped, or over by themselves. No I/O.

They end with what they are of, wherever a leg has been meanwhile. What a recording costs is its time without its
pauses, and the same again, at another price, for its text. One with beeps is heard to go on by everybody who is
recorded: at its beginning, when it is resumed, and at intervals.
"""

from collections.abc import Iterable
from typing import Literal, NamedTuple

from offhook.voice import effect, metering
from offhook.voice.event import About, about
from offhook.voice.floor import Floor
from offhook.voice.leg import Leg, Moment
from offhook.voice.recording import STAGES, Card, Initiator, Recordings, Settings, Source, recording_id
from offhook.voice.resources.problem import rejected

NAME = "recorder"
MAX_RECORDINGS = 8


class Recorded(NamedTuple):
    """What is recorded: the port with its audio, as whom its customer is told, the leg that pays (None where nobody is
    there to), and the ports of those who are to hear beeps. `scope` makes the ids of its recordings its own."""

    recordings: Recordings
    scope: str
    source: Source
    port: int
    about: About
    payer: Leg | None
    present: tuple[int, ...]
    conference_id: str = ""


class Recorder:
    """The recordings of a leg. A `Doing`: limits are kept by the media core, which has the audio."""

    __slots__ = ("_due", "recordings")

    def __init__(self) -> None:
        self.recordings = Recordings()
        self._due: tuple[Settings, Initiator] | None = None

    @property
    def wakes_at(self) -> float | None:
        """When there is to be the next beep."""
        return self.recordings.beeps_at

    def tick(self, floor: Floor, leg: Leg, now: Moment) -> None:
        """It is time for a beep."""
        beep_if_due(floor, of_leg(floor, leg), now)

    def leg_ended(self, floor: Floor, leg: Leg, now: Moment) -> None:  # noqa: ARG002
        """They are complete with the last that was heard. Their cost ends with the leg's."""
        self._due = None
        end(floor, of_leg(floor, leg))

    def start_when_answered(self, leg: Leg, settings: Settings, by: Initiator) -> str:
        """Record the leg from its answer on; the id that the recording will have."""
        self._due = settings, by
        return recording_id(_scope(leg), self.recordings.made + 1)

    def answered(self, floor: Floor, leg: Leg, now: Moment) -> None:
        """The leg was answered: begin what was to begin with that."""
        if self._due is not None:
            (settings, by), self._due = self._due, None
            start(floor, of_leg(floor, leg), settings, by, now)


def of(leg: Leg) -> Recorder:
    """The leg's recorder."""
    found = leg.doings.setdefault(NAME, Recorder())
    assert isinstance(found, Recorder)  # nothing else has this name
    return found


def of_leg(floor: Floor, leg: Leg) -> Recorded:
    """A leg as what is recorded. Whoever talks with it is to know."""
    place = floor.place_of(leg.id)
    others = floor.others(leg) if place.kind == "bridge" else []
    present = (leg, *(other for other in others if other.stage == "answered"))
    ports = tuple(each.dialog.port for each in present)
    return Recorded(of(leg).recordings, _scope(leg), "call", leg.dialog.port, about(leg), leg, ports)


# ---- what customers order ------------------------------------------------------------------------------------


def start(floor: Floor, what: Recorded, settings: Settings, by: Initiator, now: Moment) -> str:
    """Record from now on; the recording's id. Rejected where there are too many."""
    recordings = what.recordings
    if len(recordings.stages) == MAX_RECORDINGS:
        raise rejected("10027", f"{MAX_RECORDINGS} recordings of this {what.source} go on already.")
    recordings.made += 1
    id = recording_id(what.scope, recordings.made)
    recordings.add(id, settings)
    card = Card(id, settings, what.about, now.wall, by, what.source, what.conference_id)
    bill(floor, what, now)
    floor.emit(effect.KeepRecording(card), effect.Record(what.port, card))
    if recordings.beeps(id):
        _beep(floor, what, now)
    return id


def turn(floor: Floor, what: Recorded, ids: Iterable[str], action: Literal["pause", "resume"], now: Moment) -> None:
    """Pause or resume; where that is so already nothing changes."""
    recordings = what.recordings
    for id in ids:
        before, after = recordings.stages[id], STAGES[recordings.stages[id], action]
        if before == after:
            continue
        recordings.stages[id] = after
        if after == "paused":
            _end_bill(floor, what, what.payer, id, now)
        floor.emit(effect.PauseRecord(what.port, id, after == "paused"))
        if after == "running" and recordings.beeps(id):
            _beep(floor, what, now)
    bill(floor, what, now)
    _plan(floor, what, now)


def stop(floor: Floor, what: Recorded, ids: Iterable[str], now: Moment) -> None:
    """End recordings; the customer is told when each can be had."""
    for id in ids:
        over(floor, what, id, now)
        floor.emit(effect.StopRecord(what.port, id, what.about))


def over(floor: Floor, what: Recorded, id: str, now: Moment) -> None:
    """A recording has ended by itself; nothing where it was known to be over."""
    if what.recordings.stages.pop(id, None) is None:
        return
    _end_bill(floor, what, what.payer, id, now)
    del what.recordings.settings[id]
    _plan(floor, what, now)


def end(floor: Floor, what: Recorded) -> None:
    """What is recorded ends, and with it whoever pays."""
    ids = what.recordings.clear()
    floor.emit(*(effect.StopRecord(what.port, id, what.about) for id in ids))


def chosen(recordings: Recordings, id: str | None, of: Source = "call") -> tuple[str, ...]:
    """The recording of that id, or all that go on; Rejected where there is none."""
    found = tuple(each for each in recordings.stages if id in (None, each))
    if not found:
        why = f"This {of} is not being recorded." if id is None else f"This {of} has no such recording going on."
        raise rejected("10027", why, pointer=None if id is None else "/recording_id")
    return found


# ---- what goes on --------------------------------------------------------------------------------------------


def bill(floor: Floor, what: Recorded, now: Moment) -> None:
    """The leg that pays does so for whatever runs."""
    if what.payer is None:
        return
    for id, stage in what.recordings.stages.items():
        notice = floor.rules.beep_every if what.recordings.beeps(id) else None
        for add_on in what.recordings.settings[id].add_ons if stage == "running" else ():
            metering.begin(floor, what.payer, add_on, id, now, notice)


def pass_bill(floor: Floor, what: Recorded, leg: Leg, now: Moment) -> None:
    """A leg has gone, which pays no more; another one does."""
    for id in what.recordings.stages if leg.stage != "ended" else ():
        _end_bill(floor, what, leg, id, now)
    bill(floor, what, now)


def _end_bill(floor: Floor, what: Recorded, payer: Leg | None, id: str, now: Moment) -> None:
    if payer is None:
        return
    for add_on in what.recordings.settings[id].add_ons:
        metering.end(floor, payer, add_on, id, now)


def beep_if_due(floor: Floor, what: Recorded, now: Moment) -> None:
    """Let everybody hear that they are recorded, where it is time."""
    if what.recordings.beeps_at is not None and what.recordings.beeps_at <= now.mono:
        _beep(floor, what, now)


def _beep(floor: Floor, what: Recorded, now: Moment) -> None:
    floor.emit(*(effect.Beep(port) for port in what.present))
    what.recordings.beeps_at = None
    _plan(floor, what, now)


def _plan(floor: Floor, what: Recorded, now: Moment) -> None:
    recordings, every = what.recordings, floor.rules.beep_every
    if not recordings.is_heard or not every:
        recordings.beeps_at = None
    elif recordings.beeps_at is None:
        recordings.beeps_at = now.mono + every


def _scope(leg: Leg) -> str:
    return f"{leg.ids.call_control_id}/{leg.ids.call_leg_id}"
