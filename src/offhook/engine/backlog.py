"""Webhooks that are not delivered yet, as the outbox has them in memory. Makes no attempt and asks no database."""

import asyncio
from collections import deque
from collections.abc import Coroutine
from typing import Any

import msgspec

from offhook.engine.courier import Attempt
from offhook.engine.store import Change, Row
from offhook.voice.delivery import Route

# Of so many attempts it is kept how they went.
MAX_ATTEMPTS = 40


class Delivery:
    """A webhook that is not delivered yet."""

    __slots__ = ("account_id", "attempts", "connection_id", "data", "event_type", "id", "order", "route", "sequence",
                 "started_at", "tried")  # fmt: skip

    def __init__(self, row: Row) -> None:
        self.id: str = row["id"]
        self.sequence: int = row["sequence"]
        self.account_id: str = row["account_id"]
        self.connection_id: str = row["connection_id"]
        self.order: str = row["order_key"]
        self.event_type: str = row["event_type"]
        self.data: bytes = row["document"].encode()
        self.route = msgspec.json.decode(row["route"], type=Route)
        self.attempts: list[Any] = msgspec.json.decode(row["attempts"])
        self.tried: int = row["tried"]
        self.started_at: float | None = row["started_at"]

    def note(self, attempt: Attempt) -> None:
        """Another attempt was made."""
        self.attempts = [attempt.document, *self.attempts[: MAX_ATTEMPTS - 1]]

    def change(self, **values: Any) -> Change:
        """Its row as it is now."""
        attempts = msgspec.json.encode(self.attempts).decode()
        kept: Row = {"attempts": attempts, "tried": self.tried, "started_at": self.started_at}
        return Change("events", self.account_id, self.id, kept | values)


class Gate:
    """Lets attempts of one application at one endpoint through: few at a time at first, one more with each that has had
    its answer, one alone after one to be made again. So whoever hangs keeps little of what all share."""

    FIRST = 4

    def __init__(self, widest: int) -> None:
        self._widest = widest
        self._width = min(self.FIRST, widest)
        self._inside = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def enter(self) -> None:
        """Wait for room; `leave` must follow."""
        if self._inside < self._width:
            self._inside += 1
            return
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        try:
            await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled():
                self._make_room()
            raise

    def leave(self, *, again: bool) -> None:
        """An attempt is over, and maybe to be made again."""
        self._width = 1 if again else min(self._widest, self._width + 1)
        self._make_room()

    def _make_room(self) -> None:
        self._inside -= 1
        while self._waiting and self._inside < self._width:
            waiter = self._waiting.popleft()
            if not waiter.done():
                self._inside += 1
                waiter.set_result(None)


class Shelf:
    """What one application has waiting at an endpoint: `held` in memory, up to `last`; from there to `newest` in the
    database."""

    def __init__(self, connection_id: str, under_way: int) -> None:
        self.connection_id = connection_id
        self.gate = Gate(under_way)
        self.held = 0
        self.last = 0
        self.newest = 0
        self.refilling: asyncio.Task[None] | None = None

    @property
    def spilled(self) -> bool:
        """Some of it is in the database only."""
        return self.newest > self.last


class Backlog:
    """What waits for one endpoint of one account: in lanes, in which all applications keep their order, and on a shelf
    for each application, so that none takes another's room."""

    def __init__(self, account_id: str, endpoint: str, under_way: int) -> None:
        self.account_id = account_id
        self.endpoint = endpoint
        self.lanes: dict[str, deque[Delivery]] = {}
        self.shelves: dict[str, Shelf] = {}
        self.tasks: set[asyncio.Task[None]] = set()
        self._under_way = under_way

    @property
    def is_empty(self) -> bool:
        """Nothing waits, neither in memory nor in the database."""
        return not self.lanes and not any(shelf.spilled for shelf in self.shelves.values())

    def shelf(self, connection_id: str) -> Shelf:
        """The shelf of one application."""
        found = self.shelves.get(connection_id)
        if found is None:
            found = self.shelves[connection_id] = Shelf(connection_id, self._under_way)
        return found

    def hold(self, row: Row) -> Delivery | None:
        """Take a row in; where nobody serves its lane yet, what is first there now."""
        shelf, delivery = self.shelf(row["connection_id"]), Delivery(row)
        shelf.last = max(shelf.last, delivery.sequence)
        shelf.newest = max(shelf.newest, shelf.last)
        shelf.held += 1
        lane = self.lanes.get(delivery.order)
        if lane is None:
            self.lanes[delivery.order] = deque((delivery,))
            return delivery
        _insert(lane, delivery)
        return None

    def begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Let it run as a part of this backlog."""
        task = asyncio.ensure_future(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task


def _insert(lane: deque[Delivery], delivery: Delivery) -> None:
    """Into its place by age; the first is under way already. What comes from the database may be older than what
    another application has put here meanwhile."""
    at = len(lane)
    while at > 1 and lane[at - 1].sequence > delivery.sequence:
        at -= 1
    lane.insert(at, delivery)
