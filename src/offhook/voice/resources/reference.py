"""A resource's table as a JSON Schema and as a reference page. Reads the table and nothing else."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from offhook.voice.resources.field import Field, When
from offhook.voice.resources.problem import TITLES
from offhook.voice.resources.resource import Filter, Resource

_TYPES = {
    "text": "string",
    "moment": "string",
    "flag": "boolean",
    "whole": "integer",
    "decimal": "number",
    "list": "array",
    "group": "object",
}


def schema(resource: Resource, when: When) -> dict[str, Any]:
    """What a body may be, as JSON Schema (2020-12)."""
    return _object([field for field in resource.fields if not field.read_only], when)


def page(resource: Resource) -> str:
    """The resource's part of the reference, as Markdown."""
    parts = [f"## {resource.title.capitalize()}s", f"`/v2/{resource.path}`: {', '.join(resource.actions)}.", ""]
    if resource.fields:
        parts += ["| field | type | default | |", "|---|---|---|---|", *_rows(resource.fields, ""), ""]
    parts += [f"Filters: {_filters(resource.filters)}." if resource.filters else "No filters.", ""]
    sorts = ", ".join(f"`{name}`" for name, _ in resource.sorts)
    parts.append(
        f"Sorted by {sorts}; `{resource.default_sort}` unless asked otherwise, `-` before a name for descending."
    )
    parts.append(f"Pages of {resource.page_size}, at most {resource.max_page_size}.")
    return "\n".join(parts) + "\n"


def document(resources: Sequence[Resource]) -> str:
    """The whole reference of resources, with the codes that any of them may answer."""
    codes = [f"| {code} | {status} | {title} |" for code, (status, title) in TITLES.items()]
    return "\n".join([_INTRODUCTION, *map(page, resources), _ERRORS, *codes, ""])


_INTRODUCTION = """# Resources

Made by `make docs` from the tables that validate them (`src/offhook/voice/resources/`); do not edit.
A field that says *only* takes just these values in this release, and refuses others with code 10027.
Which fields are kept without an effect stands in `tests/compat/ledger.toml`, with the reasons.
"""
_ERRORS = """## Errors

`{"errors": [{"code": …, "title": …, "detail": …, "source": {"pointer": …}}]}`. `source` names a field of the body
(`pointer`) or a parameter of the query (`parameter`); the text is for people.

| code | status | title |
|---|---|---|"""


def _object(fields: Sequence[Field], when: When) -> dict[str, Any]:
    found = [field for field in fields if when in field.lives_in]
    required = [field.name for field in found if field.required and when == "create"]
    shape: dict[str, Any] = {
        "type": "object",
        "properties": {field.name: _property(field, when) for field in found},
        "additionalProperties": False,
    }
    return shape | ({"required": required} if required else {})


def _property(field: Field, when: When) -> dict[str, Any]:
    if field.kind == "group":
        return _object(field.fields, when)
    shape: dict[str, Any] = {"type": [_TYPES[field.kind], "null"] if field.nullable else _TYPES[field.kind]}
    inner = _bounds_of_text(field) if field.kind in ("text", "list") else {}
    if field.kind == "list":
        shape["items"] = {"type": "string"} | inner
        shape["maxItems"] = field.high
    else:
        shape |= inner
    if field.kind == "moment":
        shape["format"] = "date-time"
    if field.kind in ("whole", "decimal"):
        shape |= {"minimum": field.low, "maximum": field.high}
    return shape | ({} if when == "update" or field.default is None else {"default": field.default})


def _bounds_of_text(field: Field) -> dict[str, Any]:
    if field.choices:
        return {"enum": [*field.choices, *((None,) if field.nullable and field.kind == "text" else ())]}
    shape: dict[str, Any] = {"pattern": f"^(?:{field.pattern})$"} if field.pattern else {}
    if field.kind == "text":
        shape |= {"minLength": int(field.low or 0), "maxLength": int(field.high or 0)}
    return shape


def _rows(fields: Sequence[Field], at: str) -> Iterator[str]:
    for field in fields:
        if field.kind == "group":
            yield from _rows(field.fields, f"{at}{field.name}.")
            continue
        default = "" if field.read_only or field.required else f"`{msgspec.json.encode(field.default).decode()}`"
        yield f"| `{at}{field.name}` | {_type(field)} | {default} | {_note(field)} |"


def _type(field: Field) -> str:
    if field.choices:
        words = ", ".join(f"`{choice}`" for choice in field.choices[:16])
        return f"{'some' if field.kind == 'list' else 'one'} of {words}" + (", …" if len(field.choices) > 16 else "")
    if field.kind in ("whole", "decimal") and field.low is not None:
        return f"{_TYPES[field.kind]}, {field.low:g} to {field.high:g}"
    return {"moment": "ISO 8601"}.get(field.kind, _TYPES[field.kind])


def _note(field: Field) -> str:
    notes = ["read only"] if field.read_only else ["required"] if field.required else []
    if field.nullable:
        notes.append("may be null")
    if field.expects:
        notes.append(field.expects)
    if field.lives_in == ("update",):
        notes.append("in updates only")
    if field.because:
        values = ", ".join(f"`{msgspec.json.encode(value).decode()}`" for value in field.only)
        notes.append(f"only {values}: {field.because}")
    return "; ".join(notes)


def _filters(filters: Sequence[Filter]) -> str:
    return ", ".join(_filter(each) for each in filters)


def _filter(each: Filter) -> str:
    plain = each.operators in (("eq",), ("in",))
    return f"`filter[{each.name}]`" + ("" if plain else f" ({', '.join(each.operators)})")
