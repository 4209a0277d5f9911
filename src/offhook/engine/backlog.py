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

    __slots__ = ("account_id", "attempts", "connection_id", "data", "event_type", "id", "order", "route", "started_at",
                 "tried")  # fmt: skip

    def __init__(self, row: Row) -> None:
        self.id: str = row["id"]
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


class Backlog:
    """What waits for one endpoint of one account: in lanes, up to `last`; from there to `newest` in the database."""

    def __init__(self, account_id: str, endpoint: str, under_way: int) -> None:
        self.account_id = account_id
        self.endpoint = endpoint
        self.lanes: dict[str, deque[Delivery]] = {}
        self.held = 0
        self.last = 0
        self.newest = 0
        self.tasks: set[asyncio.Task[None]] = set()
        self.refilling: asyncio.Task[None] | None = None
        self._under_way = under_way
        self._gates: dict[str, asyncio.Semaphore] = {}

    @property
    def spilled(self) -> bool:
        """Some of it is in the database only."""
        return self.newest > self.last

    def gate(self, connection_id: str) -> asyncio.Semaphore:
        """Lets so many attempts of one application through at a time."""
        gate = self._gates.get(connection_id)
        if gate is None:
            gate = self._gates[connection_id] = asyncio.Semaphore(self._under_way)
        return gate

    def hold(self, row: Row) -> Delivery | None:
        """Take a row in; where nobody serves its lane yet, what is first there now."""
        self.last = max(self.last, row["sequence"])
        self.newest = max(self.newest, self.last)
        self.held += 1
        delivery = Delivery(row)
        lane = self.lanes.get(delivery.order)
        if lane is not None:
            lane.append(delivery)
            return None
        self.lanes[delivery.order] = deque((delivery,))
        return delivery

    def begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Let it run as a part of this backlog."""
        task = asyncio.ensure_future(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task
