"""The lines of a SIP header ⇄ (name, value) pairs: compact forms, folding, and what each name is called. No I/O."""

import contextlib
import re
from collections.abc import Iterable

from offhook.wire.sip_grammar import Malformed, is_token

Fields = tuple[tuple[str, str], ...]

MAX_FIELDS = 200

_COMPACT = {
    "a": "Accept-Contact",
    "b": "Referred-By",
    "c": "Content-Type",
    "d": "Request-Disposition",
    "e": "Content-Encoding",
    "f": "From",
    "i": "Call-ID",
    "j": "Reject-Contact",
    "k": "Supported",
    "l": "Content-Length",
    "m": "Contact",
    "o": "Event",
    "r": "Refer-To",
    "s": "Subject",
    "t": "To",
    "u": "Allow-Events",
    "v": "Via",
    "x": "Session-Expires",
    "y": "Identity",
}
_NAMES = (
    *_COMPACT.values(),
    *("Accept", "Accept-Encoding", "Accept-Language", "Alert-Info", "Allow", "Authentication-Info", "Authorization"),
    *("Call-Info", "Content-Disposition", "Content-Language", "CSeq", "Date", "Diversion", "Error-Info", "Expires"),
    *(
        "Flow-Timer",
        "Geolocation",
        "History-Info",
        "In-Reply-To",
        "Join",
        "Max-Forwards",
        "MIME-Version",
        "Min-Expires",
    ),
    *("Min-SE", "Organization", "P-Asserted-Identity", "P-Charging-Vector", "P-Early-Media", "P-Preferred-Identity"),
    *("Path", "Priority", "Privacy", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Require", "RAck", "Reason"),
    *(
        "Record-Route",
        "Refer-Sub",
        "Remote-Party-ID",
        "Replaces",
        "Reply-To",
        "Require",
        "Retry-After",
        "Route",
        "RSeq",
    ),
    *("Server", "Service-Route", "Subscription-State", "Target-Dialog", "Timestamp", "Unsupported", "User-Agent"),
    *("User-to-User", "Warning", "WWW-Authenticate"),
)
# By every way of writing that is common, so that most lines of most messages are found at once.
_CALLED = (
    {name: name for name in _NAMES}
    | {name.lower(): name for name in _NAMES}
    | _COMPACT
    | {letter.upper(): name for letter, name in _COMPACT.items()}
)
_FOLD = re.compile(r"[ \t]*+\r\n[ \t]++")


def parse_fields(head: str) -> Fields:
    """The lines after the start line, known names as the RFCs write them, others as they came."""
    lines = _unfolded(head).split("\r\n")
    if len(lines) > MAX_FIELDS:
        raise Malformed("too many header lines", 513)
    return tuple([_field(line) for line in lines])


def salvaged_fields(head: str) -> Fields:
    """Those lines that are not malformed: enough, perhaps, to tell the far end about those that are."""
    found: list[tuple[str, str]] = []
    for line in _unfolded(head).split("\r\n")[:MAX_FIELDS]:
        with contextlib.suppress(Malformed):
            found.append(_field(line))
    return tuple(found)


def _unfolded(head: str) -> str:
    return _FOLD.sub(" ", head) if "\r\n " in head or "\r\n\t" in head else head


def _field(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    called = _CALLED.get(name) or _called(name.rstrip(" \t"))
    if not colon:
        raise Malformed("a header line has no colon")
    if "\n" in line or "\r" in line:  # one layer would see two headers where another sees one
        raise Malformed("a line does not end in CR LF")
    return called, value.strip(" \t")


def _called(name: str) -> str:
    known = _CALLED.get(name.lower())
    if known is not None:
        return known
    if not is_token(name):
        raise Malformed("the name of a header is malformed")
    return name


def by_name(fields: Fields) -> dict[str, list[str]]:
    """The values under each name in lower case, in their order."""
    found: dict[str, list[str]] = {}
    for name, value in fields:
        found.setdefault(name.lower(), []).append(value)
    return found


def without(fields: Fields, *names: str) -> Fields:
    """All fields but those of these names, which are written as `parse_fields` gives them."""
    return tuple([field for field in fields if field[0] not in names])


def write_head(start: str, fields: Iterable[tuple[str, str]]) -> bytes:
    """Start line and header with the empty line at the end. ValueError where something in them would end a line: that
    must never reach the wire (CWE-93), and whoever composed it has a bug."""
    lines = [start, *[f"{name}: {value}" for name, value in fields], "\r\n"]
    head = "\r\n".join(lines)
    if head.count("\n") != len(lines) or head.count("\r") != len(lines):
        raise ValueError("a header holds a line end")
    return head.encode()
