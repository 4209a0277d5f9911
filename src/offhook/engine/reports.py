"""What the API tells of calls: detail records of those that ended, and the legs that live. Knows no HTTP."""

from collections.abc import AsyncGenerator, Sequence
from typing import Any, Protocol

import msgspec

from offhook.engine.resources import Document, Keeper, Listing
from offhook.engine.store import Find, Row, Where
from offhook.voice.bill import moment, record_type
from offhook.voice.resources.detail_record import DETAIL_RECORDS, window
from offhook.voice.resources.problem import rejected
from offhook.voice.resources.resource import Chosen, Query

_IDS = ("call_session_id", "call_leg_id", "call_control_id")
PIECE = 500


class ActiveCalls(Protocol):
    """Where the live legs are known; `engine.active.ActiveLegs` is one."""

    def calls(self, account_id: str, connection_id: str, now: float) -> Sequence[Any]:
        """The live legs of a connection as the API shows them, oldest first."""
        ...


class DetailRecords(Keeper):
    """One record for each line of the bills of ended legs, read only."""

    resource = DETAIL_RECORDS

    async def page(self, account_id: str, query: Query) -> Listing:
        if not any(chosen.filter.name == "record_type" for chosen in query.chosen):
            raise rejected("10004", "filter[record_type] is required", parameter="filter[record_type]", status=400)
        return await super().page(account_id, query)

    async def every(self, account_id: str, query: Query) -> AsyncGenerator[list[Document], None]:
        """All records that meet the filters, of whichever types, in pieces; each also has the ids that its row has."""
        where = tuple(condition for chosen in query.chosen for condition in self.conditions(chosen))
        offset = 0
        while True:
            question = Find("detail_records", account_id, where, query.sort, PIECE, offset)
            rows = (await self.world.store.find(question)).rows
            yield [{name: row[name] for name in _IDS} | self.shown(row) for row in rows]
            if len(rows) < PIECE:
                return
            offset += PIECE

    def conditions(self, chosen: Chosen) -> Sequence[Where]:
        name = chosen.filter.name
        if name == "record_type":
            return (Where(name, "eq", record_type(chosen.value)),)
        if name == "date_range":
            return self._within(chosen.value)
        if name == "answered_at":
            return (Where(str(chosen.filter.column), chosen.operator, moment(chosen.value)),)
        return super().conditions(chosen)

    def shown(self, row: Row) -> Document:
        return msgspec.json.decode(row["document"])

    def _within(self, date_range: str) -> Sequence[Where]:
        span = window(date_range, self.world.clock.wall())
        if span is None:
            raise rejected("10032", "there is no such range of dates", parameter="filter[date_range]", status=400)
        return (Where("created_at", "gte", span[0]), Where("created_at", "lt", span[1]))


def active_page(calls: Sequence[Any], number: int, size: int, after: str | None) -> tuple[list[Document], Document]:
    """One page of active calls and its meta, by page number or, with `after`, by the call_control_id before it."""
    documents = [_shown(call) for call in calls]
    ids = [document["call_control_id"] for document in documents]
    start = ids.index(after) + 1 if after in ids else (number - 1) * size
    page = documents[start : start + size]
    more = start + size < len(documents)
    return page, {
        "cursors": {
            "after": page[-1]["call_control_id"] if page and more else None,
            "before": page[0]["call_control_id"] if page and start else None,
        },
        "next": None,
        "page_number": number,
        "page_size": size,
        "previous": None,
        "total_items": len(documents),
        "total_pages": -(-len(documents) // size),
        "total_results": len(documents),
    }


def _shown(call: Any) -> Document:
    document = msgspec.to_builtins(call)
    document.pop("account_id", None)
    document.pop("connection_id", None)
    return document
