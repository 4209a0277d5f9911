"""Routes about money: the balance, the detail records as a table for spreadsheets, and what only the owner may set."""

import csv
import io
import re
from typing import Any

from aiohttp import hdrs, web

from offhook.edge.rest.answers import data
from offhook.edge.rest.guard import ACCOUNT, Handler, body_of
from offhook.edge.rest.resources import Route, listed, query_of
from offhook.engine.accounts import Accounts
from offhook.engine.reports import DetailRecords
from offhook.voice.resources.resource import Query

# Common to the records of every type; a cell is empty where a type has no such thing.
COLUMNS = (
    "record_type", "id", "call_session_id", "call_leg_id", "call_control_id", "connection_id", "connection_name",
    "auth_username", "direction", "cli", "cld", "started_at", "answered_at", "finished_at", "hangup_cause", "call_sec",
    "billed_sec", "number_of_characters", "rate", "rate_measured_in", "cost", "currency",
)  # fmt: skip
# What a spreadsheet would take for a formula: anything that begins so and is no number.
_FORMULA = re.compile(r"[=@\t\r]|[+-](?![0-9.]+$)")


def money_routes(accounts: Accounts, records: DetailRecords) -> list[Route]:
    """What the API has."""
    return [("GET", "/balance", _balance(accounts)), ("GET", "/detail_records", _records(records))]


def _balance(accounts: Accounts) -> Handler:
    async def handle(request: web.Request) -> web.Response:
        return data(accounts.balance(request[ACCOUNT]))

    return handle


def account_changer(accounts: Accounts) -> Handler:
    """PATCH of what was paid in and of the credit limit, for which the hosted product has no operation."""

    async def handle(request: web.Request) -> web.Response:
        return data(await accounts.change(request[ACCOUNT], await body_of(request)))

    return handle


def _records(records: DetailRecords) -> Handler:
    """One page as JSON, or, for whoever accepts `text/csv`, all that meets the filters as CSV: that has no pages, and
    `filter[record_type]` may be left out of it."""

    async def handle(request: web.Request) -> web.StreamResponse:
        query = query_of(records.resource, request)
        if "text/csv" in request.headers.get(hdrs.ACCEPT, ""):
            return await _as_csv(request, records, query)
        return listed(await records.page(request[ACCOUNT], query))

    return handle


async def _as_csv(request: web.Request, records: DetailRecords, query: Query) -> web.StreamResponse:
    pages = records.every(request[ACCOUNT], query)
    first = await anext(pages)  # a bad filter is told while an error still can be
    response = web.StreamResponse(headers={hdrs.CONTENT_TYPE: "text/csv; charset=utf-8"})
    response.headers[hdrs.CONTENT_DISPOSITION] = 'attachment; filename="detail_records.csv"'
    await response.prepare(request)
    await response.write(_lines([dict(zip(COLUMNS, COLUMNS, strict=True)), *first]))
    async for page in pages:
        await response.write(_lines(page))
    await response.write_eof()
    return response


def _lines(records: list[dict[str, Any]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerows([_cell(record.get(name)) for name in COLUMNS] for record in records)
    return text.getvalue().encode()


def _cell(value: Any) -> str:
    text = "" if value is None else str(value)
    return "'" + text if _FORMULA.match(text) else text
