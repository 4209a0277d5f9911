"""The headers that steer SIP itself, text ⇄ values: Via, From, To, Contact, Route, CSeq and their like. No I/O."""

import re

import msgspec

from offhook.wire.sip_grammar import (
    HOST,
    QUOTED,
    TOKEN,
    Malformed,
    Params,
    param,
    parse_params,
    quoted,
    remembered,
    unquoted,
    with_param,
    write_params,
)
from offhook.wire.sip_uri import Uri, parse_port, parse_uri, write_host

MAGIC_COOKIE = "z9hG4bK"  # a branch that begins so identifies its transaction (RFC 3261 section 8.1.1.7)
MAX_SEQUENCE = 2**31 - 1
MAX_SECONDS = 2**32 - 1

_VIA = re.compile(
    rf"SIP\s*+/\s*+2\.0\s*+/\s*+({TOKEN})\s++({HOST})\s*+(?::\s*+([0-9]{{1,5}})\s*+)?(;.*+)?", re.IGNORECASE | re.DOTALL
)
# Display names that are not quoted are read though they hold more than tokens: carriers send them.
_NAMED = re.compile(rf"\s*+(?:({QUOTED})\s*+|([^\"<>]*+))<([^<>]*+)>\s*+(;.*+)?", re.DOTALL)
_BARE = re.compile(r"\s*+([^\s;,?<>\"]++)\s*+(;.*+)?", re.DOTALL)
_CSEQ = re.compile(rf"([0-9]++)\s++({TOKEN})")
_RACK = re.compile(rf"([0-9]++)\s++([0-9]++)\s++({TOKEN})")


class Via(msgspec.Struct, frozen=True):
    """One hop (RFC 3261 section 20.42). `transport` in upper case, an IPv6 host without brackets."""

    transport: str
    host: str
    port: int | None = None
    params: Params = ()

    @property
    def branch(self) -> str:
        """Empty where there is none, or nothing after the magic cookie: such a branch identifies nothing."""
        branch = param(self.params, "branch") or ""
        return "" if branch == MAGIC_COOKIE else branch

    def reached_from(self, host: str, port: int) -> "Via":
        """As the far end's top Via must look once we know where its request came from: with `received` where its own
        word differs, and with `rport` where it asked for one (RFC 3581 section 4). What it says of both counts for
        nothing: answers would go where a stranger wants them."""
        params, names = self.params, {name for name, _ in self.params}
        if "rport" in names:
            params = with_param(params, "rport", str(port))
        if host != self.host or not names.isdisjoint(("rport", "received")):
            params = with_param(params, "received", host)
        return self if params is self.params else msgspec.structs.replace(self, params=params)

    def reply_to(self) -> tuple[str, int]:
        """Host and port that an answer over UDP goes to (RFC 3261 section 18.2.2). `maddr` is not followed: it would
        let a stranger choose whom we send to."""
        port = param(self.params, "rport") or ""
        received = (param(self.params, "received") or self.host).strip("[]")
        if port.isascii() and port.isdigit() and len(port) <= 5:
            return received, int(port)
        return received, self.port or (5061 if self.transport == "TLS" else 5060)

    def __str__(self) -> str:
        return f"SIP/2.0/{self.transport} {write_host(self.host, self.port)}{write_params(self.params)}"


class NameAddr(msgspec.Struct, frozen=True):
    """What From, To, Contact, Route, Refer-To and the identity headers hold; `params` belong to the header."""

    uri: Uri
    display: str = ""
    params: Params = ()

    @property
    def tag(self) -> str:
        return self.param("tag") or ""

    def param(self, name: str) -> str | None:
        """Of the header's parameter: its value, "" where it has none, None where it is not there."""
        return param(self.params, name)

    def tagged(self, tag: str) -> "NameAddr":
        return msgspec.structs.replace(self, params=with_param(self.params, "tag", tag))

    def __str__(self) -> str:
        display = f"{quoted(self.display)} " if self.display else ""
        return f"{display}<{self.uri}>{write_params(self.params)}"


class CSeq(msgspec.Struct, frozen=True):
    """RFC 3261 section 20.16."""

    number: int
    method: str

    def __str__(self) -> str:
        return f"{self.number} {self.method}"


class RAck(msgspec.Struct, frozen=True):
    """Which reliable provisional response a PRACK acknowledges (RFC 3262 section 7.2)."""

    response: int
    cseq: CSeq

    def __str__(self) -> str:
        return f"{self.response} {self.cseq}"


class Valued(msgspec.Struct, frozen=True):
    """A value with parameters, as Content-Type, Event, Reason, Replaces and Session-Expires have."""

    value: str
    params: Params = ()

    def param(self, name: str) -> str | None:
        """Of the parameter: its value, "" where it has none, None where it is not there."""
        return param(self.params, name)

    def __str__(self) -> str:
        return f"{self.value}{write_params(self.params)}"


def parse_via(text: str) -> Via:
    match = _VIA.fullmatch(text)
    if match is None:
        raise Malformed("Via is malformed")
    transport, host, port, params = match.groups()
    return Via(transport.upper(), host.strip("[]"), parse_port(port), parse_params(params) if params else ())


@remembered
def parse_name_addr(text: str) -> NameAddr:
    """Without angle brackets the parameters are the header's, and the URI has none of its own and no headers (RFC 3261
    section 20.10)."""
    match = _NAMED.fullmatch(text)
    if match is not None:
        name, words, uri, params = match.groups()
        display = unquoted(name) if name else words.strip()
        return NameAddr(parse_uri(uri.strip()), display, parse_params(params) if params else ())
    match = _BARE.fullmatch(text)
    if match is None:
        raise Malformed("an address is malformed")
    uri, params = match.groups()
    return NameAddr(parse_uri(uri), params=parse_params(params) if params else ())


@remembered
def parse_cseq(text: str) -> CSeq:
    match = _CSEQ.fullmatch(text)
    if match is None:
        raise Malformed("CSeq is malformed")
    return CSeq(_bounded(match[1], MAX_SEQUENCE, "CSeq"), match[2])


def parse_rack(text: str) -> RAck:
    match = _RACK.fullmatch(text)
    if match is None:
        raise Malformed("RAck is malformed")
    cseq = CSeq(_bounded(match[2], MAX_SEQUENCE, "RAck"), match[3])
    return RAck(_bounded(match[1], MAX_SEQUENCE, "RAck"), cseq)


def parse_valued(text: str) -> Valued:
    value, semicolon, params = text.partition(";")
    return Valued(value.strip(), parse_params(semicolon + params) if params else ())


def parse_number(text: str, limit: int, name: str) -> int:
    """A number of at most `limit`, digits and nothing else; Malformed, which names the header, otherwise."""
    if not text.isascii() or not text.isdigit():
        raise Malformed(f"{name} is not a number")
    return _bounded(text, limit, name)


def _bounded(digits: str, limit: int, name: str) -> int:
    significant = digits.lstrip("0") or "0"  # int() of thousands of digits takes long, and raises at the end
    if len(significant) > len(str(limit)) or int(significant) > limit:
        raise Malformed(f"{name} is too large")
    return int(significant)
