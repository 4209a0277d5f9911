"""SIP requests and responses, bytes ⇄ values (RFC 3261 section 7). It interprets a header only when it is asked for.

Which messages are fit to be used, `sip_admission` knows; where one ends in a stream, `sip_framing`. No I/O.
"""

import re
from functools import cached_property

import msgspec

from offhook.wire.sip_fields import Fields, by_name, parse_fields, salvaged_fields, without, write_head
from offhook.wire.sip_grammar import Malformed, is_token, split_commas
from offhook.wire.sip_headers import CSeq, NameAddr, Via, parse_cseq, parse_name_addr, parse_number, parse_via
from offhook.wire.sip_uri import Uri, parse_uri

_VERSION = "SIP/2.0"
_SOME_VERSION = re.compile(r"SIP/[0-9]++\.[0-9]++", re.IGNORECASE)
_STATUS_LINE = re.compile(r"SIP/2\.0 ([1-6][0-9]{2})(?: ([^\r\n]*+))?")
_MAX_LENGTH = 2**31 - 1


class Message(msgspec.Struct, frozen=True, dict=True):
    """What requests and responses share. `fields` are all headers but Content-Length, which is written from the body.

    Properties that interpret a header raise Malformed where it is missing or breaks the grammar.
    """

    fields: Fields = ()
    body: bytes = b""

    @cached_property
    def _by_name(self) -> dict[str, list[str]]:
        return by_name(self.fields)

    def first(self, name: str) -> str | None:
        """The first value under that name, whatever its case; None where there is none."""
        values = self._by_name.get(name.lower())
        return values[0] if values else None

    def every(self, name: str) -> list[str]:
        """The values under that name, one for each line."""
        return self._by_name.get(name.lower(), [])

    def elements(self, name: str) -> list[str]:
        """The elements of a comma list, over all lines of that name."""
        return [element for value in self.every(name) for element in split_commas(value) if element]

    def one(self, name: str) -> str:
        """The first value under that name; Malformed where there is none."""
        value = self.first(name)
        if value is None:
            raise Malformed(f"{name} is missing")
        return value

    @cached_property
    def via(self) -> Via:
        """The top one: the hop that the message came from."""
        return parse_via(split_commas(self.one("Via"))[0])

    @cached_property
    def from_(self) -> NameAddr:
        return parse_name_addr(self.one("From"))

    @cached_property
    def to(self) -> NameAddr:
        return parse_name_addr(self.one("To"))

    @cached_property
    def cseq(self) -> CSeq:
        return parse_cseq(self.one("CSeq"))

    @property
    def call_id(self) -> str:
        return self.one("Call-ID")

    @cached_property
    def contacts(self) -> tuple[NameAddr, ...]:
        """Without `*`, which `takes_all_away` tells."""
        return tuple([parse_name_addr(element) for element in self.elements("Contact") if element != "*"])

    def addresses(self, name: str) -> tuple[NameAddr, ...]:
        """What a list of addresses holds: Route, Record-Route, Path, P-Asserted-Identity and their like."""
        return tuple([parse_name_addr(element) for element in self.elements(name)])

    def has_option(self, name: str, option: str) -> bool:
        """Whether an option tag is among those of Supported, Require or the like."""
        return option in (element.lower() for element in self.elements(name))


class Request(Message, frozen=True, dict=True, kw_only=True):
    """`uri` is the Request-URI as written; `target` is what it means."""

    method: str
    uri: str

    @cached_property
    def target(self) -> Uri:
        return parse_uri(self.uri)

    @property
    def max_forwards(self) -> int:
        """70 where the header is missing, as from clients of RFC 2543."""
        value = self.first("Max-Forwards")
        return 70 if value is None else parse_number(value, 255, "Max-Forwards")

    @property
    def takes_all_away(self) -> bool:
        """Whether Contact is `*`: the wish to remove every binding (RFC 3261 section 10.2.2)."""
        return self.elements("Contact") == ["*"]

    def came_from(self, host: str, port: int) -> "Request":
        """The same request with its top Via as `Via.reached_from` makes it. Responses copy that."""
        via = self.via.reached_from(host, port)
        if via is self.via:
            return self
        top = next(index for index, (name, _) in enumerate(self.fields) if name == "Via")
        others = split_commas(self.fields[top][1])[1:]
        field = ("Via", ", ".join([str(via), *others]))
        stamped = msgspec.structs.replace(self, fields=(*self.fields[:top], field, *self.fields[top + 1 :]))
        # What was interpreted already need not be again: nothing else has changed.
        vars(stamped).update(vars(self), via=via, _by_name=by_name(stamped.fields))
        return stamped


class Response(Message, frozen=True, dict=True, kw_only=True):
    """`reason` is for people; nobody may decide by it."""

    status: int
    reason: str = ""


class Head(msgspec.Struct, frozen=True):
    """A message that lacks its body, and how long that is (None where the header does not say). `fault` is what is
    wrong with it so far: to be told once the message is complete."""

    message: Request | Response
    length: int | None
    fault: Malformed | None = None


def parse_head(octets: bytes) -> Head:
    """Everything up to the empty line, without that line. Malformed where not even a start line is recognised.

    Octets that are not UTF-8 are read as Latin-1, which old equipment puts into display names.
    """
    try:
        text = octets.decode()
    except UnicodeDecodeError:
        text = octets.decode("latin-1")
    start, _, lines = text.partition("\r\n")
    fault = length = None
    try:
        fields = parse_fields(lines)
        fields, length = _without_length(fields)
    except Malformed as malformed:
        fields, fault = without(salvaged_fields(lines), "Content-Length"), malformed
    if start.startswith("SIP/"):
        return Head(_parse_status_line(start, fields), length, fault)
    return _parse_request_line(start, fields, length, fault)


def _without_length(fields: Fields) -> tuple[Fields, int | None]:
    lengths = [value for name, value in fields if name == "Content-Length"]
    if not lengths:
        return fields, None
    if len(lengths) > 1:
        raise Malformed("Content-Length is there twice")  # whoever reads the other one sees another body
    return without(fields, "Content-Length"), parse_number(lengths[0], _MAX_LENGTH, "Content-Length")


def _parse_status_line(line: str, fields: Fields) -> Response:
    match = _STATUS_LINE.fullmatch(line)
    if match is None:
        raise Malformed("the status line is malformed")
    return Response(status=int(match[1]), reason=match[2] or "", fields=fields)


def _parse_request_line(line: str, fields: Fields, length: int | None, fault: Malformed | None) -> Head:
    method, _, rest = line.partition(" ")
    uri, _, version = rest.rpartition(" ")
    if not is_token(method):
        raise Malformed("there is no start line")
    if version != _VERSION:
        known = _SOME_VERSION.fullmatch(version)
        fault = Malformed("the version is not SIP/2.0", 505) if known else Malformed("the request line is malformed")
    return Head(Request(method=method, uri=uri, fields=fields), length, fault)


def write(message: Request | Response) -> bytes:
    """The octets of a message, Content-Length last of its header. ValueError where something in it ends a line."""
    length = ("Content-Length", str(len(message.body)))
    return write_head(_start_line(message), (*message.fields, length)) + message.body


def _start_line(message: Request | Response) -> str:
    if isinstance(message, Request):
        return f"{message.method} {message.uri} {_VERSION}"
    return f"{_VERSION} {message.status} {message.reason}"
