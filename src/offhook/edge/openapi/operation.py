"""One operation of the API: what it takes, what it answers, by which codes it refuses. Knows no table."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import msgspec

from offhook.voice.resources.problem import TITLES
from offhook.voice.resources.schema import Schema

JSON = "application/json"
TEXT = "text/plain"
# By which codes any request with a key is refused, and any with a body besides. Of a code that has another status here
# than usually, the status stands here.
GUARDED: dict[int, frozenset[str]] = {
    401: frozenset(("10009",)),
    431: frozenset(("10015",)),
    503: frozenset(("10007",)),
}
WITH_BODY: dict[int, frozenset[str]] = {
    400: frozenset(("10015", "10023")),
    408: frozenset(("10015",)),
    413: frozenset(("10015",)),
}


class Named(NamedTuple):
    """A schema that stands among the components."""

    name: str
    schema: Schema

    @property
    def ref(self) -> Schema:
        """What stands in its place."""
        return {"$ref": f"#/components/schemas/{self.name}"}


class Shape(NamedTuple):
    """A schema that is used once, and the named ones that it refers to."""

    schema: Schema
    parts: tuple[Named, ...] = ()


class Answer(msgspec.Struct, frozen=True):
    """An answer: what it means, and its content by type; none for an empty one."""

    means: str
    content: Mapping[str, Shape] = {}


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One route. `body` is by content type; `refusals` are codes by status, `refused_as` the shape of those that are no
    `Errors`; without `key` anybody may ask."""

    method: str
    path: str
    id: str
    tag: str
    summary: str
    details: str = ""
    parameters: tuple[Schema, ...] = ()
    body: Mapping[str, Shape] = {}
    answers: Mapping[int, Answer]
    refusals: Mapping[int, frozenset[str]] = {}
    refused_as: Mapping[int, Shape] = {}
    key: bool = True


def data(document: Named, status: int = 200) -> dict[int, Answer]:
    """The answer that has one document in the envelope."""
    return {status: Answer("Done.", {JSON: Shape(_envelope({"data": document.ref}), (document,))})}


def page(document: Named, meta: Named) -> dict[int, Answer]:
    """The answer that has one page of documents."""
    properties = {"data": {"type": "array", "items": document.ref}, "meta": meta.ref}
    return {200: Answer("One page.", {JSON: Shape(_envelope(properties), (document, meta))})}


def text(means: str, status: int = 200, content_type: str = TEXT) -> dict[int, Answer]:
    """An answer that is text."""
    return {status: Answer(means, {content_type: Shape({"type": "string"})})}


def nothing(status: int = 204) -> dict[int, Answer]:
    """An answer without a body."""
    return {status: Answer("Done; there is nothing to say.")}


def json_body(document: Named) -> dict[str, Shape]:
    """A body that is this document."""
    return {JSON: Shape(document.ref, (document,))}


def by_status(codes: Iterable[str]) -> dict[int, frozenset[str]]:
    """Codes under the statuses that they are answered with."""
    found: dict[int, frozenset[str]] = {}
    for code in codes:
        status = TITLES[code][0]
        found[status] = found.get(status, frozenset()) | {code}
    return found


def together(*refusals: Mapping[int, frozenset[str]]) -> dict[int, frozenset[str]]:
    """All of these refusals."""
    found: dict[int, frozenset[str]] = {}
    for each in refusals:
        for status, codes in each.items():
            found[status] = found.get(status, frozenset()) | codes
    return found


def query(name: str, schema: Schema, description: str = "") -> Schema:
    """A parameter of the query."""
    shown = {"name": name, "in": "query", "required": False, "schema": schema}
    return shown | ({"description": description} if description else {})


def path_names(path: str, own: Schema | None = None) -> tuple[Schema, ...]:
    """The parameters in a path; `own` is what the last of them may be."""
    names = [part[1:-1] for part in path.split("/") if part.startswith("{")]
    any_text: Schema = {"type": "string", "minLength": 1}
    return tuple(
        {"name": name, "in": "path", "required": True, "schema": own if own and name == names[-1] else any_text}
        for name in names
    )


def _envelope(properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "required": list(properties)}


def any_of(*shapes: Schema) -> Schema:
    """One of these."""
    return {"anyOf": list[Any](shapes)}
