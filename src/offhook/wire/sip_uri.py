"""SIP, SIPS and TEL URIs, text ⇄ values, and which of them are the same (RFC 3261 section 19.1, RFC 3966). No I/O."""

import re
from typing import Literal
from urllib.parse import quote, unquote

import msgspec

from offhook.wire.sip_grammar import HOST, Malformed, Params, param, remembered

MAX_URI = 2048  # characters; beyond, 414

# Beside what the grammar allows unescaped, `#` in users (star codes of phones) and `%` without two digits are read.
_USER = r"[A-Za-z0-9\-_.!~*'()&=+$,;?/#%]++"
_PASSWORD = r"[A-Za-z0-9\-_.!~*'()&=+$,%]*+"
_PARAM_CHAR = r"[A-Za-z0-9\-_.!~*'()\[\]/:&+$%=]"
_HEADER_CHAR = r"[A-Za-z0-9\-_.!~*'()\[\]/?:+$%=&]"
_SIP = re.compile(
    rf"(sips?):(?:({_USER})(?::({_PASSWORD}))?@)?({HOST})(?::([0-9]{{1,5}}))?((?:;{_PARAM_CHAR}++)*+)(?:\?({_HEADER_CHAR}*+))?",
    re.IGNORECASE,
)
_TEL = re.compile(r"tel:(\+?[0-9A-Fa-f*#\-.()]++)((?:;[^\s;<>\"]++)*+)", re.IGNORECASE)
_OTHER = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*+):([^\s<>\"]++)")

_USER_SAFE = "-_.!~*'()&=+$,;?/"
_PASSWORD_SAFE = "-_.!~*'()&=+$,"
_PARAM_SAFE = "-_.!~*'()[]/:&+$"
_PLAIN = re.compile(r"[A-Za-z0-9\-_.!~*'()&+$]*+")  # in need of no escape anywhere
_SEPARATORS = str.maketrans("", "", "-.()")
# A parameter of these names has a meaning even when only one of the two URIs has it (RFC 3261 section 19.1.4).
_TELLING = frozenset({"user", "ttl", "method", "maddr", "transport"})


class SipUri(msgspec.Struct, frozen=True):
    """All parts are unescaped but `headers`, which is the text after `?`. It must never become headers of a request
    that a far end did not write itself. An IPv6 host has no brackets here."""

    host: str
    user: str | None = None
    port: int | None = None
    params: Params = ()
    scheme: Literal["sip", "sips"] = "sip"
    password: str | None = None
    headers: str = ""

    def param(self, name: str) -> str | None:
        """Of the parameter: its value, "" where it has none, None where it is not there."""
        return param(self.params, name)

    def __str__(self) -> str:
        user = "" if self.user is None else f"{_escaped(self.user, _USER_SAFE)}{self._password()}@"
        params = "".join([_write_param(name, value) for name, value in self.params])
        headers = f"?{self.headers}" if self.headers else ""
        return f"{self.scheme}:{user}{write_host(self.host, self.port)}{params}{headers}"

    def _password(self) -> str:
        return "" if self.password is None else f":{_escaped(self.password, _PASSWORD_SAFE)}"


class TelUri(msgspec.Struct, frozen=True):
    """A telephone number without visual separators; global ones begin with `+`."""

    number: str
    params: Params = ()

    def param(self, name: str) -> str | None:
        """Of the parameter: its value, "" where it has none, None where it is not there."""
        return param(self.params, name)

    def __str__(self) -> str:
        return f"tel:{self.number}{''.join([_write_param(name, value) for name, value in self.params])}"


class OtherUri(msgspec.Struct, frozen=True):
    """A URI of a scheme that is none of ours; a request to it is answered 416."""

    scheme: str
    rest: str

    def __str__(self) -> str:
        return f"{self.scheme}:{self.rest}"


Uri = SipUri | TelUri | OtherUri


@remembered
def parse_uri(text: str) -> Uri:
    """Malformed, which says 414 or 400, where `text` is no URI."""
    if len(text) > MAX_URI:
        raise Malformed("a URI is too long", 414)
    match = _SIP.fullmatch(text)
    if match is not None:
        return _sip_uri(*match.groups())
    match = _TEL.fullmatch(text)
    if match is not None:
        number, params = match.groups()
        return TelUri(number.translate(_SEPARATORS), _parse_params(params))
    return _other_uri(text)


def _sip_uri(
    scheme: str, user: str | None, password: str | None, host: str, port: str | None, params: str, headers: str | None
) -> SipUri:
    return SipUri(
        host=host.strip("[]"),
        user=user if user is None else _unescaped(user),
        port=parse_port(port),
        params=_parse_params(params) if params else (),
        scheme="sips" if len(scheme) == 4 else "sip",
        password=password if password is None else _unescaped(password),
        headers=headers or "",
    )


def _other_uri(text: str) -> OtherUri:
    match = _OTHER.fullmatch(text)
    if match is None or match[1].lower() in ("sip", "sips", "tel"):
        raise Malformed("a URI is malformed")
    return OtherUri(match[1].lower(), match[2])


def parse_port(text: str | None) -> int | None:
    """Malformed where it is beyond 65535."""
    if text is None:
        return None
    port = int(text)
    if port > 65535:
        raise Malformed("a port is beyond 65535")
    return port


def write_host(host: str, port: int | None) -> str:
    """`host` with the brackets of IPv6 where it needs them, and the port where there is one."""
    bracketed = f"[{host}]" if ":" in host else host
    return bracketed if port is None else f"{bracketed}:{port}"


def equivalent(one: Uri, other: Uri) -> bool:
    """Whether both name the same resource (RFC 3261 section 19.1.4): what a registrar compares contacts by."""
    if not isinstance(one, SipUri) or not isinstance(other, SipUri):
        return one == other
    return _identity(one) == _identity(other) and _params_agree(dict(one.params), dict(other.params))


def _identity(uri: SipUri) -> tuple[object, ...]:
    headers = frozenset(uri.headers.lower().split("&"))
    return (uri.scheme, uri.user, uri.password, uri.host.lower(), uri.port, headers)


def _params_agree(one: dict[str, str | None], other: dict[str, str | None]) -> bool:
    compared = (one.keys() & other.keys()) | ((one.keys() | other.keys()) & _TELLING)
    return all(_folded(one.get(name, "")) == _folded(other.get(name, "")) for name in compared)


def _folded(value: str | None) -> str:
    return (value or "").lower()


def _parse_params(text: str) -> Params:
    found: list[tuple[str, str | None]] = []
    for piece in text.split(";")[1:]:
        name, equals, value = piece.partition("=")
        found.append((_unescaped(name).lower(), _unescaped(value) if equals else None))
    return tuple(found)


def _write_param(name: str, value: str | None) -> str:
    name = _escaped(name, _PARAM_SAFE)
    return f";{name}" if value is None else f";{name}={_escaped(value, _PARAM_SAFE)}"


def _unescaped(text: str) -> str:
    """Once, never again on what came out: `%2541` is `%41`."""
    if "%" not in text:
        return text
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise Malformed("an escape in a URI is not UTF-8") from None


def _escaped(text: str, safe: str) -> str:
    return text if _PLAIN.fullmatch(text) else quote(text, safe=safe)
