"""The parameters of a command, read off the class that carries them, as fields to be checked. Knows no command.

A parameter's type gives its kind, its default whether it is required; what a type cannot say stands beside it in
`Annotated[..., rule(...)]`. So a command's class is the one place where its parameters are written down.
"""

from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, cast, get_args, get_origin

import msgspec

from offhook.voice.resources.field import MAX_ITEMS, MAX_TEXT, Field, Kind

_KINDS: dict[Any, Kind] = {str: "text", bool: "flag", int: "whole", float: "decimal"}


class Rule(msgspec.Struct, frozen=True, eq=False):
    """Facts of a `Field` that the type of a parameter cannot say."""

    facts: dict[str, Any]


def rule(**facts: Any) -> Rule:
    """Facts for a parameter: `low`, `high`, `pattern`, `expects`, `wrong_code`, `only`, `because`."""
    return Rule(facts)


@cache
def parameters(form: type[msgspec.Struct]) -> tuple[Field, ...]:
    """The fields of a form by their names on the wire, in its order. Read off a class once: doing so for each command
    took a fifth of its time."""
    return tuple(_field(each) for each in msgspec.structs.fields(form))


def _field(parameter: msgspec.structs.FieldInfo) -> Field:
    bare, facts, nullable = _unwrapped(parameter.type)
    default = None if parameter.default is msgspec.NODEFAULT else parameter.default
    found: dict[str, Any] = (
        {"default": default, "required": parameter.required, "nullable": nullable} | _kind(bare) | facts
    )
    return Field(parameter.encode_name, **found)


def _unwrapped(annotation: Any) -> tuple[Any, dict[str, Any], bool]:
    """The type itself, the facts beside it, and whether null may stand in its place."""
    facts: dict[str, Any] = {}
    if get_origin(annotation) is Annotated:
        annotation, *beside = get_args(annotation)
        facts = {name: fact for each in beside if isinstance(each, Rule) for name, fact in each.facts.items()}
    if get_origin(annotation) not in (Union, UnionType):
        return annotation, facts, False
    arms = [arm for arm in get_args(annotation) if arm is not NoneType]
    nullable = len(arms) < len(get_args(annotation))
    if len(arms) > 1:
        return tuple(arms), facts, nullable
    bare, inner, _ = _unwrapped(arms[0])
    return bare, inner | facts, nullable


def _kind(bare: Any) -> dict[str, Any]:
    if isinstance(bare, tuple):  # the two unions there are: str | tuple[str, ...] and int | str
        return {"kind": "whole_or_text"} if int in bare else {"kind": "texts_or_text", "high": MAX_ITEMS}
    if bare in _KINDS:
        return {"kind": _KINDS[bare]} | ({"high": MAX_TEXT} if bare is str else {})
    origin, arguments = get_origin(bare), get_args(bare)
    if origin is Literal:
        return _words(arguments)
    if origin is dict:
        return {"kind": "map"}
    if origin is tuple:
        return _items(_unwrapped(arguments[0])[0])
    return {"kind": "group", "fields": parameters(cast(type[msgspec.Struct], bare))}


def _words(choices: tuple[Any, ...]) -> dict[str, Any]:
    if all(isinstance(each, int) for each in choices):
        return {"kind": "whole", "only": choices, "because": f"it is one of {', '.join(map(str, choices))}"}
    return {"kind": "text", "choices": choices}


def _items(item: Any) -> dict[str, Any]:
    if item is str:
        return {"kind": "list", "high": MAX_ITEMS}
    return {"kind": "groups", "high": MAX_ITEMS, "fields": parameters(item)}
