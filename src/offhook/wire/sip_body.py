"""The description of a session in the body of a SIP message, alone or as a part among others (RFC 5621). No I/O."""

import re

from offhook.wire import sdp
from offhook.wire.sip_grammar import Malformed
from offhook.wire.sip_headers import parse_valued
from offhook.wire.sip_message import Message

SDP = "application/sdp"
MAX_PARTS = 16
_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,\-./:=? ]{1,70}")
_CONTENT_TYPE = re.compile(rb"^content-type\s*:\s*([^;\r\n]+)|^c\s*:\s*([^;\r\n]+)", re.IGNORECASE | re.MULTILINE)


def content_type(message: Message) -> str:
    """Without parameters, in lower case; "" where there is none."""
    text = message.first("Content-Type")
    return "" if text is None else parse_valued(text).value.lower()


def description(message: Message) -> str:
    """The description in a message; "" where it has no body. Malformed, which says the status, where it has another
    body, or one that is no SDP."""
    if not message.body:
        return ""
    kind = content_type(message)
    octets = _part(message) if kind.startswith("multipart/") else message.body if kind == SDP else None
    if octets is None:
        raise Malformed("only SDP is understood", 415)
    text = octets.decode(errors="replace")
    try:
        sdp.check(text)
    except ValueError as error:
        raise Malformed(str(error), 488) from None
    return text


def _part(message: Message) -> bytes | None:
    """The first part that is a description."""
    boundary = parse_valued(message.one("Content-Type")).param("boundary") or ""
    if _BOUNDARY.fullmatch(boundary) is None:
        raise Malformed("the boundary of the parts is malformed")
    pieces = (b"\r\n" + message.body).split(b"\r\n--" + boundary.encode(), MAX_PARTS + 1)
    for piece in pieces[1:]:
        head, _, body = piece.partition(b"\r\n\r\n")
        found = _CONTENT_TYPE.search(head)
        if found is not None and (found[1] or found[2]).strip().lower() == SDP.encode():
            return body + b"\r\n"
    return None
