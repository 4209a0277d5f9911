"""Category: property. Legs that move between sessions, queues and conferences, in any order: each is in one place.

Commands, hang-ups and lost far ends come while the store is slow, so that legs are on their way when the next one
comes. Every rule is checked before each write and after each step, and each is seen to fail: the faults planted at the
end break one rule each, and all but one, which is rare, are found by the property itself.
"""

from asyncio import sleep
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from tests.scenarios.exchange import Exchange, exchange

from offhook.engine.owner import Owner
from offhook.testing.clock import run
from offhook.testing.fakes import FakeBackend, FakePhone, FakeShadow
from offhook.voice import conferencing, effect, ordering, passage, queueing
from offhook.voice.commands import CALL_COMMANDS
from offhook.voice.conference import Conference
from offhook.voice.conference_event import ConferenceEvent
from offhook.voice.effect import Durable
from offhook.voice.event import Event
from offhook.voice.floor import Floor
from offhook.voice.leg import Leg
from offhook.voice.place import Place
from offhook.voice.signal import Arrived

NAMES = ("alice", "bob", "carol", "dave")
SIZES = {"support": 3, "sales": 1}


class Broke(AssertionError):
    """A rule was broken."""


class Watched(FakeShadow):
    """A slow store before which everything is looked at. Slow by turns: `delays` are seconds."""

    def __init__(self, delays: Sequence[float]) -> None:
        super().__init__()
        self.look: Callable[[], None] = lambda: None
        self._delays = list(delays) or [0.0]
        self.seconds = self._next

    async def commit(self, durable: Sequence[Durable]) -> Sequence[Event]:
        self.look()
        return await super().commit(durable)

    def _next(self) -> float:
        self._delays.append(self._delays.pop(0))
        return self._delays[-1]


class Floors:
    """Four parked and answered calls, a backend that orders, and what must be true whatever it does."""

    def __init__(self, at: Exchange, shadow: Watched) -> None:
        self.at = at
        self.shadow = shadow
        self.backend = FakeBackend(at.switchboard)
        self.phones = [at.phone(name) for name in NAMES]
        self.ordered = 0
        self.broke: Broke | None = None
        shadow.look = self.look

    async def open(self) -> None:
        self.at.dialplan.parking = {f"connection of {name}" for name in NAMES}
        for phone in self.phones:
            phone.dial("anything")
        await sleep(10)
        for phone in self.phones:
            self.order(self.leg(phone), "answer")
        await sleep(10)
        self.at.connect()
        self.at.dialplan.parking = set()

    def leg(self, phone: FakePhone) -> str:
        assert phone.ids is not None
        return phone.ids.call_control_id

    def conference(self, name: str) -> str:
        """The id of the conference of that name, as far as there is one."""
        owner = self.at.switchboard.conferences.find("account", name)
        return "none" if owner is None else owner.session.id

    def order(self, leg: str, name: str, **body: Any) -> None:
        self.ordered += 1
        self.backend.order(leg, name, **body)

    # ---- the rules -------------------------------------------------------------------------------------------

    def look(self) -> None:
        """Check every rule; the first that is broken is kept, for whoever plays."""
        try:
            self._check_whereabouts()
            for owner in self._owners():
                self._check_floor(owner.session.floor)
        except Broke as broke:
            self.broke = self.broke or broke

    def _owners(self) -> list[Owner]:
        switchboard = self.at.switchboard
        return [*switchboard.owners.sessions.values(), *switchboard.queues, *switchboard.conferences]

    def _check_whereabouts(self) -> None:
        """A live leg is on one floor, or on its way to one."""
        found, closing = Counter[str](), set[str]()
        for owner in self._owners():
            found.update(list(owner.session.floor.legs))
            found.update(each.leg.id for each in owner._inbox if isinstance(each, Arrived))
            found.update(each.leg.id for each in owner._undone if isinstance(each, effect.HandOver))
            closing |= {each.ids.call_control_id for each in owner._undone if isinstance(each, effect.Close)}
        for leg in self.shadow.live.keys() - closing:
            if found[leg] != 1:
                raise Broke(f"{leg} is in {found[leg]} places")

    def _check_floor(self, floor: Floor) -> None:
        for leg in floor.legs:
            if sum(leg in place for place in floor.places) != 1:
                raise Broke(f"{leg} is not in exactly one place of its floor")
        if floor.conference is not None:
            self._check_conference(floor, floor.conference)
        queue = floor.queue
        if queue is None:
            return
        waiting = [leg for leg, turn in queue.turns.items() if turn.presence == "waiting"]
        if waiting != list(queue.place) or set(waiting) != floor.legs.keys():
            raise Broke("those who wait are not those who have a turn")
        if queue.size > queue.card.max_size:
            raise Broke("the queue is fuller than it may be")

    def _check_conference(self, floor: Floor, conference: Conference) -> None:
        if not list(conference.participants) == list(conference.place) == list(floor.legs):
            raise Broke("those who are in the conference are not those who take part")
        if len(conference.participants) > conference.settings.max_participants:
            raise Broke("the conference is fuller than it may be")
        if conference.participants and not conference.is_live:
            raise Broke("somebody takes part in a conference that is over")

    def _check_quiet(self) -> None:
        """Once nothing moves: every command was answered once, and the mixer does what the places say."""
        if len(self.backend.answers) != self.ordered:
            raise Broke(f"{self.ordered} commands, {len(self.backend.answers)} answers")
        for owner in self._owners():
            for place in owner.session.floor.places:
                self._check_mixer(owner.session.floor, place)

    def _check_mixer(self, floor: Floor, place: Place) -> None:
        for listener in place:
            leg = floor.legs[listener]
            if leg.stage != "answered":
                continue
            heard = set(self.at.core.heard_on(leg.dialog.port))
            due = {floor.legs[other].dialog.port for other in place if place.hears(listener, other)}
            if heard != due:
                raise Broke(f"{listener} hears {heard} in place of {due}")
            if place.kind == "queue" and not self.at.core.plays[leg.dialog.port]:
                raise Broke("a waiting leg hears nothing")

    def _check_story(self) -> None:
        """When all is over: one record for each leg, nothing told after its end, and in and out of queues by turns."""
        told: dict[str, list[str]] = {}
        self._check_conferences()
        for event in self.shadow.told:
            if isinstance(event, ConferenceEvent):
                continue
            told.setdefault(event.about.ids.call_control_id, []).append(event.type.removeprefix("call."))
        for leg, types in told.items():
            if types.index("hangup") != len(types) - 1:
                raise Broke(f"{leg} was told of after its end")
            turns = [each for each in types if each in ("enqueued", "dequeued")]
            if turns != ["enqueued", "dequeued"] * (len(turns) // 2):
                raise Broke(f"{leg} came and went by {turns}")
        if len(self.shadow.records) != len(told) or self.shadow.live or self.at.core.open_ports:
            raise Broke("not everything ended")

    def _check_conferences(self) -> None:
        """Each conference began and ended once, with as many who left as had joined."""
        lives: dict[str, list[str]] = {}
        for event in self.shadow.told:
            if isinstance(event, ConferenceEvent):
                lives.setdefault(event.conference_id, []).append(event.type.rpartition(".")[2])
        for id, types in lives.items():
            count = Counter(types)
            if (types[0], types[-1]) != ("created", "ended") or count["created"] != 1 or count["ended"] != 1:
                raise Broke(f"conference {id} went by {types}")
            if count["joined"] != count["left"] or self.shadow.conferences[id].status != "completed":
                raise Broke(f"conference {id} was left by {count['left']} of {count['joined']}")
        if self.shadow.conferences.keys() != lives.keys():
            raise Broke("a conference was not told of")

    async def settle(self) -> None:
        self.at.connect()
        await sleep(20)
        self.look()
        if self.broke is not None:
            raise self.broke
        self._check_quiet()
        for phone in self.phones:
            phone.vanish()
        await sleep(60)
        if self.broke is not None:
            raise self.broke
        self._check_story()


Step = Callable[[Floors], object]
LEG = st.sampled_from(range(len(NAMES)))
QUEUE = st.sampled_from(tuple(SIZES))


def on(name: str, **body: Any) -> Callable[[int], Step]:
    return lambda index: lambda at: at.order(at.leg(at.phones[index]), name, **body)


def bridge(one: int, other: int, taken: bool) -> Step:
    def step(at: Floors) -> None:
        leg, target = at.leg(at.phones[one]), at.leg(at.phones[other])
        at.order(leg, "bridge", call_control_id=target, prevent_double_bridge=taken, park_after_unbridge="self")

    return step


def fetch(index: int) -> Step:
    """A new leg that meets this one when it is answered, by somebody whose phone answers by itself."""

    def step(at: Floors) -> None:
        at.ordered += 1
        phone = at.at.phone(f"agent{at.ordered}", "answer")
        at.phones.append(phone)
        at.backend.dial(f"sip:{phone.username}@sip.test", link_to=at.leg(at.phones[index]), bridge_on_answer=True)

    return step


def take_turn(queue: str, index: int) -> Step:
    def step(at: Floors) -> None:
        at.ordered += 1
        at.backend.direct(queue, "remove_call", at.leg(at.phones[index]))

    return step


def keep(queue: str) -> Step:
    def step(at: Floors) -> None:
        at.ordered += 1
        at.backend.create_queue(queue, max_size=SIZES[queue])

    return step


def delete(queue: str) -> Step:
    def step(at: Floors) -> None:
        at.ordered += 1
        at.backend.direct(queue, "delete")

    return step


def confer(index: int, name: str) -> Step:
    def step(at: Floors) -> None:
        at.ordered += 1
        at.backend.confer(at.leg(at.phones[index]), name, max_participants=3)

    return step


def join(index: int, name: str, **body: Any) -> Step:
    def step(at: Floors) -> None:
        at.ordered += 1
        at.backend.join(at.leg(at.phones[index]), at.conference(name), **body)

    return step


def convene(name: str, command: str, index: int) -> Step:
    """A command to a conference, for one participant or for all."""

    def step(at: Floors) -> None:
        at.ordered += 1
        leg = at.leg(at.phones[index])
        body = {"call_control_id": leg} if command == "leave" else {"call_control_ids": [leg] if index else []}
        at.backend.convene(at.conference(name), command, **({} if command == "end" else body))

    return step


ENTRY = st.sampled_from(
    ({}, {}, {"end_conference_on_exit": True}, {"soft_end_conference_on_exit": True}, {"hold": True})
)
CONFERENCE = st.sampled_from(("team", "board"))
CONFER = st.tuples(LEG, CONFERENCE).map(lambda it: confer(*it))
JOIN = st.tuples(LEG, CONFERENCE, ENTRY).map(lambda it: join(it[0], it[1], **it[2]))
CONVENE = st.tuples(CONFERENCE, st.sampled_from(("leave", "hold", "unhold", "mute", "end")), LEG).map(
    lambda it: convene(*it)
)
ENQUEUE = st.tuples(LEG, QUEUE, st.sampled_from((None, 1, 40))).map(
    lambda it: on("enqueue", queue_name=it[1], max_wait_time_secs=it[2], max_size=SIZES[it[1]])(it[0])
)
BRIDGE = st.tuples(LEG, LEG, st.booleans()).map(lambda it: bridge(*it))
TAKE = st.tuples(LEG, QUEUE).map(lambda it: on("bridge", queue=it[1])(it[0]))
STEP = st.one_of(
    ENQUEUE,
    TAKE,
    BRIDGE,
    CONFER,
    JOIN,
    JOIN,
    CONVENE,
    LEG.map(on("leave_queue")),
    LEG.map(on("transfer", to="sip:nobody@sip.test")),
    LEG.map(on("hangup")),
    LEG.map(on("client_state_update", client_state="bm90ZQ==")),
    LEG.map(lambda index: lambda at: at.phones[index].hang_up()),
    LEG.map(lambda index: lambda at: at.phones[index].vanish()),
    LEG.map(lambda index: lambda at: at.phones[index].hold("toggleHold")),
    LEG.map(fetch),
    st.tuples(QUEUE, LEG).map(lambda it: take_turn(*it)),
    QUEUE.map(keep),
    QUEUE.map(delete),
)
STEPS = st.lists(st.tuples(st.sampled_from((0.0, 0.0, 0.5, 5.0)), STEP), max_size=12)
DELAYS = st.lists(st.sampled_from((0.0, 0.4, 1.0)), min_size=1, max_size=5)


def play(delays: Sequence[float], steps: Sequence[tuple[float, Step]]) -> None:
    async def played() -> None:
        shadow = Watched(delays)
        async with exchange(shadow=shadow) as at:
            floors = Floors(at, shadow)
            try:
                await floors.open()
                for wait, step in steps:
                    await sleep(wait)
                    step(floors)
                    floors.look()
                await floors.settle()
            except Broke:
                for task in at.switchboard._tasks:
                    task.cancel()  # what is broken may never end by itself
                raise

    run(played())


@given(DELAYS, STEPS)
@settings(max_examples=150, deadline=None)
def test_every_leg_is_in_exactly_one_place(delays: list[float], steps: list[tuple[float, Step]]) -> None:
    play(delays, steps)


# ---- planted faults --------------------------------------------------------------------------------------------

original_release, original_left, original_wanted = Floor.release, queueing.left, passage.wanted


def keep_what_is_released(self: Floor, leg: Leg) -> None:
    original_release(self, leg)
    self.adopt(leg)


def lose_on_the_way_home(floor: Floor, leg: Leg) -> None:
    floor.release(leg)


def forget_the_command(*_: object) -> None:
    """A leg has arrived, and nobody is told."""


def leave_silently(floor: Floor, leg: Leg, *_: object) -> None:
    if floor.queue is not None:
        floor.queue.turns.pop(leg.id, None)


def keep_the_turn(floor: Floor, leg: Leg, reason: Any, now: Any) -> None:
    turns = dict(floor.queue.turns) if floor.queue else {}
    original_left(floor, leg, reason, now)
    if floor.queue:
        floor.queue.turns = turns


def keep_back_silently(floor: Floor, signal: Any, now: Any) -> None:
    original_wanted(floor, signal, now)
    floor._effects = [each for each in floor._effects if not isinstance(each, effect.KeepBack)]


@contextmanager
def planted(where: Any, name: str, fault: Callable[..., object]) -> Iterator[None]:
    with patch.object(where, name, fault):
        yield


@pytest.mark.parametrize(
    ("where", "name", "fault", "words"),
    [
        (Floor, "release", keep_what_is_released, "is in 2 places"),
        (passage, "_go_home", lose_on_the_way_home, "is in 0 places"),
        (ordering, "go_on", forget_the_command, "answers"),
        (queueing, "left", leave_silently, "came and went"),
        (queueing, "left", keep_the_turn, "have a turn"),
        (conferencing, "left", leave_silently, "take part|joined"),
        (conferencing, "finish", forget_the_command, "went by|over"),
        (passage, "wanted", keep_back_silently, "answers"),
        (Floor, "mix", lambda _: None, "hears"),
    ],
)
def test_the_property_finds_a_planted_fault(where: Any, name: str, fault: Callable[..., object], words: str) -> None:
    search = settings(
        max_examples=2000, deadline=None, derandomize=True, database=None, phases=[Phase.generate],
        report_multiple_bugs=False,
    )(given(DELAYS, STEPS)(play))  # fmt: skip
    with planted(where, name, fault), pytest.raises(Broke, match=words):
        search()


def test_the_checker_catches_reservations_that_do_not_count() -> None:
    rule = CALL_COMMANDS["enqueue"]
    original = rule.reserve
    assert original is not None

    def forgetful(floor: Floor, order: Any, now: Any) -> Any:
        wanted, floor.wanted = floor.wanted, {}
        try:
            return original(floor, order, now)
        finally:
            floor.wanted = wanted

    both: list[tuple[float, Step]] = [(0.0, on("enqueue", queue_name="sales", max_size=1)(index)) for index in (0, 1)]
    with patch.dict(CALL_COMMANDS, {"enqueue": rule._replace(reserve=forgetful)}), pytest.raises(Broke, match="fuller"):
        play([1.0], both)
    play([1.0], both)
