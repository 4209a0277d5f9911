"""Category: unit. A resource's table: what it checks, how documents merge, what queries mean."""

from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.voice.resources.catalogue import RESOURCES
from offhook.voice.resources.credential_connection import CREDENTIAL_CONNECTIONS
from offhook.voice.resources.detail_record import DETAIL_RECORDS, window
from offhook.voice.resources.field import check, choice, defaults, flag, group, merge, moment, text, texts, whole
from offhook.voice.resources.moment import format_moment, parse_moment
from offhook.voice.resources.phone_number import PHONE_NUMBERS
from offhook.voice.resources.problem import Rejected
from offhook.voice.resources.reference import document, page
from offhook.voice.resources.resource import Resource, read_query
from offhook.voice.resources.schema import body

FIELDS = (
    text("id", read_only=True),
    text("name", required=True, low=2, high=5),
    flag("on", True),
    whole("size", 0, 3, 1, nullable=True),
    choice("colour", ("red", "blue"), "red", only=("red",), because="there is no blue"),
    texts("tags", pattern="[a-z]+", expects="letters"),
    moment("at", nullable=True),
    group("inner", flag("deep"), whole("depth", 1, 9, 5)),
)


@pytest.mark.parametrize(
    ("body", "code", "pointer"),
    [
        ({"name": "x"}, "10033", "/name"),
        ({"name": "xxxxxx"}, "10033", "/name"),
        ({"name": None}, "10026", "/name"),
        ({"on": 1}, "10026", "/on"),
        ({"size": True}, "10026", "/size"),
        ({"size": 4}, "10033", "/size"),
        ({"size": 1.0}, "10026", "/size"),
        ({"colour": "green"}, "10032", "/colour"),
        ({"colour": "blue"}, "10027", "/colour"),
        ({"tags": "a"}, "10026", "/tags"),
        ({"tags": ["a", "B"]}, "10015", "/tags"),
        ({"tags": ["a"] * 1001}, "10033", "/tags"),
        ({"at": "tomorrow"}, "10015", "/at"),
        ({"at": "2026-13-01"}, "10015", "/at"),
        ({"inner": {"depth": 10}}, "10033", "/inner/depth"),
        ({"inner": {"wide": 1}}, "10015", "/inner/wide"),
        ({"inner": []}, "10026", "/inner"),
        ({"id": "1"}, "10015", "/id"),
    ],
)
def test_what_is_wrong_is_named(body: dict[str, Any], code: str, pointer: str) -> None:
    [problem] = check(FIELDS, body, "update")
    assert (problem.code, problem.pointer) == (code, pointer)
    assert problem.title


def test_only_creating_asks_for_what_is_required() -> None:
    assert [problem.code for problem in check(FIELDS, {}, "create")] == ["10004"]
    assert check(FIELDS, {}, "update") == []


def test_defaults_and_merging() -> None:
    start = defaults(FIELDS)
    assert start == {
        "name": None, "on": True, "size": 1, "colour": "red", "tags": [], "at": None,
        "inner": {"deep": False, "depth": 5},
    }  # fmt: skip
    after = merge(FIELDS, start, {"inner": {"deep": True}, "tags": ["a"], "size": None})
    assert after == start | {"inner": {"deep": True, "depth": 5}, "tags": ["a"], "size": None}
    assert start["inner"]["deep"] is False


def test_defaults_of_every_resource_pass_its_own_check() -> None:
    for resource in RESOURCES:
        settable = {field.name for field in resource.fields if "update" in field.lives_in}
        wanted = {name: it for name, it in defaults(resource.fields).items() if it is not None and name in settable}
        found = check(resource.fields, wanted, "update")
        # Nulls inside a group are defaults that a body cannot say.
        assert [problem for problem in found if problem.code != "10026"] == [], resource.path


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-01", 0.0),
        ("1970-01-01T00:01:00Z", 60.0),
        ("1970-01-01 01:00:00+01:00", 0.0),
        ("1970-01-01T00:00:00.500000", 0.5),
        ("", None),
        ("now", None),
        ("0001-01-01T00:00:00+23:59", None),
        ("1970-01-01T00:00:61Z", None),
        ("1969-12-31", None),
        ("9999-12-31T23:59:59-01:00", None),
    ],
)
def test_moments(text: str, seconds: float | None) -> None:
    assert parse_moment(text) == seconds


@given(st.floats(0, 4e9))
def test_a_moment_comes_back_to_the_microsecond(seconds: float) -> None:
    found = parse_moment(format_moment(seconds))
    assert found is not None
    assert abs(found - seconds) < 2e-6


@given(st.text(max_size=80))
def test_no_text_breaks_the_reading_of_moments(text: str) -> None:
    assert parse_moment(text) is None or text[:4].isdigit()


def at(year: int, month: int, day: int, hour: int = 0) -> float:
    return datetime(year, month, day, hour, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("name", "begin", "end"),
    [
        ("today", (2026, 1, 1), (2026, 1, 2)),
        ("yesterday", (2025, 12, 31), (2026, 1, 1)),
        ("tomorrow", (2026, 1, 2), (2026, 1, 3)),
        ("this_week", (2025, 12, 29), (2026, 1, 5)),
        ("last_week", (2025, 12, 22), (2025, 12, 29)),
        ("next_week", (2026, 1, 5), (2026, 1, 12)),
        ("this_month", (2026, 1, 1), (2026, 2, 1)),
        ("last_month", (2025, 12, 1), (2026, 1, 1)),
        ("next_month", (2026, 2, 1), (2026, 3, 1)),
        ("last_7_days", (2025, 12, 25), (2026, 1, 2)),
    ],
)
def test_date_ranges(name: str, begin: tuple[int, int, int], end: tuple[int, int, int]) -> None:
    assert window(name, at(2026, 1, 1, 13)) == (at(*begin), at(*end))


@pytest.mark.parametrize("name", ["", "last_year", "last_days", "last_-1_days", "this_day", "week"])
def test_unknown_date_ranges(name: str) -> None:
    assert window(name, 0.0) is None


def test_a_query_is_read_off_the_table() -> None:
    query = read_query(
        PHONE_NUMBERS,
        {
            "filter[country_iso_alpha2]": "US,CA",
            "filter[voice.connection_name][starts_with]": "Desk",
            "filter[billing_group_id]": "null",
            "sort": "-phone_number,purchased_at",
            "page[number]": "3",
            "page[size]": "7",
        },
    )
    assert [(each.filter.name, each.operator, each.value) for each in query.chosen] == [
        ("country_iso_alpha2", "in", ("US", "CA")),
        ("voice.connection_name", "starts_with", "Desk"),
        ("billing_group_id", "eq", None),
    ]
    assert (query.sort, query.page, query.size) == (("-phone_number", "created_at"), 3, 7)


@given(st.dictionaries(st.text(max_size=30), st.text(max_size=30), max_size=4))
def test_a_query_has_a_meaning_or_is_rejected(given_query: dict[str, str]) -> None:
    with suppress(Rejected):
        query = read_query(DETAIL_RECORDS, given_query)
        assert 1 <= query.size <= DETAIL_RECORDS.max_page_size


def test_the_schema_says_what_the_check_does() -> None:
    shape = body(CREDENTIAL_CONNECTIONS.fields, "create")
    assert shape["required"] == ["connection_name", "user_name", "password"]
    assert shape["additionalProperties"] is False
    assert "id" not in shape["properties"]
    assert "conversation_persistence" not in shape["properties"]
    inbound = shape["properties"]["inbound"]["properties"]
    assert inbound["timeout_2xx_secs"] == {"type": "integer", "minimum": 1, "maximum": 600, "default": 90}
    assert inbound["codecs"]["items"]["enum"][0] == "G722"
    assert inbound["channel_limit"]["type"] == ["integer", "null"]
    assert "required" not in body(CREDENTIAL_CONNECTIONS.fields, "update")


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda resource: resource.path)
def test_a_reference_page_names_every_field_and_filter(resource: Resource) -> None:
    text = page(resource)
    assert all(f"filter[{filter.name}]" in text for filter in resource.filters)
    assert all(f"`{field.name}" in text for field in resource.fields)


def test_the_published_reference_is_that_of_the_tables() -> None:
    published = Path(__file__).parents[2] / "docs" / "reference" / "resources.md"
    assert published.read_text(encoding="utf-8") == document(RESOURCES), "run `make docs`"
