"""What customers have played to a leg: a queue in place of what it hears, another one over it. No I/O.

An item's audio is asked for (`effect.Prepare`) when at most one other is before it, so that it is there when its turn
comes and a full queue holds little. It sounds when its turn has come, its first piece is there and the media are up.
The core is given one item at a time: when an item begins and ends is the customer's business, and a stop must reach
exactly one.
"""

import hashlib
from collections import deque
from collections.abc import Callable
from typing import Literal, Protocol

import msgspec

from offhook.voice import effect, metering
from offhook.voice.event import PlaybackEnded, PlaybackStarted, PlayStatus, SpeakEnded, SpeakStarted
from offhook.voice.floor import Floor
from offhook.voice.leg import Leg, Moment
from offhook.voice.resources.problem import rejected
from offhook.voice.signal import AudioFailed, AudioReady
from offhook.voice.sound import Clip, Link, Source, Speech, Stored

NAME = "player"
# The core's play of this number is the platform's own sound.
FIRST_PLAY = 2
MAX_QUEUED = 64
# So many items of a queue are prepared, the one that sounds included.
PREPARED = 2

Lane = Literal["instead", "over"]
Stop = Literal["current", "all"]
After = Callable[[Floor, Leg, Moment], None]


class Teller(Protocol):
    """Tells the customer of an item. `leg` is as whose it is played; the kind of its events, `as_what`, goes into the
    item's name."""

    @property
    def as_what(self) -> str: ...
    @property
    def leg(self) -> str: ...
    def began(self, floor: Floor, leg: Leg, item: "Item", now: Moment) -> None:
        """`leg` hears the first of it."""
        ...

    def ended(self, floor: Floor, item: "Item", status: PlayStatus, detail: str, now: Moment) -> None:
        """It is over. Every item has one end, also one that never sounded: a program that waits for it never waits for
        ever."""
        ...


class Told(msgspec.Struct, frozen=True):
    """What the customer hears of an item, and as whose: the leg that was commanded, which need not be the one that
    hears it. `media_url` and `media_name` are those of the command."""

    as_what: Literal["speak", "playback", "nothing"]
    leg: str
    media_url: str | None = None
    media_name: str | None = None

    def began(self, floor: Floor, leg: Leg, item: "Item", now: Moment) -> None:
        if isinstance(item.source, Speech):
            metering.count(floor, leg, "tts", item.name, item.source.characters, now)
        told = floor.legs.get(self.leg)
        if told is not None and self.as_what == "speak":
            floor.tell(SpeakStarted, told, now, item.name)
        elif told is not None and self.as_what == "playback":
            floor.tell(PlaybackStarted, told, now, self.media_url, self.media_name, item.lane == "over")

    def ended(self, floor: Floor, item: "Item", status: PlayStatus, detail: str, now: Moment) -> None:
        told, url, name = floor.legs.get(self.leg), self.media_url, self.media_name
        if told is not None and self.as_what == "speak":
            floor.tell(SpeakEnded, told, now, item.name, status)
        elif told is not None and self.as_what == "playback":
            floor.tell(PlaybackEnded, told, now, url, name, item.lane == "over", status, detail)


class Item:
    """Something to be played. `rounds` is how often, 0 for ever; `after` is called when it is over, unless its leg is.

    `name` is what its events call it; `clips` have arrived and are not with the core yet; `plays` are with it. What is
    played goes to the circle `tape` as well, for its recordings.
    """

    __slots__ = (
        "after", "arrived", "clips", "lane", "name", "number", "plays", "rounds", "source", "stage", "tape", "told",
    )  # fmt: skip

    def __init__(
        self, source: Source, told: Teller, rounds: int = 1, lane: Lane = "instead", after: After | None = None
    ) -> None:
        self.source = source
        self.told = told
        self.rounds = rounds
        self.lane: Lane = lane
        self.after = after
        self.number = 0
        self.name = ""
        self.stage: Literal["queued", "prepared", "sounding"] = "queued"
        self.arrived: Literal["some", "all"] = "some"
        self.clips: deque[Clip] = deque()
        self.plays: set[int] = set()
        self.tape: int | None = None


class Player:
    """The two queues of one leg. A `Doing`: it wants no time of its own."""

    __slots__ = ("_items", "_lanes", "_plays")

    def __init__(self) -> None:
        self._lanes: dict[Lane, deque[Item]] = {"instead": deque(), "over": deque()}
        self._items = 0
        self._plays = FIRST_PLAY - 1

    wakes_at: float | None = None

    def tick(self, floor: Floor, leg: Leg, now: Moment) -> None:
        """Nothing is ever due."""

    def leg_ended(self, floor: Floor, leg: Leg, now: Moment) -> None:
        """What the leg hears is over, and so is what it has had played to others."""
        for item in self._all():
            self._finish(floor, leg, item, "call_hangup", now)
        for other in floor.legs.values():
            if other is not leg and NAME in other.doings:
                of(other).forsake(floor, other, leg, "call_hangup", now)

    # ---- what customers order --------------------------------------------------------------------------------

    def expect_room(self, lane: Lane) -> None:
        """Rejected where a queue is full."""
        if len(self._lanes[lane]) == MAX_QUEUED:
            raise rejected("10027", f"{MAX_QUEUED} items wait to be played on this call already.")

    def add(self, floor: Floor, leg: Leg, item: Item) -> None:
        """Queue an item."""
        self._items += 1
        item.number, item.name = self._items, name_of(leg, item.told.as_what, self._items)
        queue = self._lanes[item.lane]
        queue.append(item)
        if item.told.leg in floor.legs:
            of(floor.legs[item.told.leg])  # whose end this item must not outlive
        if len(queue) <= PREPARED:
            _prepare(floor, leg, item)

    def stop(self, floor: Floor, leg: Leg, which: Stop, lane: Lane, now: Moment) -> bool:
        """Stop the first item of a queue, or all; whether there was one."""
        return self._stop(floor, leg, list(self._lanes[lane]), which, now)

    def stop_of(self, floor: Floor, leg: Leg, by: str, which: Stop, lane: Lane, now: Moment) -> bool:
        """The same, of what was played as another leg's, or a conference's, of this id."""
        return self._stop(floor, leg, [item for item in self._lanes[lane] if item.told.leg == by], which, now)

    def cancel(self, floor: Floor, leg: Leg, item: Item, now: Moment) -> None:
        """Stop one item, wherever it is in its queue; nothing where it is over."""
        if item in self._lanes[item.lane]:
            self._finish(floor, leg, item, "cancelled", now)
            self.go_on(floor, leg, now)

    def forsake(self, floor: Floor, leg: Leg, by: Leg | None, status: PlayStatus, now: Moment) -> None:
        """End what another leg has had played here, as far as `by` had (None: whoever it was)."""
        for item in self._all():
            if item.told.leg != leg.id and (by is None or item.told.leg == by.id):
                self._finish(floor, leg, item, status, now)
        self.go_on(floor, leg, now)

    # ---- what comes of it ------------------------------------------------------------------------------------

    def ready(self, floor: Floor, leg: Leg, signal: AudioReady, now: Moment) -> None:
        """A piece of an item's audio is there."""
        item = self._find(signal.item)
        if item is not None:
            item.clips.extend(() if signal.clip is None else (signal.clip,))
            item.arrived = signal.arrived
            self.go_on(floor, leg, now)

    def failed(self, floor: Floor, leg: Leg, signal: AudioFailed, now: Moment) -> None:
        """There is no (more) audio for an item."""
        item = self._find(signal.item)
        if item is not None:
            item.arrived = "all"
            self._finish(floor, leg, item, signal.failure, now, signal.detail)
            self.go_on(floor, leg, now)

    def played(self, floor: Floor, leg: Leg, play: int, now: Moment) -> None:
        """The core has played a piece to its end. One that was stopped is not known any more."""
        for item in self._all():
            item.plays.discard(play)
        self.go_on(floor, leg, now)

    def go_on(self, floor: Floor, leg: Leg, now: Moment) -> None:
        """Let begin and end what may, and prepare what comes next."""
        for queue in self._lanes.values():
            while leg.dialog.media == "connected" and queue and self._advance(floor, leg, queue[0], now) == "over":
                pass
            for item in list(queue)[:PREPARED]:
                _prepare(floor, leg, item)
        self._cover(leg)

    # ---- inside ----------------------------------------------------------------------------------------------

    def _stop(self, floor: Floor, leg: Leg, items: list[Item], which: Stop, now: Moment) -> bool:
        for item in items if which == "all" else items[:1]:
            self._finish(floor, leg, item, "cancelled", now)
        self.go_on(floor, leg, now)
        return bool(items)

    def _advance(self, floor: Floor, leg: Leg, item: Item, now: Moment) -> Literal["over", "goes on"]:
        """The first of a queue: it begins, is given what has arrived, ends."""
        if item.stage == "prepared" and item.clips:
            item.stage = "sounding"
            item.told.began(floor, leg, item, now)
        while item.clips:
            self._play(floor, leg, item, item.clips.popleft())
        if item.plays or item.arrived == "some":
            return "goes on"
        self._finish(floor, leg, item, "completed", now)
        return "over"

    def _play(self, floor: Floor, leg: Leg, item: Item, clip: Clip) -> None:
        self._plays += 1
        item.plays.add(self._plays)
        for port, play in _places(leg, item, self._plays):
            floor.emit(effect.Play(port, play, clip, item.rounds, item.lane))

    def _finish(self, floor: Floor, leg: Leg, item: Item, status: PlayStatus, now: Moment, detail: str = "") -> None:
        self._lanes[item.lane].remove(item)
        self._cover(leg)
        if item.stage != "queued" and item.arrived == "some":
            floor.emit(effect.Discard(leg.id, item.number))
        for each in sorted(item.plays):
            floor.emit(*(effect.StopPlay(port, play) for port, play in _places(leg, item, each)))
        item.told.ended(floor, item, status, detail, now)
        if item.after is not None and status != "call_hangup":
            item.after(floor, leg, now)

    def _cover(self, leg: Leg) -> None:
        first = next(iter(self._lanes["instead"]), None)
        leg.platform_sound = "covered" if first is not None and first.stage == "sounding" else "due"

    def _find(self, number: int) -> Item | None:
        return next((item for item in self._all() if item.number == number), None)

    def _all(self) -> list[Item]:
        return [item for queue in self._lanes.values() for item in queue]


def of(leg: Leg) -> Player:
    """The leg's player."""
    found = leg.doings.setdefault(NAME, Player())
    assert isinstance(found, Player)  # nothing else has this name
    return found


def part(floor: Floor, leg: Leg, now: Moment) -> None:
    """A leg goes to another owner: what one has had played to another is known to both no more, and ends."""
    for other in floor.legs.values():
        if NAME in other.doings:
            of(other).forsake(floor, other, None if other is leg else leg, "cancelled", now)


def file_told(leg: str, source: Source) -> Told:
    """How the customer is told of a file, as this leg's."""
    url = source.url if isinstance(source, Link) else None
    return Told("playback", leg, url, source.media_name if isinstance(source, Stored) else None)


def name_of(leg: Leg, kind: str, number: int) -> str:
    """Ten characters that name the `number`th thing of its kind on a leg, as the API has them."""
    return hashlib.sha256(f"{leg.id}/{kind}/{number}".encode()).hexdigest()[:10]


def _places(leg: Leg, item: Item, play: int) -> list[tuple[int, int]]:
    """Where a play is played, and its number there: on a circle it must be no other leg's."""
    port = leg.dialog.port
    return [(port, play)] if item.tape is None else [(port, play), (item.tape, port << 32 | play)]


def _prepare(floor: Floor, leg: Leg, item: Item) -> None:
    if item.stage == "queued":
        item.stage = "prepared"
        floor.emit(effect.Prepare(leg.id, item.number, leg.party.account_id, item.source, _pieces(item)))


def _pieces(item: Item) -> Literal["as they come", "whole"]:
    """What is to be repeated must be there as a whole: the core repeats it without a gap."""
    return "as they come" if item.rounds == 1 else "whole"
