"""Which SIP messages are fit to be used, and what those that are not are answered (RFC 3261 sections 8.1.3, 8.2, 16.3).

It knows the headers that every message must have and nothing of methods, extensions and users. No I/O.
"""

from collections.abc import Collection

import msgspec

from offhook.wire.sip_fields import Fields
from offhook.wire.sip_grammar import Malformed
from offhook.wire.sip_message import Head, Request, Response
from offhook.wire.sip_status import reason
from offhook.wire.sip_uri import OtherUri

_COPIED = ("Via", "From", "To", "Call-ID", "CSeq")
_ONCE = ("From", "To", "Call-ID", "CSeq", "Max-Forwards")


class Refused(msgspec.Struct, frozen=True):
    """A message that must not be used. `answer` makes the response that is due, if any is; `why` is for people."""

    why: str
    status: int
    request: Request | None = None


def admit(head: Head, body: bytes) -> Request | Response | Refused:
    """The whole message, where it is fit: each of Via, From, To, Call-ID, CSeq and of the Contacts can be read, and of
    a request Max-Forwards and the Request-URI too, which is a SIP, SIPS or TEL URI."""
    message = msgspec.structs.replace(head.message, body=body) if body else head.message
    try:
        if head.fault is not None:
            raise head.fault
        if isinstance(message, Request):
            _check_request(message)
        else:
            _check_response(message)
    except Malformed as malformed:
        return Refused(str(malformed), malformed.status, message if isinstance(message, Request) else None)
    return message


def _check_request(request: Request) -> None:
    _check_common(request)
    if request.cseq.method != request.method:
        raise Malformed("CSeq is of another method")
    if isinstance(request.target, OtherUri):
        raise Malformed("the scheme of the Request-URI is not known", 416)
    _ = request.max_forwards


def _check_response(response: Response) -> None:
    _check_common(response)
    if len(response.elements("Via")) != 1:
        raise Malformed("a response to somebody else")  # RFC 3261 section 8.1.3.3


def _check_common(message: Request | Response) -> None:
    for name in _ONCE:
        if len(message.every(name)) > 1:
            raise Malformed(f"{name} is there twice")
    if not message.call_id:
        raise Malformed("Call-ID is empty")
    _ = message.via, message.from_, message.to, message.cseq, message.contacts


def respond(request: Request, status: int, to_tag: str, more: Fields = (), body: bytes = b"") -> Response:
    """A response with what RFC 3261 section 8.2.6 has it copy, as it was written. `to_tag` goes to To where that has
    no tag yet; 100 gets none."""
    copied = [field for field in request.fields if field[0] in _COPIED]
    if status > 100 and not _has_tag(request):
        copied = [(name, f"{value};tag={to_tag}") if name == "To" else (name, value) for name, value in copied]
    return Response(status=status, reason=reason(status), fields=(*copied, *more), body=body)


def _has_tag(request: Request) -> bool:
    """Or what cannot be read, to which nothing can be added."""
    try:
        return request.to.tag != ""
    except Malformed:
        return True


def unsupported(request: Request, supported: Collection[str]) -> tuple[str, ...]:
    """The option tags that a request requires and nobody here knows: the answer is 420, with these in Unsupported (RFC
    3261 section 8.2.2.3). `supported` are in lower case. Of ACK and CANCEL nothing is required."""
    if request.method in ("ACK", "CANCEL"):
        return ()
    required = (*request.elements("Require"), *request.elements("Proxy-Require"))
    return tuple(option for option in required if option.lower() not in supported)


def answer(refused: Refused, to_tag: str) -> Response | None:
    """What a refused message is answered; None for silence. Responses and ACK get none, nor does a request whose Via or
    CSeq cannot be read: nobody could tell what the answer is to."""
    request = refused.request
    if request is None or request.method == "ACK":
        return None
    try:
        _ = request.via, request.one("CSeq")
    except Malformed:
        return None
    response = respond(request, refused.status, to_tag)
    # RFC 3261 section 21.4.1: the phrase should tell what is wrong.
    return msgspec.structs.replace(response, reason=refused.why) if refused.status == 400 else response
