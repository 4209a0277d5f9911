"""Digits that a customer wants from a leg's far end: a prompt, a wait, what is pressed, and what it comes to. No I/O.

A try begins with the prompt, if there is one, and ends with the last digit or when the time is up. Then the digits are
`valid`, or the next try begins, or there are no more tries. What counts:

- The entry is complete with the terminating digit, which is not part of it, or with the most digits it may have.
- It is valid where each digit is of the valid ones and there are enough of them; so is one that the time between
  digits has completed.
- With no digit at all until the time is up it is a `timeout`, with wrong ones or too few `invalid`.
"""

from typing import Literal, NamedTuple, cast

import msgspec

from offhook.voice import player
from offhook.voice.event import GatherEnded, GatherStatus
from offhook.voice.floor import Floor
from offhook.voice.leg import Leg, Moment
from offhook.voice.player import Item, Told
from offhook.voice.sound import Source

NAME = "gather"

Stage = Literal["prompting", "waiting", "collecting"]


class Heard(NamedTuple):
    """A prompt, what the customer is told of it, and how often it is played, 0 for ever."""

    source: Source
    told: Told
    rounds: int = 1


class Wanted(msgspec.Struct, frozen=True):
    """What a customer wants pressed. `first`, `between` and `whole` are seconds: to the first digit (after the prompt),
    between digits, and for all of it, which None leaves open. `excuse` is played before the prompts when the digits
    were wrong."""

    fewest: int
    most: int
    ending: str
    valid: frozenset[str]
    first: float
    between: float
    whole: float | None = None
    tries: int = 1
    prompts: tuple[Heard, ...] = ()
    excuse: Heard | None = None
    gather_id: str = ""
    prompt_lasts: Literal["until a digit", "to its end"] = "until a digit"


class Gather:
    """One gathering of a leg. A `Doing` until it has ended."""

    __slots__ = ("_deadline", "_digits", "_items", "_stage", "_tries", "_until", "wanted")

    def __init__(self, wanted: Wanted, now: Moment) -> None:
        self.wanted = wanted
        self._stage: Stage = "waiting"
        self._digits = ""
        self._tries = 0
        self._items: list[Item] = []
        self._deadline: float | None = None
        self._until = None if wanted.whole is None else now.mono + wanted.whole

    @property
    def wakes_at(self) -> float | None:
        return min((at for at in (self._deadline, self._until) if at is not None), default=None)

    def tick(self, floor: Floor, leg: Leg, now: Moment) -> None:
        """The time is up: between digits, or for all of it."""
        if self._until is not None and self._until <= now.mono:
            self._end(floor, leg, "valid" if self._acceptable() else "timeout", now)
        else:
            self._complete(floor, leg, now)

    def leg_ended(self, floor: Floor, leg: Leg, now: Moment) -> None:
        self._end(floor, leg, "call_hangup", now)

    # ---- a try -----------------------------------------------------------------------------------------------

    def begin(self, floor: Floor, leg: Leg, prompts: list[Heard], now: Moment) -> None:
        """Begin a try: play these to their end, or until a digit comes, then wait."""
        self._digits, self._tries = "", self._tries + 1
        self._items = [Item(prompt.source, prompt.told, prompt.rounds) for prompt in prompts]
        if not self._items:
            self._wait(floor, leg, now)
            return
        self._stage, self._deadline = "prompting", None
        self._items[-1].after = self._wait
        for item in self._items:
            player.of(leg).add(floor, leg, item)

    def _wait(self, _floor: Floor, _leg: Leg, now: Moment) -> None:
        self._stage, self._deadline = "waiting", now.mono + self.wanted.first

    def pressed(self, floor: Floor, leg: Leg, digit: str, now: Moment) -> None:
        """A digit: it ends the prompt, and may complete the entry."""
        if self.wanted.prompt_lasts == "until a digit":
            self._hush(floor, leg, now)
        elif self._items:
            self._items[-1].after = None  # the wait for the first digit is over
        self._stage, self._deadline = "collecting", now.mono + self.wanted.between
        if digit != self.wanted.ending:
            self._digits += digit
        if digit == self.wanted.ending or len(self._digits) == self.wanted.most:
            self._complete(floor, leg, now)

    def cancel(self, floor: Floor, leg: Leg, now: Moment) -> None:
        """The customer wants it no more."""
        self._end(floor, leg, "cancelled", now)

    # ---- what it comes to ------------------------------------------------------------------------------------

    def _complete(self, floor: Floor, leg: Leg, now: Moment) -> None:
        if self._acceptable():
            self._end(floor, leg, "valid", now)
        elif self._tries < self.wanted.tries:
            self.begin(floor, leg, self._again(), now)
        else:
            self._end(floor, leg, "invalid" if self._stage == "collecting" else "timeout", now)

    def _acceptable(self) -> bool:
        return len(self._digits) >= self.wanted.fewest and self.wanted.valid.issuperset(self._digits)

    def _again(self) -> list[Heard]:
        excuse = self.wanted.excuse if self._stage == "collecting" else None
        return [each for each in (excuse, *self.wanted.prompts) if each is not None]

    def _end(self, floor: Floor, leg: Leg, status: GatherStatus, now: Moment) -> None:
        del leg.doings[NAME]
        if status != "call_hangup":
            self._hush(floor, leg, now)
        floor.tell(GatherEnded, leg, now, self.wanted.gather_id, self._digits, status)

    def _hush(self, floor: Floor, leg: Leg, now: Moment) -> None:
        items, self._items = self._items, []
        for item in items:
            item.after = None
            player.of(leg).cancel(floor, leg, item, now)


def new_id(leg: Leg) -> str:
    """A name for the next gathering of a leg whose customer gave it none."""
    leg.gathered += 1
    return player.name_of(leg, NAME, leg.gathered)


def start(floor: Floor, leg: Leg, wanted: Wanted, now: Moment) -> None:
    """Gather from now on. One that is still going on is cancelled: the far end is asked one thing at a time."""
    stop(floor, leg, now)
    gather = Gather(wanted, now)
    leg.doings[NAME] = gather
    gather.begin(floor, leg, list(wanted.prompts), now)


def stop(floor: Floor, leg: Leg, now: Moment) -> bool:
    """Stop gathering; whether there was anything to stop."""
    gather = _of(leg)
    if gather is not None:
        gather.cancel(floor, leg, now)
    return gather is not None


def pressed(floor: Floor, leg: Leg, digit: str, now: Moment) -> None:
    """The leg's far end has pressed a key."""
    gather = _of(leg)
    if gather is not None:
        gather.pressed(floor, leg, digit, now)


def _of(leg: Leg) -> Gather | None:
    return cast(Gather | None, leg.doings.get(NAME))
