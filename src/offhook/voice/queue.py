"""A queue: its card, and whose turn it is. Knows neither legs nor events; no I/O.

A call may keep its turn after it has hung up: then it is in the order, though its leg is in no place any more.
"""

from typing import Literal

import msgspec

from offhook.voice.event import About
from offhook.voice.leg import Moment
from offhook.voice.place import Place

# The sizes of queues that do not name one, and the largest: all calls of a queue are decided about by one owner.
DEFAULT_SIZE, DEFAULT_SIZE_BY_ENQUEUE, MAX_SIZE = 300, 100, 2**31 - 1

# A kept queue was made by its customer and lasts until that deletes it; a passing one came to be with the first call
# in it, and goes with the last one.
Life = Literal["kept", "passing"]
Reason = Literal["bridged", "bridging-in-process", "hangup", "leave", "timeout"]


class Card(msgspec.Struct, frozen=True):
    """What a queue is apart from who waits in it; times are Unix seconds."""

    id: str
    account_id: str
    name: str
    max_size: int
    life: Life
    created_at: float
    updated_at: float


class Turn(msgspec.Struct, frozen=True):
    """One call's turn: `about` is its leg as it was when it came, `until` the monotonic time at which it loses the
    turn. `presence` is whether the leg still waits."""

    about: About
    since: Moment
    until: float | None
    after_hangup: Literal["goes", "stays"]
    presence: Literal["waiting", "gone"] = "waiting"

    def waited(self, now: Moment) -> int:
        """Whole seconds since it came."""
        return max(0, int(now.mono - self.since.mono))


class Queue:
    """Turns by call_control_id, in their order, and the place where the legs wait that still live.

    `stored` is the card as the last decision that was stored left it.
    """

    __slots__ = ("card", "place", "stored", "turns")

    def __init__(self, card: Card) -> None:
        self.card = self.stored = card
        self.place = Place("queue", card.id)
        self.turns: dict[str, Turn] = {}

    @property
    def size(self) -> int:
        """How many calls have a turn."""
        return len(self.turns)

    @property
    def over(self) -> bool:
        """Nobody has a turn, and nothing keeps the queue."""
        return not self.turns and self.card.life != "kept"

    @property
    def wakes_at(self) -> float | None:
        """The monotonic time at which the next turn is lost."""
        return min((turn.until for turn in self.turns.values() if turn.until is not None), default=None)

    def position(self, leg: str) -> int:
        """Whose turn comes first has position 1; ValueError for a call that has none."""
        return list(self.turns).index(leg) + 1

    def average_wait(self, now: Moment) -> int:
        """How long those in the queue have waited on average, in whole seconds."""
        return sum(turn.waited(now) for turn in self.turns.values()) // max(1, len(self.turns))

    def open(self, life: Life, max_size: int, now: Moment) -> None:
        """From now on there is such a queue."""
        self.card = msgspec.structs.replace(self.card, life=life, max_size=max_size, created_at=now.wall)
        self.change(now)

    def change(self, now: Moment, **facts: object) -> None:
        """Change the card."""
        self.card = msgspec.structs.replace(self.card, updated_at=now.wall, **facts)
