"""Fields as JSON Schema (2020-12): what a body may be, and what a reply is. Reads tables and nothing else."""

import re
from collections.abc import Sequence
from typing import Any, Literal

from offhook.voice.resources.field import Field, Kind, When

Schema = dict[str, Any]
_Use = When | Literal["shown"]

_TYPES: dict[Kind, str] = {
    "text": "string",
    "moment": "string",
    "flag": "boolean",
    "whole": "integer",
    "decimal": "number",
    "list": "array",
    "group": "object",
    "groups": "array",
    "map": "object",
}
_LISTS: tuple[Kind, ...] = ("list", "groups")
# As Python's expressions write a character beyond the first plane; others take the character itself.
_LONG_ESCAPE = re.compile(r"\\U([0-9a-fA-F]{8})")


def body(fields: Sequence[Field], when: When) -> Schema:
    """What a body may be: what else it has is refused."""
    found = [field for field in fields if not field.read_only and when in field.lives_in]
    required = [field.name for field in found if field.required and when == "create"]
    shape = _object(found, when) | {"additionalProperties": False}
    return shape | ({"required": required} if required else {})


def reply(fields: Sequence[Field]) -> Schema:
    """What a document is: it has all of these, and later releases may add to them."""
    found = [field for field in fields if not field.unseen]
    return _object(found, "shown") | {"required": [field.name for field in found]}


def _object(fields: Sequence[Field], use: _Use) -> Schema:
    return {"type": "object", "properties": {field.name: _property(field, use) for field in fields}}


def _property(field: Field, use: _Use) -> Schema:
    shape = _value(field, use)
    if use == "shown":
        return _nullable(shape) if field.nullable or _may_lack(field) else shape
    shape = _nullable(shape) if field.nullable else shape
    if field.only:
        shape |= {"enum": list(field.only), "description": f"Other values are refused: {field.because}."}
    if use == "update" or field.required or field.default is None:
        return shape
    return shape | {"default": list(field.default) if field.kind in _LISTS else field.default}


def _may_lack(field: Field) -> bool:
    """Whether a reply may have null though a body may not: where nothing was said and there is no default."""
    return field.default is None and not (field.required or field.read_only or field.kind in ("group", "list"))


def _nullable(shape: Schema) -> Schema:
    if "anyOf" in shape:
        return shape | {"anyOf": [*shape["anyOf"], {"type": "null"}]}
    choices = {"enum": [*shape["enum"], None]} if "enum" in shape else {}
    return shape | {"type": [shape["type"], "null"]} | choices


def _value(field: Field, use: _Use) -> Schema:
    """A value that is not null."""
    match field.kind:
        case "group":
            return _inner(field, use)
        case "groups":
            return {"type": "array", "items": _inner(field, use)} | _length(field, use, "Items")
        case "list":
            return {"type": "array", "items": {"type": "string"} | _text(field, use)} | _length(field, use, "Items")
        case "wholes":
            return {"type": "array", "items": {"type": "integer"}}
        case "texts_or_text":
            several = {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": field.high}
            return {"anyOf": [{"type": "string"}, several]}
        case "whole_or_text":
            return {"anyOf": [{"type": "integer"} | _bounds(field, use), {"type": "string"} | _text(field, use)]}
        case "text":
            return {"type": "string"} | _text(field, use) | ({} if field.choices else _length(field, use, "Length"))
        case "moment":
            return {"type": "string", "format": "date-time"}
        case _:
            return {"type": _TYPES[field.kind]} | _bounds(field, use)


def _inner(field: Field, use: _Use) -> Schema:
    return reply(field.fields) if use == "shown" else body(field.fields, use)


def _text(field: Field, use: _Use) -> Schema:
    if field.choices:
        return {"enum": list(field.choices)}
    if use == "shown" or not field.pattern:
        return {}
    return {"pattern": f"^(?:{_LONG_ESCAPE.sub(lambda found: chr(int(found[1], 16)), field.pattern)})$"}


def _length(field: Field, use: _Use, of: Literal["Length", "Items"]) -> Schema:
    if use == "shown":
        return {}
    high = {} if field.high is None else {f"max{of}": int(field.high)}
    return {f"min{of}": int(field.low or 0)} | high


def _bounds(field: Field, use: _Use) -> Schema:
    bounds = {"minimum": field.low, "maximum": field.high}
    return {} if use == "shown" else {name: value for name, value in bounds.items() if value is not None}
