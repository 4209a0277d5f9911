"""The store's writes and questions as SQL. Used by the writer thread only; knows no resource and no rule.

This is the one module that loads SQLAlchemy, beside the tables and their migrations.
"""

import itertools
import os
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.pool import StaticPool
from sqlalchemy.sql.functions import FunctionElement

from offhook.engine import migrations
from offhook.engine.store import (
    Add,
    Change,
    Drop,
    Duplicate,
    Find,
    Forget,
    Found,
    Load,
    Missing,
    Put,
    Row,
    Sum,
    Unavailable,
    Where,
    Write,
)
from offhook.engine.tables import metadata

BUSY_MILLISECONDS = 5000

_OPERATORS: dict[str, Callable[[sa.ColumnElement[Any], Any], sa.ColumnElement[bool]]] = {
    "eq": lambda column, value: column == value,
    "ne": lambda column, value: column != value,
    "in": lambda column, value: column.in_(value),
    "contains": lambda column, value: column.icontains(value, autoescape=True),
    "starts_with": lambda column, value: column.istartswith(value, autoescape=True),
    "ends_with": lambda column, value: column.iendswith(value, autoescape=True),
    "gt": lambda column, value: column > value,
    "gte": lambda column, value: column >= value,
    "lt": lambda column, value: column < value,
    "lte": lambda column, value: column <= value,
}


class Database:
    """One connection to a database whose tables are up to date."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._connection = engine.connect()

    @classmethod
    def sqlite(cls, path: Path | None) -> "Database":
        """A file of its owner alone (mode 0600), made where there is none; None is a database in memory."""
        if path is None:
            engine = _sqlite_engine("sqlite://", poolclass=StaticPool)
            metadata.create_all(engine)
            return cls(engine)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        engine = _sqlite_engine(f"sqlite:///{path}")
        migrations.upgrade(engine)
        return cls(engine)

    def transact(self, batch: Sequence[Sequence[Write]]) -> list[Exception | None]:
        """All of the batch in one commit; where one list of writes fails, each in a transaction of its own."""
        together = self._commit([write for writes in batch for write in writes])
        if together is None or len(batch) == 1:
            return [together] * len(batch)
        return [self._commit(writes) for writes in batch]

    def find(self, question: Find) -> Found:
        """The rows of one account that meet all conditions."""
        table = metadata.tables[question.table]
        wanted = sa.and_(
            table.c.account_id == question.account_id, *(_condition(table, each) for each in question.where)
        )
        chosen = sa.select(table).where(wanted).order_by(*_order(table, question.order))
        chosen = chosen.limit(question.limit).offset(question.offset)
        with self._connection.begin():
            total = self._connection.scalar(sa.select(sa.func.count()).select_from(table).where(wanted)) or 0
            rows = [dict(row) for row in self._connection.execute(chosen).mappings()]
        return Found(rows, total)

    def load(self, question: Load) -> list[Row]:
        """Rows of all accounts."""
        table = metadata.tables[question.table]
        columns = [table.c[name] for name in question.distinct]
        chosen = sa.select(*columns).distinct() if columns else sa.select(table)
        chosen = chosen.where(*(_condition(table, each) for each in question.where)).limit(question.limit)
        chosen = chosen.order_by(*_by(table, question.order))
        with self._connection.begin():
            return [dict(row) for row in self._connection.execute(chosen).mappings()]

    def sum(self, question: Sum) -> list[Row]:
        """Sums by group, of all accounts."""
        table = metadata.tables[question.table]
        groups = [table.c[name] for name in question.by]
        added = sa.cast(sa.func.sum(table.c[question.column]), sa.BigInteger).label(question.column)
        chosen = sa.select(*groups, added).where(*(_condition(table, each) for each in question.where))
        with self._connection.begin():
            return [dict(row) for row in self._connection.execute(chosen.group_by(*groups)).mappings()]

    def close(self) -> None:
        """Leave the database in order."""
        self._connection.close()
        self._engine.dispose()

    def _commit(self, writes: Sequence[Write]) -> Exception | None:
        try:
            with self._connection.begin():
                for _, alike in itertools.groupby(writes, key=_shape):
                    _perform(self._connection, list(alike))
        except Exception as error:
            return error if not isinstance(error, DBAPIError) else Unavailable(str(error.orig))
        return None


def _sqlite_engine(url: str, **options: Any) -> sa.Engine:
    engine = sa.create_engine(url, connect_args={"check_same_thread": False}, **options)

    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _prepare(connection: Any, _record: Any) -> None:
    # The driver's own idea of when a transaction begins leaves DDL outside of it.
    connection.isolation_level = None
    # A second server on the same file would not hear of our writes; `busy_timeout` lets a predecessor finish.
    connection.execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")


def _begin(connection: sa.Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def _shape(write: Write) -> object:
    """Neighbours of one shape are one statement with many parameters, at a fifth of the price."""
    match write:
        case Add(table=table, row=row):
            return Add, table, tuple(row)
        case Change(table=table, values=values):
            return Change, table, tuple(values)
        case _:
            return id(write)


def _perform(connection: sa.Connection, alike: Sequence[Write]) -> None:
    table = alike[0].table
    try:
        if len(alike) == 1 or not _executed_together(connection, alike):
            for write in alike:
                _execute(connection, write)
    except IntegrityError as error:
        if "unique" in str(error.orig).lower():
            raise Duplicate(table) from error
        raise


def _executed_together(connection: sa.Connection, alike: Sequence[Any]) -> bool:
    """Whether all of it is done. Where a row is missing it is not: one by one they tell which."""
    table = metadata.tables[alike[0].table]
    if isinstance(alike[0], Add):
        connection.execute(_inserts(table), [write.row for write in alike])
        return True
    parameters = [write.values | _own(write.account_id, write.id) for write in alike]
    return connection.execute(_updates(table), parameters).rowcount == len(alike)


def _execute(connection: sa.Connection, write: Write) -> None:
    table = metadata.tables[write.table]
    match write:
        case Add(row=row):
            connection.execute(_inserts(table), row)
        case Put(row=row):
            if not connection.execute(_updates(table), row | _own(row["account_id"], row["id"])).rowcount:
                connection.execute(_inserts(table), row)
        case Change(account_id=account_id, id=id, values=values):
            if not connection.execute(_updates(table), values | _own(account_id, id)).rowcount:
                raise Missing(write.table, id)
        case Drop(account_id=account_id, id=id):
            connection.execute(_deletes(table), _own(account_id, id))
        case Forget(where=where):
            connection.execute(sa.delete(table).where(*(_condition(table, each) for each in where)))


# Statements are built once and given their values as parameters: building one costs ten times its execution.


@cache
def _inserts(table: sa.Table) -> sa.Insert:
    return sa.insert(table)


@cache
def _updates(table: sa.Table) -> sa.Update:
    return sa.update(table).where(*_owned(table))


@cache
def _deletes(table: sa.Table) -> sa.Delete:
    return sa.delete(table).where(*_owned(table))


def _owned(table: sa.Table) -> tuple[sa.ColumnElement[bool], ...]:
    return table.c.account_id == sa.bindparam("own_account_id"), table.c.id == sa.bindparam("own_id")


def _own(account_id: str, id: str) -> Row:
    return {"own_account_id": account_id, "own_id": id}


def _condition(table: sa.Table, where: Where) -> sa.ColumnElement[bool]:
    return _OPERATORS[where.operator](_column(table, where.column), where.value)


def _column(table: sa.Table, name: str) -> sa.ColumnElement[Any]:
    """A column, or the text of a field of the JSON in one: `document.direction`."""
    outer, _, field = name.partition(".")
    return _FieldText(table.c[outer], sa.literal(field)) if field else table.c[outer]


class _FieldText(FunctionElement[str]):
    """A field of a JSON text as text; NULL where it is null or not there."""

    type = sa.String()
    inherit_cache = True


@compiles(_FieldText, "sqlite")
def _field_text_of_sqlite(element: _FieldText, compiler: Any, **options: Any) -> str:
    column, field = (compiler.process(each, **options) for each in element.clauses)
    return f"CAST(json_extract({column}, '$.' || {field}) AS TEXT)"


@compiles(_FieldText, "postgresql")
def _field_text_of_postgresql(element: _FieldText, compiler: Any, **options: Any) -> str:
    column, field = (compiler.process(each, **options) for each in element.clauses)
    return f"(CAST({column} AS json) ->> {field})"


def _order(table: sa.Table, names: Sequence[str]) -> list[sa.ColumnElement[Any]]:
    return [*_by(table, names), table.c.id.asc()]


def _by(table: sa.Table, names: Sequence[str]) -> list[sa.ColumnElement[Any]]:
    return [_column(table, name[1:]).desc() if name.startswith("-") else _column(table, name).asc() for name in names]
