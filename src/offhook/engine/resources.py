"""Keeps the rows of a resource by its table of fields: create, list, show, update, delete. Knows no HTTP and no SQL.

What one kind of resource needs beyond its table is a subclass that fills in the hooks.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, cast

import msgspec

from offhook.engine.directory import MemoryDirectory
from offhook.engine.identity import Expiry, Revoker
from offhook.engine.ports import Chance, Clock
from offhook.engine.store import Add, Change, Drop, Duplicate, Find, Row, Store, Table, Where, Write
from offhook.engine.vault import Vault
from offhook.voice.resources.field import When, check, completed, defaults, merge
from offhook.voice.resources.moment import format_moment
from offhook.voice.resources.problem import Rejected, rejected
from offhook.voice.resources.resource import Chosen, Query, Resource, expect_id, not_found

Document = dict[str, Any]
NOTHING = Where("id", "in", ())


class Listing(msgspec.Struct, frozen=True):
    """One page of a list: its documents, and how many there are in all."""

    documents: list[Document]
    page: int
    size: int
    total: int

    @property
    def meta(self) -> dict[str, int]:
        """What tells a pager where it is; `total_pages` is truthful, so that it ends."""
        pages = -(-self.total // self.size)
        return {"page_number": self.page, "page_size": self.size, "total_pages": pages, "total_results": self.total}


def page_of(query: Query, documents: Sequence[Document]) -> Listing:
    """One page of documents that are all known, oldest first unless the query says otherwise."""
    if query.sort[0].startswith("-"):
        documents = documents[::-1]
    start = (query.page - 1) * query.size
    return Listing(list(documents[start : start + query.size]), query.page, query.size, len(documents))


class World(msgspec.Struct, frozen=True, eq=False):
    """What keepers work with.

    `turn` is held by whoever checks rows and then writes: two changes must not interleave, nor may a connection go
    while a credential is made under it.
    """

    store: Store
    directory: MemoryDirectory
    vault: Vault
    clock: Clock
    chance: Chance
    revoker: Revoker
    expiry: Expiry
    turn: asyncio.Lock


class Keeper:
    """The rows of one resource. Every method names the account and sees nothing of another one's.

    All raise `Rejected` with the documented codes; a write that is refused has changed nothing. A row's `settings`
    column holds the whole document but its secrets; other columns are copies that filters and sorts need.
    """

    resource: ClassVar[Resource]

    def __init__(self, world: World) -> None:
        self.world = world

    async def create(self, account_id: str, body: Mapping[str, Any], id: str | None = None) -> Document:
        """A new row from a body; its id is a fresh one, unless the server itself says which."""
        self._expect_valid(body, "create")
        fields = self.resource.fields
        now = self.world.clock.wall()
        row = self._new_row(account_id, now) | ({"id": id} if id else {})
        async with self.world.turn:
            extra = await self.filling(row, merge(fields, defaults(fields), body))
            await self._write(Add(self._table, row), *extra)
        return self.shown(row)

    async def show(self, account_id: str, id: str) -> Document:
        """One row."""
        return self.shown(await self.row(account_id, id))

    async def page(self, account_id: str, query: Query) -> Listing:
        """One page of the rows that meet all filters."""
        where = tuple(condition for chosen in query.chosen for condition in self.conditions(chosen))
        offset = (query.page - 1) * query.size
        found = await self.world.store.find(
            Find(self._table, account_id, (*self.always(), *where), query.sort, query.size, offset)
        )
        return Listing([self.shown(row) for row in found.rows], query.page, query.size, found.total)

    async def update(self, account_id: str, id: str, body: Mapping[str, Any]) -> Document:
        """A row with what the body names changed."""
        self._expect_valid(body, "update")
        async with self.world.turn:
            before = await self.row(account_id, id)
            after = before | {"updated_at": self.world.clock.wall()}
            extra = await self.filling(after, merge(self.resource.fields, self.document(before), body), before)
            changed = {name: value for name, value in after.items() if value != before[name]}
            await self._write(Change(self._table, account_id, id, changed), *extra)
        self.changed(before, after)
        return self.shown(after)

    async def delete(self, account_id: str, id: str) -> Document:
        """Delete a row; the answer is what it was."""
        async with self.world.turn:
            row = await self.row(account_id, id)
            await self._write(*await self.dropping(row), Drop(self._table, account_id, id))
        self.dropped(row)
        return self.shown(row)

    async def row(self, account_id: str, id: str) -> Row:
        """The row of that id, or the 404 of this resource."""
        expect_id(self.resource.id_form, self.resource.title, id)
        where = (*self.always(), Where("id", "eq", id))
        found = await self.world.store.find(Find(self._table, account_id, where, limit=1))
        if not found.rows:
            raise not_found(self.resource.title)
        return found.rows[0]

    # ---- what a subclass fills in ----------------------------------------------------------------------------

    def always(self) -> Sequence[Where]:
        """Conditions that every row of this resource meets."""
        return ()

    async def filling(self, row: Row, document: Document, before: Row | None = None) -> Sequence[Write]:  # noqa: ARG002
        """Put a checked document into its row; `before` is None for a new one. Returns what else to write."""
        self.store_document(row, document)
        return ()

    async def dropping(self, row: Row) -> Sequence[Write]:  # noqa: ARG002
        """Refuse to delete a row, or say what goes with it."""
        return ()

    def changed(self, before: Row, after: Row) -> None:
        """A change is stored."""

    def dropped(self, row: Row) -> None:
        """A row is gone."""

    def conditions(self, chosen: Chosen) -> Sequence[Where]:
        """What a filter asks of the columns."""
        column = chosen.filter.column
        return (NOTHING,) if column is None else (Where(column, chosen.operator, chosen.value),)

    def shown(self, row: Row) -> Document:
        """The row as the API shows it."""
        return self.document(row) | self.stamps(row)

    # ---- helpers for subclasses ------------------------------------------------------------------------------

    def document(self, row: Row) -> Document:
        """What the customer set, with defaults for fields that are younger than the row."""
        return completed(self.resource.fields, msgspec.json.decode(row["settings"]))

    def store_document(self, row: Row, document: Document) -> None:
        """Write the document into `settings` and its copies into their columns."""
        row["settings"] = msgspec.json.encode(document).decode()
        for path, column in self.resource.columns:
            row[column] = _at(document, path)

    def stamps(self, row: Row) -> Document:
        """What the server adds to every document."""
        return {
            "id": row["id"],
            "record_type": self.resource.record_type,
            "created_at": format_moment(row["created_at"]),
            "updated_at": format_moment(row["updated_at"]),
        }

    # ---- inside ----------------------------------------------------------------------------------------------

    @property
    def _table(self) -> Table:
        return cast(Table, self.resource.table)

    def _new_row(self, account_id: str, now: float) -> Row:
        chance = self.world.chance
        id = chance.uuid() if self.resource.id_form == "uuid" else chance.number(19)
        return {"id": id, "account_id": account_id, "created_at": now, "updated_at": now}

    def _expect_valid(self, body: Mapping[str, Any], when: When) -> None:
        problems = check(self.resource.fields, body, when)
        if problems:
            raise Rejected(problems)

    async def _write(self, *writes: Write) -> None:
        try:
            await self.world.store.write(*writes)
        except Duplicate:
            raise rejected("10012", f"There is another {self.resource.title} like this.") from None


def _at(document: Mapping[str, Any], path: str) -> Any:
    value: Any = document
    for name in path.split("."):
        value = value[name]
    return value
