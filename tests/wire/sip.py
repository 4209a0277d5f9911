"""SIP messages for tests: a request with all that it must have, and the little that a test wants otherwise."""

from typing import TypeVar

from offhook.wire.sip_fields import Fields
from offhook.wire.sip_framing import read_datagram
from offhook.wire.sip_message import Request, Response, write

VIA = "SIP/2.0/UDP 192.0.2.7:5060;branch=z9hG4bK87asdks7;rport"
_M = TypeVar("_M", Request, Response)


def request(
    method: str = "INVITE",
    more: Fields = (),
    *,
    uri: str = "sip:bob@example.com",
    via: str = VIA,
    to: str = "<sip:bob@example.com>",
    sender: str = '"Alice" <sip:alice@example.com>;tag=9fxced76sl',
    cseq: str = "2",
    body: bytes = b"",
) -> Request:
    fields = (
        ("Via", via),
        ("Max-Forwards", "70"),
        ("From", sender),
        ("To", to),
        ("Call-ID", "3848276298220188511@192.0.2.7"),
        ("CSeq", f"{cseq} {method}"),
    )
    return Request(method=method, uri=uri, fields=(*fields, *more), body=body)


def over_the_wire(message: _M) -> _M:
    """As the far end reads it."""
    read = read_datagram(write(message))
    assert isinstance(read, type(message))
    return read
