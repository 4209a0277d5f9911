"""One field of a resource: its kind, bounds and default, and the check that is made from them. No I/O.

A resource is a tuple of these; validation, schema and reference pages are read off them.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, cast

import msgspec

from offhook.voice.resources.moment import parse_moment
from offhook.voice.resources.problem import Problem

Kind = Literal[
    "text", "flag", "whole", "decimal", "moment", "list", "group",
    "groups",  # a list of objects with the same fields
    "wholes",  # a list of whole numbers
    "map",  # an object whose keys are free; whoever reads it checks its values
    "texts_or_text",
    "whole_or_text",  # `low` and `high` bound the number, `pattern` is for the text
]  # fmt: skip
When = Literal["create", "update"]

_TEXTUAL: tuple[Kind, ...] = ("text", "moment", "list", "texts_or_text", "whole_or_text")
MAX_TEXT = 1024
MAX_ITEMS = 1000
_WORDS = {
    "flag": "true or false",
    "whole": "a whole number",
    "decimal": "a number",
    "list": "a list of strings",
    "group": "an object",
    "groups": "a list of objects",
    "wholes": "a list of whole numbers",
    "map": "an object",
    "texts_or_text": "a string or a list of strings",
    "whole_or_text": "a whole number or a string",
}


class Field(msgspec.Struct, frozen=True):
    """A field of a body or reply.

    `low` and `high` bound a number, or the length of a text or list. `only` names the values that this release can
    honour; any other is refused, saying `because`. A read-only field is refused in a body like an unknown one; one that
    is `unseen` is in no reply.
    """

    name: str
    kind: Kind
    default: Any = None
    required: bool = False
    nullable: bool = False
    read_only: bool = False
    unseen: bool = False
    choices: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    pattern: str | None = None
    expects: str = ""
    wrong_code: str = "10015"
    only: tuple[Any, ...] = ()
    because: str = ""
    fields: tuple["Field", ...] = ()
    lives_in: tuple[When, ...] = ("create", "update")

    @property
    def codes(self) -> frozenset[str]:
        """Every code by which a value of it may be refused, those of the fields within it aside."""
        found = {"10026"}
        if self.required:
            found.add("10004")
        if self.low is not None or self.high is not None:
            found.add("10033")
        if self.kind in _TEXTUAL:
            found |= {"10015", self.wrong_code} if self.pattern else {"10015"}
        if self.choices:
            found.add("10032")
        if self.only:
            found.add("10027")
        return frozenset(found)


def text(name: str, *, high: float = MAX_TEXT, **facts: Any) -> Field:
    """A string; `low` and `high` bound its length."""
    return Field(name, "text", high=high, **facts)


def flag(name: str, default: bool | None = False, **facts: Any) -> Field:
    """True or false."""
    return Field(name, "flag", default, **facts)


def whole(name: str, low: int, high: int, default: int | None = None, **facts: Any) -> Field:
    """A whole number within bounds."""
    return Field(name, "whole", default, low=low, high=high, **facts)


def choice(name: str, choices: Sequence[str], default: str | None, **facts: Any) -> Field:
    """One of a few words."""
    return Field(name, "text", default, choices=tuple(choices), **facts)


def texts(name: str, default: Sequence[str] = (), **facts: Any) -> Field:
    """A list of strings; `choices` and `pattern` are for each of them."""
    return Field(name, "list", tuple(default), high=MAX_ITEMS, **facts)


def group(name: str, *fields: Field, **facts: Any) -> Field:
    """An object with fields of its own; in an update, those that are named change and the others stay."""
    return Field(name, "group", None, fields=fields, **facts)


def reference(name: str, **facts: Any) -> Field:
    """The id of another resource: 19 digits."""
    return text(name, pattern="[1-9][0-9]{18}", expects="the id of a resource", wrong_code="10017", **facts)


def url(name: str, default: str | None = "", **facts: Any) -> Field:
    """An http or https URL, or an empty string for none."""
    return text(name, default=default, pattern=r"(?:https?://[^\s/?#][^\s]*)?", expects="an http or https URL", **facts)


def moment(name: str, **facts: Any) -> Field:
    """A point in time as ISO 8601."""
    return Field(name, "moment", high=64, **facts)


def shown(*fields: Field) -> tuple[Field, ...]:
    """Fields that are in replies only, with those within them."""
    return tuple(msgspec.structs.replace(each, read_only=True, fields=shown(*each.fields)) for each in fields)


def unseen(fields: Sequence[Field], *but: str) -> tuple[Field, ...]:
    """Fields that are in bodies only, but for those of these names."""
    return tuple(field if field.name in but else msgspec.structs.replace(field, unseen=True) for field in fields)


def codes_of(fields: Sequence[Field]) -> frozenset[str]:
    """Every code by which a value of these fields, or of one within them, may be refused."""
    return frozenset(code for field in fields for code in field.codes | codes_of(field.fields))


def defaults(fields: Sequence[Field]) -> dict[str, Any]:
    """What a resource has where nothing was said."""
    return {
        field.name: defaults(field.fields) if field.kind == "group" else _plain(field.default)
        for field in fields
        if not field.read_only
    }


def completed(fields: Sequence[Field], stored: Mapping[str, Any]) -> dict[str, Any]:
    """A stored document, with defaults for fields that are younger than it."""
    return merge(fields, defaults(fields), stored)


def check(fields: Sequence[Field], given: Mapping[str, Any], when: When, at: str = "") -> list[Problem]:
    """Everything that is wrong with a body, in the order of the fields."""
    known = {field.name: field for field in fields if not field.read_only and when in field.lives_in}
    problems: list[Problem] = []
    for name, field in known.items():
        if name in given:
            problems += _check_one(field, given[name], when, f"{at}/{name}")
        elif field.required and when == "create":
            problems.append(Problem("10004", f"The {name} parameter is required.", f"{at}/{name}"))
    for name in given.keys() - known.keys():
        problems.append(Problem("10015", f"There is no parameter {name[:64]!r} here.", f"{at}/{name[:64]}"))
    return problems


def merge(fields: Sequence[Field], before: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """The document after a checked body: groups change field by field, everything else as a whole."""
    after = dict(before)
    for field in fields:
        if field.name not in given:
            continue
        value = given[field.name]
        after[field.name] = merge(field.fields, before[field.name], value) if field.kind == "group" else value
    return after


def _check_one(field: Field, value: Any, when: When, at: str) -> list[Problem]:
    if value is None:
        return [] if field.nullable else [Problem("10026", f"{field.name} must not be null.", at)]
    if field.kind == "group" and isinstance(value, dict):
        return check(field.fields, _as_object(value), when, at)
    problem = _wrong_type(field, value) or _wrong_value(field, value)
    if problem:
        return [Problem(problem[0], problem[1], at)]
    if field.kind == "groups":
        return [each for row, item in enumerate(value) for each in check(field.fields, item, when, f"{at}/{row}")]
    return []


def _as_object(value: Any) -> dict[str, Any]:
    return value


def _plain(default: Any) -> Any:
    items: Any = default
    return list(items) if isinstance(default, tuple) else default


Wrong = tuple[str, str] | None

_TYPES: dict[Kind, Callable[[Any], bool]] = {
    "text": lambda value: isinstance(value, str),
    "moment": lambda value: isinstance(value, str),
    "flag": lambda value: isinstance(value, bool),
    "whole": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "decimal": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "list": lambda value: _is_list_of(str, value),
    "group": lambda _: False,
    "groups": lambda value: _is_list_of(dict, value),
    "wholes": lambda value: _is_list_of(int, value),
    "map": lambda value: isinstance(value, dict),
    "whole_or_text": lambda value: isinstance(value, int | str) and not isinstance(value, bool),
    "texts_or_text": lambda value: isinstance(value, str) or (_is_list_of(str, value) and len(value) > 0),
}


def _wrong_type(field: Field, value: Any) -> Wrong:
    if not _TYPES[field.kind](value):
        return "10026", f"{field.name} must be {_WORDS.get(field.kind, 'a string')}."
    return None


def _is_list_of(kind: type, value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, kind) for item in cast(list[Any], value))


def _wrong_value(field: Field, value: Any) -> Wrong:
    size = _size(field, value)
    if size is not None and not (field.low or 0) <= size <= (field.high or size):
        return "10033", f"{field.name} must {_bounds(field)}."
    for part in _texts_in(field, value):
        if wrong := _wrong_text(field, part):
            return wrong
    if field.only and value not in field.only:
        return "10027", f"{field.name} cannot be set to this here: {field.because}."
    return None


def _size(field: Field, value: Any) -> float | None:
    """What the bounds of a field are for; a list of texts has them, not the one text in its place."""
    if field.kind == "texts_or_text" and isinstance(value, str):
        return None
    if field.kind in _SIZED:
        return len(value)
    return value if field.kind in _NUMBERS and not isinstance(value, str) else None


_SIZED = ("text", "moment", "list", "groups", "texts_or_text")
_NUMBERS = ("whole", "decimal", "whole_or_text")


def _texts_in(field: Field, value: Any) -> Sequence[str]:
    if field.kind in ("text", "moment"):
        return (value,)
    if field.kind == "whole_or_text":
        return (value,) if isinstance(value, str) else ()
    if field.kind == "texts_or_text":
        return (value,) if isinstance(value, str) else value
    return value if field.kind == "list" else ()


def _wrong_text(field: Field, text: str) -> Wrong:
    if field.choices:
        return None if text in field.choices else ("10032", f"{field.name} must be one of {', '.join(field.choices)}.")
    if field.kind != "text" and len(text) > MAX_TEXT:
        return "10033", f"{field.name} has a text that is longer than {MAX_TEXT} characters."
    if "\0" in text or not _encodes(text):
        return "10015", f"{field.name} has a character that no text has."
    if field.pattern and not re.fullmatch(field.pattern, text):
        return field.wrong_code, f"{field.name} must be {field.expects}."
    if field.kind == "moment" and parse_moment(text) is None:
        return "10015", f"{field.name} must be an ISO 8601 date and time."
    return None


def _encodes(text: str) -> bool:
    """Whether it is Unicode text; JSON can carry halves of surrogate pairs, which nothing can store."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _bounds(field: Field) -> str:
    what = {"text": "have {} characters"} | dict.fromkeys(("list", "groups", "texts_or_text"), "have {} entries")
    low = f"{field.low:g}" if field.low is not None else "0"
    return what.get(field.kind, "be {}").format(
        f"from {low} to {field.high:g}" if field.high is not None else f"at least {low}"
    )
