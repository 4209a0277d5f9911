"""What is kept: writes and questions as data, performed by one thread in group commits. Knows no SQL and no resource.

Every write and question names its account, because these types leave no other way to say it. The SQL is in
`engine/sql.py`, loaded by the writer thread so that starting up does not wait for it; the columns are in
`engine/tables.py`.
"""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol

import msgspec

Row = dict[str, Any]
Table = Literal[
    "accounts", "api_keys", "connections", "credentials", "tokens", "numbers", "profiles", "legs", "detail_records"
]
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


Write = Put | Add | Change | Drop


class Where(msgspec.Struct, frozen=True):
    """A condition on a column. None equals NULL; `contains` and its like ignore case; `in` takes a tuple."""

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
    """Every row of a table, whoever's it is. Only for the server itself, when it starts."""

    table: Table


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

    def transact(self, batch: Sequence[Sequence[Write]]) -> list[StoreError | None]:
        """Do each list of writes or none of it, all lists in one commit; one outcome for each."""
        ...

    def find(self, question: Find) -> Found: ...
    def load(self, question: Load) -> list[Row]: ...
    def close(self) -> None: ...


Observer = Callable[[Sequence[Write]], None]


class _Job(msgspec.Struct):
    """One thing for the writer thread to do, and whom to tell."""

    ask: Sequence[Write] | Find | Load
    tell: Callable[[Any], None]


class Store:
    """The way to the database. Make it inside the running loop that will use it; `close` it when done.

    `opened` is called in the writer thread and makes the backend; an error of it is raised by every later call.
    `busy` is told +1 when a job is handed over and -1 when its outcome has arrived in the loop.
    """

    GATHER_SECONDS = 0.002

    def __init__(self, opened: Callable[[], Backend], busy: Callable[[int], None] = lambda _: None) -> None:
        self._opened = opened
        self._busy = busy
        self._observers: list[Observer] = []

    @classmethod
    def at(cls, path: Path | None, busy: Callable[[int], None] = lambda _: None) -> "Store":
        """A store in a SQLite file (made, and brought up to date, if need be), or in memory for None."""
        raise NotImplementedError

    def watch(self, observer: Observer) -> None:
        """Tell `observer`, in the loop, every committed transaction, before its writer goes on."""
        self._observers.append(observer)

    def write(self, *writes: Write) -> "asyncio.Future[None]":
        """Do all of it or nothing, durably. The future may be awaited or left alone; it fails with StoreError."""
        raise NotImplementedError

    async def find(self, question: Find) -> Found:
        """Ask for rows of one account; sees every write handed over before."""
        raise NotImplementedError

    async def load(self, table: Table) -> list[Row]:
        """All rows of a table, for filling memory when the server starts."""
        raise NotImplementedError

    async def close(self) -> None:
        """Finish what was handed over, then close the database."""
        raise NotImplementedError
