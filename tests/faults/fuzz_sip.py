"""A fuzz target: any bytes as a SIP datagram and as a stream in pieces, read as far as anybody would read them."""

import contextlib
from collections.abc import Callable

from offhook.wire.digest import parse_challenge, parse_credentials
from offhook.wire.sip_admission import Refused, answer, respond
from offhook.wire.sip_framing import MAX_BODY, MAX_HEAD, Item, KeepAlive, Stream, Unframed, read_datagram
from offhook.wire.sip_grammar import Malformed
from offhook.wire.sip_headers import parse_rack, parse_valued
from offhook.wire.sip_message import Request, Response, write
from offhook.wire.sip_requests import ack_of, cancel_of, cancelled_key, client_key, server_key

# Pieces that mean something to the protocol, for mutations.
WORDS = (
    *(
        b"\r\n",
        b"\r\n ",
        b"\r\n\r\n",
        b"\n",
        b"\r",
        b"\0",
        b"\xff",
        b" ",
        b"\t",
        b":",
        b";",
        b",",
        b"<",
        b">",
        b'"',
        b"\\",
    ),
    *(b"%00", b"%ff", b"%25%34%31", b"[::1]", b"[", b"@", b"?", b"=", b"sip:", b"sips:", b"tel:", b"urn:", b"*"),
    *(b"Via: SIP/2.0/UDP a;branch=z9hG4bK", b"\r\nv:", b"\r\nContent-Length: 5", b"\r\nl: -1", b"Route: <sip:a;lr>"),
    *(
        b"SIP/2.0 200 OK\r\n",
        b"SIP/7.0",
        b"INVITE ",
        b"CANCEL ",
        b"ACK ",
        b"9" * 400,
        b"A" * 5000,
        b"<" * 3000,
        b'"' * 3000,
    ),
    *(
        b'Authorization: Digest username="',
        b"nc=",
        b"algorithm=MD5",
        b";received=",
        b";rport",
        b";tag=",
        b"\r\nRAck: 1 1 X",
    ),
)
_LISTS = ("Contact", "Route", "Record-Route", "Path", "P-Asserted-Identity", "Diversion", "Refer-To")
_PARSERS: dict[str, Callable[[str], object]] = {
    "Authorization": parse_credentials,
    "Proxy-Authorization": parse_credentials,
    "WWW-Authenticate": parse_challenge,
    "RAck": parse_rack,
    "Session-Expires": parse_valued,
    "Replaces": parse_valued,
}


def fuzz_sip(data: bytes) -> None:
    """No exception but Malformed may leave, what is read is read again as it was written, no split changes anything."""
    item = read_datagram(data)
    if item is not None:
        _use(item)
    for heard in _heard(data, len(data) or 1):
        _use(heard)
    whole = _heard(data, len(data) or 1)
    assert _heard(data, 7) == _heard(data, 1) == whole
    assert not any(isinstance(each, Unframed) for each in whole[:-1]), "something came after the stream was lost"


def _heard(data: bytes, size: int) -> list[Item]:
    stream = Stream()
    items = [item for at in range(0, len(data), size) for item in stream.receive(data[at : at + size])]
    assert stream.pending <= MAX_HEAD + MAX_BODY
    return items


def _use(item: Item) -> None:
    if isinstance(item, KeepAlive):
        return
    if isinstance(item, Refused):
        response = answer(item, "tag")
        assert response is None or read_datagram(write(response)) is not None
        return
    assert read_datagram(write(item)) == item
    _interpret(item)
    if isinstance(item, Request):
        _serve(item)


def _interpret(message: Request | Response) -> None:
    client_key(message)
    for name in _LISTS:
        with contextlib.suppress(Malformed):
            assert str(message.addresses(name)) is not None
    for name, parse in _PARSERS.items():
        for value in message.every(name):
            with contextlib.suppress(Malformed):
                parse(value)


def _serve(request: Request) -> None:
    """Every answer can be written and read; what comes from it finds its way back."""
    came = request.came_from("2001:db8::7", 50000)
    assert came.via.reply_to()[0] == "2001:db8::7"
    server_key(came)
    response = respond(came, 486, "tag")
    assert isinstance(read_datagram(write(response)), Response | Refused)
    if request.method == "INVITE":
        assert server_key(ack_of(came, response)) == server_key(came) == cancelled_key(cancel_of(came))
