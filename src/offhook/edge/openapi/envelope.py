"""What every document and refusal of the API is wrapped in, as types. Knows no operation."""

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, UnsetType

from offhook.edge.openapi.operation import Named
from offhook.voice.resources.problem import TITLES

Count = Annotated[int, msgspec.Meta(ge=0)]


class Source(msgspec.Struct):
    """What is wrong: a field of the body (a JSON pointer), or a parameter of the query."""

    pointer: str | UnsetType = UNSET
    parameter: str | UnsetType = UNSET


class Links(msgspec.Struct):
    """Where the code is explained."""

    url: str


class Error(msgspec.Struct):
    """One thing that is wrong. `code` is for programs, the rest for people."""

    code: Annotated[str, msgspec.Meta(extra_json_schema={"enum": list(TITLES)})]
    title: str
    detail: str
    meta: Links
    source: Source | UnsetType = UNSET


class Errors(msgspec.Struct):
    """A refusal: nothing has changed."""

    errors: list[Error]


class Expired(msgspec.Struct):
    """What a telephony credential that has expired cannot be."""

    status: str


class ExpiredErrors(msgspec.Struct):
    """The refusal to change a telephony credential that has expired; the API words this one like no other."""

    errors: Expired


class Meta(msgspec.Struct):
    """Where a page is among all; pages are counted from 1."""

    page_number: int
    page_size: int
    total_pages: Count
    total_results: Count


class Cursors(msgspec.Struct):
    """The call_control_ids at a page's ends where there are more beyond them."""

    after: str | None
    before: str | None


class CursorMeta(msgspec.Struct):
    """Where a page is, for those who turn pages by cursor as well."""

    cursors: Cursors
    next: None
    page_number: int
    page_size: int
    previous: None
    total_items: Count
    total_pages: Count
    total_results: Count


_TYPES = (Errors, ExpiredErrors, Meta, CursorMeta)
_REF = "#/components/schemas/{name}"


def components() -> dict[str, Any]:
    """The schemas of all of them."""
    return msgspec.json.schema_components(_TYPES, ref_template=_REF)[1]


def _named(kind: type[msgspec.Struct]) -> Named:
    return Named(kind.__name__, components()[kind.__name__])


ERRORS, EXPIRED, META, CURSORS = map(_named, _TYPES)
