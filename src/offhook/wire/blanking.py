"""Messages without what nobody may keep a copy of: passwords, tokens, keys, and digits where they are not asked for.

What is hidden reads `***`, or as many stars as there were characters where the length is known anyway. No I/O.
"""

import re
from typing import Any, cast

import msgspec

from offhook.wire.sip_fields import Fields
from offhook.wire.sip_message import Request, Response, write

_HIDDEN = "***"
_PROOFS = frozenset({"authorization", "proxy-authorization"})
_SECRET = re.compile(r"passw(or)?d|token|secret|api-?key|cookie|credential|authorization|jwt", re.IGNORECASE)
_DIGITS = frozenset({"dtmf", "digit", "digits"})
_PASSWORD_IN_URI = re.compile(r"(sips?:[^\s:@<>\"]+):[^\s@<>\"]+@", re.IGNORECASE)
_SECRET_PARAMETER = re.compile(r"((?:passw(?:or)?d|token|secret|api-?key|authorization)=)[^&;>\s\"]+", re.IGNORECASE)
_KEYS_IN_SDP = re.compile(r"(a=crypto:\d+ \S+ inline:|a=ice-pwd:)[^\r\n]+")
_MAX_DEPTH = 32


def sip(message: Request | Response, digits: bool) -> bytes:
    """A SIP message; with `digits` the bodies of INFO requests stay."""
    body = _KEYS_IN_SDP.sub(rf"\1{_HIDDEN}", message.body.decode("latin-1")).encode("latin-1")
    fields: Fields = tuple((name, _value(name, value)) for name, value in message.fields)
    if isinstance(message, Response):
        return write(msgspec.structs.replace(message, fields=fields, body=body))
    if message.method == "INFO" and not digits:
        body = b"*" * len(body)
    return write(msgspec.structs.replace(message, fields=fields, body=body, uri=_text(message.uri)))


def _value(name: str, value: str) -> str:
    if name.lower() in _PROOFS:
        return f"{value.partition(' ')[0]} {_HIDDEN}"
    return _HIDDEN if _SECRET.search(name) else _text(value)


def _text(text: str) -> str:
    return _SECRET_PARAMETER.sub(rf"\1{_HIDDEN}", _PASSWORD_IN_URI.sub(rf"\1:{_HIDDEN}@", text))


def json(value: Any, digits: bool, depth: int = 0) -> Any:
    """A JSON value; with `digits` those that were pressed stay."""
    if depth > _MAX_DEPTH:
        return _HIDDEN
    if isinstance(value, dict):
        members = cast("dict[str, Any]", value)
        if members.keys() == {"name", "value"}:
            return _header(members)
        return {name: _member(name, each, digits, depth) for name, each in members.items()}
    if isinstance(value, list):
        return [json(each, digits, depth + 1) for each in cast("list[Any]", value)]
    return _KEYS_IN_SDP.sub(rf"\1{_HIDDEN}", value) if isinstance(value, str) else value


def _member(name: str, value: Any, digits: bool, depth: int) -> Any:
    if _SECRET.search(name) and value:
        return _HIDDEN
    if name.lower() in _DIGITS and not digits and isinstance(value, str):
        return "*" * len(value)
    return json(value, digits, depth + 1)


def _header(header: dict[str, Any]) -> dict[str, Any]:
    """A header as the browser SDK lists them."""
    return header | {"value": _HIDDEN} if _SECRET.search(str(header["name"])) else header
