"""The small pieces that SIP headers are made of: tokens, quoted strings, parameters, comma lists (RFC 3261 section 25).

It knows no header by name. No I/O.
"""

import re
from collections.abc import Callable
from functools import lru_cache, wraps
from typing import TypeVar

# (name in lower case, value as written or None): `;lr;tag="a b"` is (("lr", None), ("tag", '"a b"')).
Params = tuple[tuple[str, str | None], ...]

TOKEN = r"[A-Za-z0-9\-.!%*_+`'~]++"
QUOTED = r'"(?:[^"\\]|\\.)*+"'
# A name (private ones have underscores), an IPv4 address, or an IPv6 address in brackets. Whether an address is one is
# seen when it is used: RFC 5118 section 4.10 asks to be liberal in reading.
HOST = r"[A-Za-z0-9._\-]++|\[[0-9A-Fa-f:.]++\]"

_TOKEN = re.compile(TOKEN)
# A value may hold more than a token: bare IPv6 addresses are met (RFC 5118 section 4.5), so are `=` and `@`.
_PARAM = re.compile(rf"\s*+;\s*+({TOKEN})\s*+(?:=\s*+({QUOTED}|[^\s;,\"<>]*+)\s*+)?", re.DOTALL)
_ELEMENT = re.compile(rf'(?:[^,"<]++|{QUOTED}|<[^>]*+>)*+', re.DOTALL)
_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)


T = TypeVar("T")

# What is remembered of each grammar: texts that short, the last of them.
_SHORT, _LAST = 256, 4096


class Malformed(ValueError):
    """Text that breaks the grammar. `status` is the answer that a request with it gets; the text is for people and
    holds nothing of what was read."""

    def __init__(self, why: str, status: int = 400) -> None:
        super().__init__(why)
        self.status = status


def remembered(parse: Callable[[str], T]) -> Callable[[str], T]:
    """The same parser, which reads a text once that comes again and again: each message of a call has the same From,
    To and Contact. What it makes must be frozen. Long texts are read each time, so that no far end fills memory."""
    kept = lru_cache(_LAST)(parse)

    @wraps(parse)
    def parse_once(text: str) -> T:
        return kept(text) if len(text) <= _SHORT else parse(text)

    return parse_once


def is_token(text: str) -> bool:
    return _TOKEN.fullmatch(text) is not None


def parse_params(text: str) -> Params:
    """What follows a value, from its first semicolon on. Malformed where anything in it is no parameter."""
    found: list[tuple[str, str | None]] = []
    at = 0
    while at < len(text):
        match = _PARAM.match(text, at)
        if match is None:
            raise Malformed("a parameter is malformed")
        name, value = match.groups()
        found.append((name.lower(), value))
        at = match.end()
    return tuple(found)


def write_params(params: Params) -> str:
    return "".join([f";{name}" if value is None else f";{name}={value}" for name, value in params])


def param(params: Params, name: str) -> str | None:
    """The first parameter of that name without its quotes; "" where it has no value, None where there is none."""
    for key, value in params:
        if key == name:
            return "" if value is None else unquoted(value)
    return None


def with_param(params: Params, name: str, value: str | None) -> Params:
    """The same parameters with this one in its place, or at the end."""
    if any(key == name for key, _ in params):
        return tuple((key, value if key == name else old) for key, old in params)
    return (*params, (name, value))


def split_commas(text: str) -> list[str]:
    """The elements of a comma list, stripped. Commas in quotes and in angle brackets separate nothing."""
    if "," not in text:
        return [text.strip()]
    if '"' not in text and "<" not in text:
        return [element.strip() for element in text.split(",")]
    return _split_carefully(text)


def _split_carefully(text: str) -> list[str]:
    elements: list[str] = []
    at = 0
    while True:
        match = _ELEMENT.match(text, at)
        end = match.end() if match else at
        if end < len(text) and text[end] != ",":
            raise Malformed("a quote or bracket is not closed")
        elements.append(text[at:end].strip())
        if end == len(text):
            return elements
        at = end + 1


def quoted(text: str) -> str:
    """A quoted-string that stands for `text`."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def unquoted(text: str) -> str:
    """What a quoted-string stands for; any other text stands for itself."""
    if text[:1] != '"':
        return text
    inner = text[1:-1]
    return _QUOTED_PAIR.sub(r"\1", inner) if "\\" in inner else inner
