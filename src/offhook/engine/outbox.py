"""Events on their way to the customer: rows in the transaction of what they tell of, then attempts until one succeeds.

Delivered at least once, and in order. A *lane* is one call or conference at one endpoint (scheme, host and port): in
it an event waits for the one before, and for nothing else. How many are in memory and how many are under way is
bounded for each endpoint; what is beyond that stays in the database until its turn comes.
"""

import asyncio
import contextlib
import itertools
from collections import defaultdict, deque
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import msgspec
import structlog

from offhook.engine.courier import Attempt, Courier, Signer
from offhook.engine.ports import Chance, Clock, Fetch
from offhook.engine.store import Add, Change, Forget, Load, Missing, Row, Store, StoreError, Where, Write
from offhook.voice.delivery import Application, Route, Step, Verdict, endpoint, route, steps
from offhook.voice.hooks import Hooks
from offhook.voice.resources.moment import format_moment
from offhook.wire import webhook

_log = structlog.get_logger("offhook.webhooks")

PENDING = Where("status", "eq", "pending")
ENDED = Where("status", "ne", "pending")
# Of so many attempts it is kept how they went.
MAX_ATTEMPTS = 40
SWEEP_SECONDS = 3600.0
STORE_RETRY_SECONDS = 1.0
# A wait is spread over so much of itself, half of that to either side.
SPREAD = 0.4


class Sending(msgspec.Struct, frozen=True):
    """An event to be told. `order` is the call_session_id or conference id within which order is kept, `occurred_at`
    Unix seconds, `id` a UUID that is the same at every attempt."""

    account_id: str
    connection_id: str
    order: str
    event_type: str
    payload: dict[str, Any]
    occurred_at: float
    hooks: Hooks
    id: str


class Limits(msgspec.Struct, frozen=True):
    """How much at once, and for how long. `under_way` counts attempts at one endpoint of one application, which are
    bounded for an account and for all of them, too; `held` deliveries of one endpoint that are in memory. Delivered and
    failed ones are kept for `kept_seconds`."""

    under_way: int = 20
    under_way_of_account: int = 200
    under_way_overall: int = 500
    held: int = 1000
    kept_seconds: float = 30 * 86400.0


class _Stopped(Exception):
    """The outbox stops; what waits stays in the database."""


class _Delivery:
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


class _Backlog:
    """What waits for one endpoint of one account: in lanes, up to `last`; from there to `newest` in the database."""

    def __init__(self, account_id: str, endpoint: str, under_way: int) -> None:
        self.account_id = account_id
        self.endpoint = endpoint
        self.lanes: dict[str, deque[_Delivery]] = {}
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


class Outbox:
    """Takes events to customers' URLs. `application` tells of a connection what its webhooks need.

    Give `writes` into the transaction of what happened: delivery begins by itself once that is committed. `start` must
    be over before anything is written, `stop` comes after the last event.
    """

    def __init__(
        self,
        store: Store,
        fetch: Fetch,
        application: Callable[[str], Application],
        sign: Signer,
        clock: Clock,
        chance: Chance,
        limits: Limits | None = None,
    ) -> None:
        self._store = store
        self._courier = Courier(fetch, sign, clock)
        self._application = application
        self._clock = clock
        self._chance = chance
        self._limits = limits or Limits()
        self._sequence = 0
        self._backlogs: dict[tuple[str, str], _Backlog] = {}
        self._accounts = defaultdict[str, asyncio.Semaphore](
            lambda: asyncio.Semaphore(self._limits.under_way_of_account)
        )
        self._overall = asyncio.Semaphore(self._limits.under_way_overall)
        self._marks: list[Change] = []
        self._sweeping: asyncio.Task[None] | None = None
        self._marking: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()

    # ---- what others call --------------------------------------------------------------------------------------

    def writes(self, sendings: Sequence[Sending], now: float) -> list[Write]:
        """The rows of these events, with where they go as it is now; `now` is Unix seconds."""
        return [Add("events", self._row(each, now)) for each in sendings]

    async def start(self) -> None:
        """Go on with what an earlier process left undelivered. StoreError where the database cannot be read."""
        waiting = await self._store.load(Load("events", (PENDING,), distinct=("account_id", "endpoint")))
        newest = await self._store.load(Load("events", (PENDING,), ("-sequence",), limit=1))
        self._sequence = max(int(self._clock.wall() * 1e6), *(row["sequence"] for row in newest), 0)
        self._store.watch(self._wrote)
        for row in waiting:
            backlog = self._backlog(row["account_id"], row["endpoint"])
            backlog.newest = self._sequence
            self._refill_soon(backlog)
        self._sweeping = asyncio.ensure_future(self._sweep())

    async def stop(self, seconds: float = 2.0) -> None:
        """Let first attempts be made for so long, then leave the rest to the next start."""
        self._stopping.set()
        tasks = [task for backlog in self._backlogs.values() for task in backlog.tasks]
        if tasks:
            await asyncio.wait(tasks, timeout=seconds)
        ended = [*tasks, *([self._sweeping] if self._sweeping else [])]
        for task in ended:
            task.cancel()
        await asyncio.gather(*ended, return_exceptions=True)
        if self._marking is not None:
            await self._marking

    def discard(self, account_id: str) -> None:
        """Take nothing more to this account's URLs: its rows were dropped."""
        for key, backlog in list(self._backlogs.items()):
            if backlog.account_id == account_id:
                for task in backlog.tasks:
                    task.cancel()
                del self._backlogs[key]

    async def redeliver(self, row: Row) -> Row:
        """Deliver the event of this row, which is delivered or failed, anew under its id: its row from now on.

        It goes where its connection says today, unless a command had named a URL of its own.
        """
        found = msgspec.json.decode(row["route"], type=Route)
        if found.named_by == "connection":
            target = self._application(row["connection_id"]).target
            found = route(row["event_type"], Hooks(), target) or found
        changes = {"status": "pending", "tried": 0, "finished_at": None, "sequence": self._next()} | _routed(found)
        await self._store.write(Change("events", row["account_id"], row["id"], changes))
        self._offer(row | changes)
        return row | changes

    # ---- rows --------------------------------------------------------------------------------------------------

    def _row(self, sending: Sending, now: float) -> Row:
        application, payload = self._application(sending.connection_id), sending.payload
        occurred_at = format_moment(sending.occurred_at)
        found = route(sending.event_type, sending.hooks, application.target)
        return {
            "id": sending.id,
            "account_id": sending.account_id,
            "created_at": now,
            "sequence": self._next(),
            "order_key": sending.order,
            "status": "unaddressed" if found is None else "pending",
            "event_type": sending.event_type,
            "occurred_at": sending.occurred_at,
            "connection_id": sending.connection_id,
            "application_name": application.name,
            "outbound_voice_profile_id": application.profile_id,
            "call_leg_id": payload.get("call_leg_id"),
            "call_session_id": payload.get("call_session_id"),
            "caller": payload.get("from"),
            "called": payload.get("to"),
            "document": webhook.data(sending.id, sending.event_type, occurred_at, payload).decode(),
            "attempts": "[]",
            "tried": 0,
            "started_at": None,
            "finished_at": None,
        } | _routed(found)

    def _next(self) -> int:
        self._sequence += 1
        return self._sequence

    def _wrote(self, writes: Sequence[Write]) -> None:
        """A transaction was committed."""
        for write in writes:
            if isinstance(write, Add) and write.table == "events" and write.row["status"] == "pending":
                self._offer(write.row)

    # ---- what waits --------------------------------------------------------------------------------------------

    def _backlog(self, account_id: str, endpoint: str) -> _Backlog:
        key = account_id, endpoint
        found = self._backlogs.get(key)
        if found is None:
            found = self._backlogs[key] = _Backlog(account_id, endpoint, self._limits.under_way)
        return found

    def _offer(self, row: Row) -> None:
        """Hold it in memory, unless others before it are in the database only, or too many are held already."""
        backlog = self._backlog(row["account_id"], row["endpoint"])
        if row["sequence"] > backlog.last and (backlog.spilled or backlog.held >= self._limits.held):
            backlog.newest = row["sequence"]
        else:
            self._hold(backlog, row)

    def _hold(self, backlog: _Backlog, row: Row) -> None:
        backlog.last = max(backlog.last, row["sequence"])
        backlog.newest = max(backlog.newest, backlog.last)
        backlog.held += 1
        delivery = _Delivery(row)
        lane = backlog.lanes.get(delivery.order)
        if lane is not None:
            lane.append(delivery)
            return
        backlog.lanes[delivery.order] = deque((delivery,))
        _begin(backlog, self._serve(backlog, delivery.order))

    async def _serve(self, backlog: _Backlog, order: str) -> None:
        """Deliver what is in a lane, one after the other."""
        lane = backlog.lanes[order]
        with contextlib.suppress(_Stopped):
            while lane:
                await self._deliver(backlog, lane[0])
                lane.popleft()
                backlog.held -= 1
                if backlog.spilled and backlog.held == self._limits.held // 2:
                    self._refill_soon(backlog)
            del backlog.lanes[order]
            key = backlog.account_id, backlog.endpoint
            if not backlog.lanes and not backlog.spilled and self._backlogs.get(key) is backlog:
                del self._backlogs[key]

    def _refill_soon(self, backlog: _Backlog) -> None:
        if backlog.refilling is None or backlog.refilling.done():
            backlog.refilling = _begin(backlog, self._refill(backlog))

    async def _refill(self, backlog: _Backlog) -> None:
        """Take as many from the database as there is room for."""
        while backlog.spilled and not self._stopping.is_set():
            room, newest = self._limits.held - backlog.held, backlog.newest
            if room <= 0:
                return
            where = (
                PENDING,
                Where("account_id", "eq", backlog.account_id),
                Where("endpoint", "eq", backlog.endpoint),
                Where("sequence", "gt", backlog.last),
            )
            try:
                rows = await self._store.load(Load("events", where, ("sequence",), room))
            except StoreError:
                await asyncio.sleep(STORE_RETRY_SECONDS)
                continue
            for row in rows:
                self._hold(backlog, row)
            if len(rows) < room:
                # Nothing is left of what was there when the database was asked.
                backlog.last = max(backlog.last, newest)

    # ---- one delivery ------------------------------------------------------------------------------------------

    async def _deliver(self, backlog: _Backlog, delivery: _Delivery) -> None:
        """Try until it is delivered, or there is nothing left to try. _Stopped where it would have to wait."""
        refused: set[str] = set()
        verdict: Verdict | None = None
        for step in itertools.islice(steps(delivery.route), delivery.tried, None):
            delivery.tried += 1
            if step.url in refused:
                continue
            if verdict == "again":
                await self._wait(step)
            verdict = (await self._attempt(backlog, delivery, step)).verdict
            if verdict == "delivered":
                self._mark(delivery.change(status="delivered", finished_at=self._clock.wall()))
                return
            if verdict == "refused":
                refused.add(step.url)
            self._mark(delivery.change())
        _log.warning("webhook.dead", id=delivery.id, event_type=delivery.event_type, attempts=len(delivery.attempts))
        self._mark(delivery.change(status="failed", finished_at=self._clock.wall()))

    async def _attempt(self, backlog: _Backlog, delivery: _Delivery, step: Step) -> Attempt:
        async with backlog.gate(delivery.connection_id), self._accounts[delivery.account_id], self._overall:
            delivery.started_at = delivery.started_at or self._clock.wall()
            number = len(delivery.attempts) + 1
            attempt = await self._courier.attempt(delivery.data, delivery.route, step.url, number)
        delivery.note(attempt)
        if attempt.verdict != "delivered" and number == 1:
            _log.warning("webhook.failed", id=delivery.id, event_type=delivery.event_type, because=attempt.outcome)
        return attempt

    async def _wait(self, step: Step) -> None:
        seconds = step.wait
        if step.spread:
            seconds *= 1 - SPREAD / 2 + SPREAD * int(self._chance.number(4)) / 10_000
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        if self._stopping.is_set():
            raise _Stopped

    # ---- what came of it ---------------------------------------------------------------------------------------

    def _mark(self, change: Change) -> None:
        """Write it down soon: together with what comes while the database is busy, in order."""
        self._marks.append(change)
        if self._marking is None or self._marking.done():
            self._marking = asyncio.ensure_future(self._write_marks())

    async def _write_marks(self) -> None:
        while self._marks:
            marks, self._marks = self._marks, []
            try:
                await self._store.write(*marks)
            except StoreError:
                await self._write_singly(marks)

    async def _write_singly(self, marks: Sequence[Change]) -> None:
        """One of them cannot be written: where its row is gone nobody asks for it any more."""
        for mark in marks:
            try:
                await self._store.write(mark)
            except Missing:
                continue
            except StoreError:
                # After the next start it is delivered once more, which its id tells.
                _log.warning("webhook.unmarked", id=mark.id)

    async def _sweep(self) -> None:
        """Forget what is old, now and every hour."""
        while not self._stopping.is_set():
            over = Where("created_at", "lt", self._clock.wall() - self._limits.kept_seconds), ENDED
            with contextlib.suppress(StoreError):
                # Account by account, as the index goes.
                for row in await self._store.load(Load("events", distinct=("account_id",))):
                    await self._store.write(Forget("events", (Where("account_id", "eq", row["account_id"]), *over)))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(SWEEP_SECONDS):
                    await self._stopping.wait()


def _begin(backlog: _Backlog, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    task = asyncio.ensure_future(work)
    backlog.tasks.add(task)
    task.add_done_callback(backlog.tasks.discard)
    return task


def _routed(found: Route | None) -> Row:
    """What a row says of where it goes."""
    if found is None:
        return {"route": "{}", "endpoint": ""}
    return {"route": msgspec.json.encode(found).decode(), "endpoint": endpoint(found.url)}
