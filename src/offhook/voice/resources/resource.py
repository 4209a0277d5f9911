"""A resource as one table: what it is called, its fields, filters, sorts and pages. No I/O.

Routes, validation, schema and reference pages are read off it; `engine.resources` keeps its rows.
"""

import re
from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from offhook.voice.resources.field import Field
from offhook.voice.resources.moment import parse_moment
from offhook.voice.resources.problem import Rejected, rejected

Action = Literal["create", "list", "show", "update", "delete"]
IdForm = Literal["decimal", "uuid", "name"]
Operator = Literal["eq", "in", "contains", "starts_with", "ends_with", "gt", "gte", "lt", "lte"]

IDS: dict[IdForm, re.Pattern[str]] = {
    "decimal": re.compile(r"[1-9][0-9]{18}"),
    "uuid": re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
    "name": re.compile(r"[^\x00-\x1f\x7f/\\]{1,255}"),  # one that the customer gave
}
MAX_VALUE = 1024
MAX_PAGE = 1_000_000


class Filter(msgspec.Struct, frozen=True):
    """`filter[name]=x` or `filter[name][operator]=x` on a column.

    `prefix` is cut off the value; `shortest` is the fewest characters it may have; with `null` the word "null"
    asks for rows that have none. One that reads a moment takes ISO 8601 and compares Unix seconds, one that reads a
    whole number compares numbers.
    A filter without a column matches nothing here: nobody has such a thing.
    """

    name: str
    column: str | None
    operators: tuple[Operator, ...] = ("eq",)
    choices: tuple[str, ...] = ()
    shortest: int = 0
    prefix: str = ""
    null: bool = False
    reads: Literal["text", "moment", "whole"] = "text"


class Chosen(msgspec.Struct, frozen=True):
    """A filter with what it asks for; `operator` is `eq` for the plain form."""

    filter: Filter
    operator: Operator
    value: Any


class Query(msgspec.Struct, frozen=True):
    """A checked list query: what, in which order, which page (from 1) of which size."""

    chosen: tuple[Chosen, ...]
    sort: tuple[str, ...]
    page: int
    size: int


class Resource(msgspec.Struct, frozen=True):
    """One kind of thing that customers create and edit.

    `columns` pairs a field's path with the column that holds a copy of it for filters and sorts. `sorts` pairs the
    name in a query with a column. `generic` query parameters are accepted and change nothing. A resource whose rows are
    kept elsewhere has no `table`. What is `deleted` is shown once more, or not. A query that makes no sense is refused
    with `bad_query`, an HTTP status, or with that of its code; `created` is the one with which it is made.
    """

    path: str
    title: str
    record_type: str
    id_form: IdForm
    table: str
    fields: tuple[Field, ...]
    actions: tuple[Action, ...] = ("create", "list", "show", "update", "delete")
    columns: tuple[tuple[str, str], ...] = ()
    filters: tuple[Filter, ...] = ()
    sorts: tuple[tuple[str, str], ...] = (("created_at", "created_at"),)
    default_sort: str = "created_at"
    page_size: int = 20
    max_page_size: int = 250
    generic: tuple[str, ...] = ()
    deleted: Literal["shown", "unseen"] = "shown"
    bad_query: int | None = None
    created: int = 201


def expect_id(form: IdForm, title: str, id: str) -> str:
    """The id, if it has the form that ids of this kind have; a 404 like that of an unknown one otherwise."""
    if not IDS[form].fullmatch(id):
        raise not_found(title)
    return id


def not_found(title: str) -> Exception:
    """The refusal for an id that this account does not have."""
    return rejected("10005", f"The requested {title} could not be found.")


_FILTER = re.compile(r"filter\[([a-z0-9_.]{1,64})\](?:\[([a-z_]{1,16})\])?")


def read_query(resource: Resource, given: Mapping[str, str]) -> Query:
    """The meaning of a list's query parameters; Rejected for those that have none. Every step is linear in length."""
    try:
        return _read_query(resource, given)
    except Rejected as why:
        raise Rejected(why.problems, resource.bad_query) from None


def _read_query(resource: Resource, given: Mapping[str, str]) -> Query:
    chosen: list[Chosen] = []
    rest: dict[str, str] = {}
    for name, value in given.items():
        if len(value) > MAX_VALUE:
            raise rejected("10033", "this value is too long", parameter=name[:64])
        if name.startswith("filter["):
            chosen.append(_read_filter(resource, name, value))
        elif name in ("page[number]", "page[size]", "sort", "sort[]", *resource.generic):
            rest[name] = value
        else:
            raise rejected("10015", "there is no such parameter here", parameter=name[:64])
    size = _number(rest, "page[size]", resource.page_size, resource.max_page_size)
    page = _number(rest, "page[number]", 1, MAX_PAGE)
    return Query(tuple(chosen), _read_sort(resource, rest), page, size)


def _read_filter(resource: Resource, name: str, value: str) -> Chosen:
    found = _FILTER.fullmatch(name[:128])
    filter = next((each for each in resource.filters if found and each.name == found[1]), None)
    if found is None or filter is None:
        raise rejected("10015", "there is no such filter here", parameter=name[:64])
    operator = found[2] or next((each for each in filter.operators if each in ("eq", "in")), None)
    if operator not in filter.operators:
        raise rejected("10015", f"this filter knows {', '.join(filter.operators)}", parameter=name[:64])
    return Chosen(filter, operator, _filter_value(filter, operator, value, name))


def _moment(value: str, name: str) -> float:
    moment = parse_moment(value)
    if moment is None:
        raise rejected("10015", "must be an ISO 8601 date and time", parameter=name)
    return moment


def _whole(value: str, name: str) -> int:
    if not re.fullmatch(r"[0-9]{1,10}", value):
        raise rejected("10026", "must be a whole number", parameter=name)
    return int(value)


def _filter_value(filter: Filter, operator: Operator, value: str, name: str) -> Any:
    if filter.choices and value not in filter.choices:
        raise rejected("10032", f"must be one of {', '.join(filter.choices)}", parameter=name)
    if len(value) < filter.shortest:
        raise rejected("10033", f"must have at least {filter.shortest} characters", parameter=name)
    if "\0" in value:
        raise rejected("10015", "this value has a character that no text has", parameter=name)
    if filter.null and value == "null":
        return None
    if filter.reads == "moment":
        return _moment(value, name)
    if filter.reads == "whole":
        return _whole(value, name)
    return tuple(value.split(",")) if operator == "in" else value.removeprefix(filter.prefix)


def _read_sort(resource: Resource, given: Mapping[str, str]) -> tuple[str, ...]:
    asked = given.get("sort") or given.get("sort[]") or resource.default_sort
    columns = dict(resource.sorts)
    order: list[str] = []
    for name in asked.split(",", 8):
        column = columns.get(name.removeprefix("-"))
        if column is None:
            raise rejected("10032", f"must be one of {', '.join(columns)}, with - for descending", parameter="sort")
        order.append("-" + column if name.startswith("-") else column)
    return tuple(order)


def _number(given: Mapping[str, str], name: str, default: int, high: int) -> int:
    text = given.get(name)
    if text is None:
        return default
    number = _whole(text, name)
    if not 1 <= number <= high:
        raise rejected("10033", f"must be from 1 to {high}", parameter=name)
    return number
