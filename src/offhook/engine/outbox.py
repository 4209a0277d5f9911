"""Events on their way to the customer: rows in the transaction of what they tell of, then attempts until one succeeds.

Delivered at least once, and in order. A *lane* is one call or conference at one endpoint (scheme, host and port): in
it an event waits for the one before, and for nothing else. How many are in memory and how many are under way is
bounded for each application at each endpoint; what is beyond that stays in the database until its turn comes.
"""

import asyncio
import contextlib
import itertools
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import structlog

from offhook.engine.backlog import Backlog, Delivery, Shelf
from offhook.engine.courier import Attempt, Courier, Signer
from offhook.engine.marks import Marks
from offhook.engine.ports import Chance, Clock, Fetch
from offhook.engine.store import Add, Change, Forget, Load, Row, Store, StoreError, Where, Write
from offhook.voice.delivery import Application, Route, Step, Verdict, endpoint, route, steps
from offhook.voice.hooks import Hooks
from offhook.voice.resources.moment import format_moment
from offhook.wire import webhook

_log = structlog.get_logger("offhook.webhooks")

PENDING = Where("status", "eq", "pending")
ENDED = Where("status", "ne", "pending")
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
    bounded for an account and for all of them, too; `held` those of its deliveries that are in memory. Delivered and
    failed ones are kept for `kept_seconds`."""

    under_way: int = 20
    under_way_of_account: int = 200
    under_way_overall: int = 500
    held: int = 1000
    kept_seconds: float = 30 * 86400.0


class _Stopped(Exception):
    """The outbox stops; what waits stays in the database."""


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
        self._backlogs: dict[tuple[str, str], Backlog] = {}
        self._accounts = defaultdict[str, asyncio.Semaphore](
            lambda: asyncio.Semaphore(self._limits.under_way_of_account)
        )
        self._overall = asyncio.Semaphore(self._limits.under_way_overall)
        self._marks = Marks(store)
        self._sweeping: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()

    # ---- what others call --------------------------------------------------------------------------------------

    def writes(self, sendings: Sequence[Sending], now: float) -> list[Add]:
        """The rows of these events, with where they go as it is now; `now` is Unix seconds."""
        return [Add("events", self._row(each, now)) for sending in sendings for each in self._each(sending)]

    async def start(self) -> None:
        """Go on with what an earlier process left undelivered. StoreError where the database cannot be read."""
        waiting = await self._store.load(
            Load("events", (PENDING,), distinct=("account_id", "endpoint", "connection_id"))
        )
        applications = Counter((row["account_id"], row["endpoint"]) for row in waiting)
        newest = await self._store.load(Load("events", (PENDING,), ("-sequence",), limit=1))
        self._sequence = max(int(self._clock.wall() * 1e6), *(row["sequence"] for row in newest), 0)
        self._store.watch(self._wrote)
        for (account_id, where), count in applications.items():
            await self._take_up(account_id, where, count * self._limits.held)
        self._sweeping = asyncio.ensure_future(self._sweep())

    async def _take_up(self, account_id: str, endpoint: str, most: int) -> None:
        """Hold what waits for one endpoint, oldest first, so that applications keep the order of their calls."""
        where = PENDING, Where("account_id", "eq", account_id), Where("endpoint", "eq", endpoint)
        rows = await self._store.load(Load("events", where, ("sequence",), most))
        for row in rows:
            self._offer(row)
        if len(rows) == most:
            backlog = self._backlog(account_id, endpoint)
            for row in await self._store.load(Load("events", where, distinct=("connection_id",))):
                shelf = backlog.shelf(row["connection_id"])
                shelf.newest = self._sequence
                self._refill_soon(backlog, shelf)

    async def stop(self, seconds: float = 2.0) -> None:
        """Let first attempts be made for so long, then leave the rest to the next start."""
        self._stopping.set()
        if tasks := self._tasks():
            await asyncio.wait(tasks, timeout=seconds)
        left = [*self._tasks(), *([self._sweeping] if self._sweeping else [])]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        await self._marks.written()

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

    def _each(self, sending: Sending) -> list[Sending]:
        """A sending for each URL of its own. They go by ids of their own: each is delivered, or dead, by itself."""
        ways = sending.hooks.each(sending.event_type)
        first, *others = (msgspec.structs.replace(sending, hooks=way) for way in ways)
        return [first, *(msgspec.structs.replace(each, id=self._chance.uuid()) for each in others)]

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

    def _backlog(self, account_id: str, endpoint: str) -> Backlog:
        key = account_id, endpoint
        found = self._backlogs.get(key)
        if found is None:
            found = self._backlogs[key] = Backlog(account_id, endpoint, self._limits.under_way)
        return found

    def _offer(self, row: Row) -> None:
        """Hold it in memory, unless others before it are in the database only, or too many are held already."""
        backlog = self._backlog(row["account_id"], row["endpoint"])
        shelf = backlog.shelf(row["connection_id"])
        if row["sequence"] > shelf.last and (shelf.spilled or shelf.held >= self._limits.held):
            shelf.newest = row["sequence"]
        else:
            self._hold(backlog, row)

    def _hold(self, backlog: Backlog, row: Row) -> None:
        first = backlog.hold(row)
        if first is not None:
            backlog.begin(self._serve(backlog, first.order))

    async def _serve(self, backlog: Backlog, order: str) -> None:
        """Deliver what is in a lane, one after the other."""
        lane = backlog.lanes[order]
        with contextlib.suppress(_Stopped):
            while lane:
                shelf = backlog.shelf(lane[0].connection_id)
                await self._deliver(shelf, lane[0])
                lane.popleft()
                shelf.held -= 1
                if shelf.spilled and shelf.held == self._limits.held // 2:
                    self._refill_soon(backlog, shelf)
            del backlog.lanes[order]
            key = backlog.account_id, backlog.endpoint
            if backlog.is_empty and self._backlogs.get(key) is backlog:
                del self._backlogs[key]

    def _tasks(self) -> list[asyncio.Task[None]]:
        return [task for backlog in self._backlogs.values() for task in backlog.tasks]

    def _refill_soon(self, backlog: Backlog, shelf: Shelf) -> None:
        if shelf.refilling is None or shelf.refilling.done():
            shelf.refilling = backlog.begin(self._refill(backlog, shelf))

    async def _refill(self, backlog: Backlog, shelf: Shelf) -> None:
        """Take as many from the database as there is room for."""
        while shelf.spilled and not self._stopping.is_set():
            room, newest = self._limits.held - shelf.held, shelf.newest
            if room <= 0:
                return
            where = (
                PENDING,
                Where("account_id", "eq", backlog.account_id),
                Where("endpoint", "eq", backlog.endpoint),
                Where("connection_id", "eq", shelf.connection_id),
                Where("sequence", "gt", shelf.last),
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
                shelf.last = max(shelf.last, newest)

    # ---- one delivery ------------------------------------------------------------------------------------------

    async def _deliver(self, shelf: Shelf, delivery: Delivery) -> None:
        """Try until it is delivered, or there is nothing left to try. _Stopped where it would have to wait."""
        refused: set[str] = set()
        verdict: Verdict | None = None
        for step in itertools.islice(steps(delivery.route), delivery.tried, None):
            delivery.tried += 1
            if step.url in refused:
                continue
            if verdict == "again":
                await self._wait(step)
            verdict = (await self._attempt(shelf, delivery, step)).verdict
            if verdict == "delivered":
                self._marks.mark(delivery.change(status="delivered", finished_at=self._clock.wall()))
                return
            if verdict == "refused":
                refused.add(step.url)
            self._marks.mark(delivery.change())
        _log.warning("webhook.dead", id=delivery.id, event_type=delivery.event_type, attempts=len(delivery.attempts))
        self._marks.mark(delivery.change(status="failed", finished_at=self._clock.wall()))

    async def _attempt(self, shelf: Shelf, delivery: Delivery, step: Step) -> Attempt:
        await shelf.gate.enter()
        verdict: Verdict = "again"
        try:
            async with self._accounts[delivery.account_id], self._overall:
                delivery.started_at = delivery.started_at or self._clock.wall()
                number = len(delivery.attempts) + 1
                attempt = await self._courier.attempt(delivery.data, delivery.route, step.url, number)
            verdict = attempt.verdict
        finally:
            shelf.gate.leave(again=verdict == "again")
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

    # ---- housekeeping ------------------------------------------------------------------------------------------

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


def _routed(found: Route | None) -> Row:
    """What a row says of where it goes."""
    if found is None:
        return {"route": "{}", "endpoint": ""}
    return {"route": msgspec.json.encode(found).decode(), "endpoint": endpoint(found.url)}
