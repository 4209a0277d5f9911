"""A resource's table as a reference page. Reads the table and nothing else."""

from collections.abc import Iterator, Sequence

import msgspec

from offhook.voice.resources.field import MAX_TEXT, Field, Kind
from offhook.voice.resources.problem import TITLES
from offhook.voice.resources.resource import Filter, Resource

_TYPES: dict[Kind, str] = {
    "text": "string",
    "moment": "ISO 8601",
    "flag": "boolean",
    "whole": "integer",
    "decimal": "number",
    "list": "array",
    "group": "object",
    "groups": "array of objects",
    "wholes": "array of integers",
    "map": "object",
    "texts_or_text": "string or array",
    "whole_or_text": "integer or string",
}


def page(resource: Resource) -> str:
    """The resource's part of the reference, as Markdown."""
    parts = [f"## {resource.title.capitalize()}s", f"`/v2/{resource.path}`: {', '.join(resource.actions)}.", ""]
    if resource.fields:
        parts += ["| field | type | default | |", "|---|---|---|---|", *rows(resource.fields, ""), ""]
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


def rows(fields: Sequence[Field], at: str) -> Iterator[str]:
    """The rows of a table of fields; `at` is what stands before their names."""
    for field in fields:
        if field.kind == "group":
            yield from rows(field.fields, f"{at}{field.name}.")
            continue
        yield f"| `{at}{field.name}` | {_type(field)} | {_default(field)} | {_note(field)} |"
        if field.kind == "groups":
            yield from rows(field.fields, f"{at}{field.name}[].")


def _default(field: Field) -> str:
    if field.read_only or field.required or (field.kind == "map" and field.default is None):
        return ""
    return f"`{msgspec.json.encode(field.default).decode()}`"


def _type(field: Field) -> str:
    if field.choices:
        words = ", ".join(f"`{choice}`" for choice in field.choices[:16])
        return f"{'some' if field.kind == 'list' else 'one'} of {words}" + (", …" if len(field.choices) > 16 else "")
    if field.kind in ("whole", "decimal") and field.low is not None and not field.read_only:
        return f"{_TYPES[field.kind]}, {field.low:g} to {field.high:g}"
    if field.kind == "text" and field.high not in (None, MAX_TEXT) and not field.read_only:
        return f"string, {field.low or 0:g} to {field.high:,g} characters"
    return _TYPES[field.kind]


def _note(field: Field) -> str:
    notes = ["read only"] if field.read_only else ["required"] if field.required else []
    if field.unseen:
        notes.append("in no reply")
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
