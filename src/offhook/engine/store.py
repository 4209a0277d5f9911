"""What is kept: writes and questions as data, performed by one thread in group commits. Knows no SQL and no resource.

Every write and question names its account, because these types leave no other way to say it. The SQL is in
`engine/sql.py`, loaded by the writer thread so that starting up does not wait for it; the columns are in
`engine/tables.py`.
"""

import asyncio
import contextlib
import itertools
import queue
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol

import msgspec

Row = dict[str, Any]
Table = Literal[
    "accounts", "api_keys", "connections", "credentials", "tokens", "numbers", "profiles", "legs", "detail_records",
    "commands", "conferences", "queues", "events", "push_credentials", "price_plans", "recordings",
    "recording_transcriptions", "push_devices", "gateways", "carriers",
]  # fmt: skip
Operator = Literal["eq", "ne", "in", "contains", "starts_with", "ends_with", "gt", "gte", "lt", "lte"]


class Put(msgspec.Struct, frozen=True):
    """Insert a row, or replace the one with its `id`. The row must have `id` and `account_id`."""

    table: Table
    row: Row


class Add(msgspec.Struct, frozen=True):
    """Insert a row that must be new: `Duplicate` where its id, or a column that is unique, is taken."""

    table: Table
    row: Row


class Change(msgspec.Struct, frozen=True):
    """Set some columns of one row: `Missing` where this account has no such row."""

    table: Table
    account_id: str
    id: str
    values: Row


class Drop(msgspec.Struct, frozen=True):
    """Delete one row; one that is not there is no error."""

    table: Table
    account_id: str
    id: str


class Forget(msgspec.Struct, frozen=True):
    """Delete every row that meets the conditions, whoever's it is. Only for the server itself, for what is too old."""

    table: Table
    where: "tuple[Where, ...]"


Write = Put | Add | Change | Drop | Forget


class Where(msgspec.Struct, frozen=True):
    """A condition on a column, or on a field of the JSON in one, as text (`document.direction`). None equals NULL;
    `contains` and its like ignore case; `in` takes a tuple."""

    column: str
    operator: Operator
    value: Any


class Find(msgspec.Struct, frozen=True):
    """Rows of one account. `order` names columns, `-` before one for descending; `id` breaks ties."""

    table: Table
    account_id: str
    where: tuple[Where, ...] = ()
    order: tuple[str, ...] = ()
    limit: int | None = None
    offset: int = 0


class Found(msgspec.Struct, frozen=True):
    """The rows asked for, and how many there are without `limit` and `offset`."""

    rows: list[Row]
    total: int


class Load(msgspec.Struct, frozen=True):
    """Rows of a table, whoever's they are. Only for the server itself. With `distinct` they have these columns only,
    and each combination comes once."""

    table: Table
    where: tuple[Where, ...] = ()
    order: tuple[str, ...] = ()
    limit: int | None = None
    distinct: tuple[str, ...] = ()


class Sum(msgspec.Struct, frozen=True):
    """The sum of a column for each combination of values of others, as rows of these. Only for the server itself."""

    table: Table
    column: str
    by: tuple[str, ...]
    where: "tuple[Where, ...]" = ()


class StoreError(Exception):
    """A write was not done, nor anything else of its transaction."""


class Duplicate(StoreError):
    """A unique column of `table` already has this value."""

    def __init__(self, table: str) -> None:
        super().__init__(f"duplicate in {table}")
        self.table = table


class Missing(StoreError):
    """There is no such row."""

    def __init__(self, table: str, id: str) -> None:
        super().__init__(f"no {id} in {table}")
        self.table = table


class Unavailable(StoreError):
    """The database cannot be used (disk full, closed); `str()` says why."""


class Backend(Protocol):
    """The database as the writer thread sees it; `engine.sql.Database` is one."""

    def transact(self, batch: Sequence[Sequence[Write]]) -> list[Exception | None]:
        """Do each list of writes or none of it, all lists in one commit if possible; one outcome for each."""
        ...

    def find(self, question: Find) -> Found: ...
    def load(self, question: Load) -> list[Row]: ...
    def sum(self, question: Sum) -> list[Row]: ...
    def close(self) -> None: ...


class Observer(Protocol):
    """Somebody who keeps in memory what is stored."""

    def __call__(self, writes: Sequence[Write], /) -> None: ...


class _Job(msgspec.Struct, frozen=True, eq=False):
    """One thing for the writer thread to do, and who waits for it."""

    ask: Sequence[Write] | Find | Load | Sum
    future: "asyncio.Future[Any]"


class Store:
    """The way to the database. Make it inside the running loop that will use it; `close` it when done.

    `opened` is called in the writer thread and makes the backend; where it fails, every call fails with
    `Unavailable`. `busy` is told +1 when work is handed over and -1 when its outcome is with the loop. What one
    turn of the loop brings, and what waits while a transaction runs, shares the next one: a busy store commits in
    groups and an idle one at once.
    """

    MAX_GROUP = 512

    def __init__(self, opened: Callable[[], Backend], busy: Callable[[int], None] = lambda _: None) -> None:
        self._loop = asyncio.get_running_loop()
        self._busy = busy
        self._observers: list[Observer] = []
        self._gathered: list[_Job] = []
        self._jobs: queue.SimpleQueue[list[_Job] | None] = queue.SimpleQueue()
        self._closed = False
        self._writer = threading.Thread(target=self._work, args=(opened,), name="offhook-store", daemon=True)
        self._writer.start()

    @classmethod
    def at(cls, path: Path | None, busy: Callable[[int], None] = lambda _: None) -> "Store":
        """A store in a SQLite file (made, and brought up to date, if need be), or in memory for None."""

        def opened() -> Backend:
            from offhook.engine.sql import Database  # SQLAlchemy takes most of a second to load

            return Database.sqlite(path)

        return cls(opened, busy)

    def watch(self, observer: Observer) -> None:
        """Tell `observer`, in the loop, of every committed transaction, before its writer goes on."""
        self._observers.append(observer)

    def write(self, *writes: Write) -> "asyncio.Future[None]":
        """Do all of it or nothing, durably. The future may be awaited or left alone; it fails with StoreError."""
        return self._hand_over(writes)

    async def find(self, question: Find) -> Found:
        """Ask for rows of one account; sees every write handed over before."""
        return await self._hand_over(question)

    async def load(self, wanted: Table | Load) -> list[Row]:
        """Rows of all accounts, for filling memory; all of them where only the table is named."""
        return await self._hand_over(wanted if isinstance(wanted, Load) else Load(wanted))

    async def sum(self, question: Sum) -> list[Row]:
        """Add up; sees every write handed over before."""
        return await self._hand_over(question)

    async def close(self) -> None:
        """Finish what was handed over, then close the database."""
        self._closed = True
        self._pass_on()
        self._jobs.put(None)
        await self._loop.run_in_executor(None, self._writer.join)

    def _hand_over(self, ask: Sequence[Write] | Find | Load | Sum) -> "asyncio.Future[Any]":
        future: asyncio.Future[Any] = self._loop.create_future()
        if self._closed:
            future.set_exception(Unavailable("the store is closed"))
            return future
        self._busy(+1)
        if not self._gathered:
            self._loop.call_soon(self._pass_on)
        self._gathered.append(_Job(ask, future))
        return future

    def _pass_on(self) -> None:
        """Give the thread what one turn of the loop brought, all at once: each hand-over makes the two threads take
        turns at the interpreter, which costs more than the write."""
        if self._gathered:
            self._jobs.put(self._gathered)
            self._gathered = []

    # ---- in the writer thread --------------------------------------------------------------------------------

    def _work(self, opened: Callable[[], Backend]) -> None:
        try:
            backend = opened()
        except Exception as error:
            self._fail_everything(error)
            return
        with contextlib.closing(backend):
            while jobs := self._next_jobs():
                self._report(list(zip(jobs, _outcomes(backend, jobs), strict=True)))

    def _fail_everything(self, error: Exception) -> None:
        while jobs := self._jobs.get():
            self._report([(job, Unavailable(str(error))) for job in jobs])

    def _next_jobs(self) -> list[_Job]:
        """All that waits, but for at least one job; nothing at the end."""
        jobs: list[_Job] = []
        while len(jobs) < self.MAX_GROUP:
            try:
                more = self._jobs.get(block=not jobs)
            except queue.Empty:
                break
            if more is None:
                self._jobs.put(None)
                break
            jobs += more
        return jobs

    def _report(self, outcomes: list[tuple[_Job, Any]]) -> None:
        # A loop that has been closed waits for nothing any more.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._arrived, outcomes)

    # ---- in the loop -----------------------------------------------------------------------------------------

    def _arrived(self, outcomes: list[tuple[_Job, Any]]) -> None:
        for job, outcome in outcomes:
            _settle(job.future, outcome if isinstance(job.ask, (Find, Load, Sum)) else self._told(job.ask, outcome))
            self._busy(-1)

    def _told(self, writes: Sequence[Write], outcome: Exception | None) -> Exception | None:
        """Tell observers of what was committed. An observer that fails must not leave the writer waiting for ever."""
        if outcome is not None:
            return outcome
        try:
            for observer in self._observers:
                observer(writes)
        except Exception as error:
            return error
        return None


def _settle(future: "asyncio.Future[Any]", outcome: Any) -> None:
    if future.done():
        return
    if isinstance(outcome, Exception):
        future.set_exception(outcome)
    else:
        future.set_result(outcome)


def _outcomes(backend: Backend, jobs: Sequence[_Job]) -> list[Any]:
    """What came of each job, in order; neighbouring writes share a transaction."""
    outcomes: list[Any] = []
    for question, group in itertools.groupby(jobs, key=lambda job: isinstance(job.ask, (Find, Load, Sum))):
        asks: list[Any] = [job.ask for job in group]
        outcomes += [_answer(backend, ask) for ask in asks] if question else backend.transact(asks)
    return outcomes


def _answer(backend: Backend, ask: Find | Load | Sum) -> Found | list[Row] | Exception:
    try:
        match ask:
            case Find():
                return backend.find(ask)
            case Load():
                return backend.load(ask)
            case Sum():
                return backend.sum(ask)
    except Exception as error:
        return error
