"""Category: property. What is played and gathered, under any interleaving: each has one end, and none outlives its leg.

The rules are checked on the effects after every input. The faults planted at the end break one rule each, and the
property must find an input that shows them.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from offhook.voice import effect, ringing
from offhook.voice.cause import ending
from offhook.voice.command import read
from offhook.voice.commands import CALL_COMMANDS
from offhook.voice.effect import AnswerPort
from offhook.voice.event import CallHungUp, GatherEnded, PlaybackEnded, PlaybackStarted
from offhook.voice.floor import Floor
from offhook.voice.gathering import Gather
from offhook.voice.leg import DialogId, Leg, LegIds, Moment, Party
from offhook.voice.player import Player
from offhook.voice.session import Session
from offhook.voice.signal import (
    AudioFailed,
    AudioReady,
    Dialled,
    DigitHeard,
    HangUp,
    Input,
    Ordered,
    Park,
    Played,
    PortDescribed,
    PortUp,
    Tick,
)
from offhook.voice.sound import Clip

LEG = LegIds("leg", "session", "leg id")


class Broke(AssertionError):
    """A rule was broken."""


class Checker:
    """A leg that is answered, what it was ordered, and what the core and the customer were told."""

    def __init__(self) -> None:
        self.session = Session("session")
        self.now = 0.0
        self.names = 0
        self.preparing: list[int] = []
        self.sounding: dict[int, str] = {}
        self._accepted: list[str] = []
        self._started: list[str] = []
        self._ended: list[str] = []
        self._gathers = 0
        self._obeyed = 0
        self._over = False
        party = Party("alice", "account", "connection", "alice")
        self.feed(Dialled(DialogId("b", "d"), 1, LEG, 1, party, "x", "offer", Park()))
        self.feed(PortDescribed(AnswerPort(1, "offer", False), "sdp"))
        ringing.answer(self.session.floor, self.session.floor.legs["leg"], Moment(0.0, 0.0))
        self.session.floor.drain()

    def order(self, name: str, **body: Any) -> None:
        if "media_name" in body:
            self.names += 1
            body["media_name"] = f"file {self.names}"
        rule = CALL_COMMANDS[name]
        before = self._obeyed
        self.feed(Ordered("leg", 0, rule, read(rule.command, body)))
        if name == "playback_start" and self._obeyed > before:
            self._accepted.append(body["media_name"])
        if name == "gather" and not self._over:
            self._gathers += 1
        self.check()

    def feed(self, given: Input) -> None:
        for each in self.session.decide(given, Moment(self.now, self.now)):
            self._note(each)

    def _note(self, each: effect.Effect) -> None:
        match each:
            case effect.Accepted():
                self._obeyed += 1
            case effect.Prepare(item=item):
                if item in self.preparing:
                    raise Broke("an item was prepared twice")
                self.preparing.append(item)
            case effect.Play(play=play, lane=lane):
                if play in self.sounding or play == 1:
                    raise Broke("a play was numbered twice")
                self.sounding[play] = lane
            case effect.StopPlay(play=play):
                self.sounding.pop(play, None)
            case effect.Tell(event):
                self._note_event(event)
            case _:
                pass

    def _note_event(self, event: Any) -> None:
        if self._over:
            raise Broke(f"told after the end: {event}")
        match event:
            case PlaybackStarted(media_name=name):
                self._started.append(name or "")
            case PlaybackEnded(media_name=name):
                self._ended.append(name or "")
            case GatherEnded():
                self._gathers -= 1
            case CallHungUp():
                self._over = True
            case _:
                pass

    def check(self) -> None:
        ends = {name: self._ended.count(name) for name in self._ended}
        if any(count > 1 for count in ends.values()) or any(self._started.count(name) > 1 for name in self._started):
            raise Broke("an item began or ended twice")
        going_on = [name for name in self._started if name not in ends]
        if len(going_on) > 2:
            raise Broke(f"more sound at once than there are queues: {going_on}")
        if self._gathers not in (0, 1):
            raise Broke(f"{self._gathers} gatherings go on")
        if self._over and (set(self._accepted) - ends.keys() or self._gathers):
            raise Broke("the leg has ended, what it had ordered has not")


def clip(at: Checker, which: int, arrived: Any) -> Input:
    item = at.preparing[which % len(at.preparing)] if at.preparing else 1
    return AudioReady("leg", item, Clip(8000, b"ab"), arrived)


def failure(at: Checker, which: int) -> Input:
    return AudioFailed("leg", at.preparing[which % len(at.preparing)] if at.preparing else 1, "failed", "no")


def played(at: Checker, which: int) -> Input:
    plays = list(at.sounding)
    play = plays[which % len(plays)] if plays else 99
    at.sounding.pop(play, None)
    return Played(1, play)


WHICH = st.integers(0, 5)
Step = Callable[[Checker], None]
STEPS: list[st.SearchStrategy[Step]] = [
    st.booleans().map(lambda over: lambda at: at.order("playback_start", media_name="", overlay=over)),
    st.sampled_from(("all", "current")).map(lambda stop: lambda at: at.order("playback_stop", stop=stop)),
    st.sampled_from(("all", "current")).map(
        lambda stop: lambda at: at.order("playback_start", media_name="", stop=stop)
    ),
    st.just(lambda at: at.order("gather", maximum_digits=2)),
    st.tuples(WHICH, st.sampled_from(("some", "all"))).map(lambda it: lambda at: at.feed(clip(at, *it))),
    WHICH.map(lambda which: lambda at: at.feed(failure(at, which))),
    WHICH.map(lambda which: lambda at: at.feed(played(at, which))),
    st.just(lambda at: at.feed(PortUp(1))),
    st.sampled_from("1#").map(lambda digit: lambda at: at.feed(DigitHeard(1, digit, 100))),
    st.just(lambda at: at.feed(Tick())),
    st.just(lambda at: at.feed(HangUp(ending("NORMAL_CLEARING")))),
]
SCRIPTS = st.lists(st.tuples(st.sampled_from((0.0, 1.0, 6.0)), st.one_of(*STEPS, *STEPS[:2], STEPS[7])), max_size=16)


def play(script: list[tuple[float, Step]]) -> None:
    at = Checker()
    for seconds, step in script:
        at.now += seconds
        step(at)
        at.check()
    at.feed(HangUp(ending("NORMAL_CLEARING")))
    at.check()


@settings(max_examples=400, deadline=None)
@given(SCRIPTS)
def test_everything_that_is_played_or_gathered_ends_once_and_before_its_leg(script: list[tuple[float, Step]]) -> None:
    play(script)


# ---- faults that the property must find ---------------------------------------------------------------------------


def _says_nothing_at_the_end(_self: Any, _floor: Floor, _leg: Leg, _now: Moment) -> None:
    """A leg ends, and nobody is told of what it heard."""


@contextmanager
def forgets_to_remove() -> Iterator[None]:
    """An item that has ended is still in its queue."""
    finish = Player._finish

    def again(self: Player, floor: Floor, leg: Leg, item: Any, *rest: Any) -> None:
        finish(self, floor, leg, item, *rest)
        if item.number == 1 and rest[0] == "cancelled":
            self._lanes[item.lane].appendleft(item)

    with patch.object(Player, "_finish", again):
        yield


FAULTS = {
    "a player says nothing at the end": lambda: patch.object(Player, "leg_ended", _says_nothing_at_the_end),
    "a gathering says nothing at the end": lambda: patch.object(Gather, "leg_ended", _says_nothing_at_the_end),
    "an item stays in its queue": forgets_to_remove,
}


@pytest.mark.parametrize("fault", FAULTS)
def test_the_property_finds_each_planted_fault(fault: str) -> None:
    @settings(max_examples=400, deadline=None, database=None, phases=[Phase.generate])
    @given(SCRIPTS)
    def shows(script: list[tuple[float, Step]]) -> None:
        play(script)

    with FAULTS[fault](), pytest.raises(Broke):
        shows()
