"""What REFER and its NOTIFY hold: whom to call, which dialog to take the place of, how it went (RFC 3515, RFC 3891).

No I/O.
"""

import re
from typing import Literal
from urllib.parse import parse_qsl

import msgspec

from offhook.wire.sip_grammar import Malformed
from offhook.wire.sip_headers import parse_name_addr, parse_valued
from offhook.wire.sip_message import Request
from offhook.wire.sip_status import reason
from offhook.wire.sip_uri import OtherUri, SipUri, TelUri

FRAGMENT = "message/sipfrag;version=2.0"
_STATUS = re.compile(rb"\s*SIP/2\.0 ([1-6][0-9]{2})\b")


class Replaces(msgspec.Struct, frozen=True):
    """A dialog, from the end of whoever is to give it up: `local_tag` is its own. One that is `wanted` early is not
    taken once it was answered."""

    call_id: str
    local_tag: str
    remote_tag: str
    wanted: Literal["at any time", "early"] = "at any time"


class ReferTo(msgspec.Struct, frozen=True):
    """Whom to call, without headers; and the dialog that the call is to take the place of."""

    uri: SipUri | TelUri
    replaces: Replaces | None = None


def refer_to(request: Request) -> ReferTo:
    """Malformed where there is not exactly one Refer-To, or it asks for something else than a call."""
    if len(request.every("Refer-To")) != 1:
        raise Malformed("there is not one Refer-To")
    uri = parse_name_addr(request.one("Refer-To")).uri
    if isinstance(uri, OtherUri):
        raise Malformed("the scheme of Refer-To is not known", 416)
    if isinstance(uri, TelUri):
        return ReferTo(uri)
    if (uri.param("method") or "INVITE").upper() != "INVITE":
        raise Malformed("Refer-To asks for something else than a call", 501)
    asked = {name.lower(): value for name, value in parse_qsl(uri.headers)}
    replaces = parse_replaces(asked["replaces"]) if "replaces" in asked else None
    return ReferTo(msgspec.structs.replace(uri, headers=""), replaces)


def parse_replaces(text: str) -> Replaces:
    valued = parse_valued(text)
    local, remote = valued.param("to-tag"), valued.param("from-tag")
    if not valued.value or not local or not remote:
        raise Malformed("Replaces is malformed")
    wanted = "at any time" if valued.param("early-only") is None else "early"
    return Replaces(valued.value, local, remote, wanted)


def fragment(status: int) -> bytes:
    """The body of a NOTIFY that tells how the call went."""
    return f"SIP/2.0 {status} {reason(status)}\r\n".encode()


def status_of(body: bytes) -> int | None:
    """How the call went, by the body of a NOTIFY; None where that says nothing of it."""
    match = _STATUS.match(body)
    return None if match is None else int(match[1])
