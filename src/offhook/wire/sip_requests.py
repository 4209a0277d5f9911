"""Which transaction a SIP message belongs to, and the requests that follow from another: ACK and CANCEL. No I/O."""

from offhook.wire.sip_headers import MAGIC_COOKIE
from offhook.wire.sip_message import Request, Response

Key = tuple[str, ...]

_SAME_IN_CANCEL = ("Via", "From", "To", "Call-ID", "Route")
# A request that goes the way of another must prove itself there as that did (RFC 3261 section 22.1).
_SAME_IN_ACK = ("Via", "From", "Call-ID", "Route", "Authorization", "Proxy-Authorization")


def client_key(message: Request | Response) -> Key:
    """Of a request of ours, and the same of its responses (RFC 3261 section 17.1.3)."""
    return message.via.branch, message.cseq.method


def server_key(request: Request) -> Key:
    """The same for a request of the far end, for each copy of it, and for the ACK of an INVITE's final response that is
    no 2xx (RFC 3261 section 17.2.3)."""
    return _server_key(request, "INVITE" if request.method == "ACK" else request.method)


def cancelled_key(cancel: Request) -> Key:
    """The `server_key` of the INVITE that a CANCEL means; nothing else can be cancelled (RFC 3261 section 9.2)."""
    return _server_key(cancel, "INVITE")


def _server_key(request: Request, method: str) -> Key:
    via = request.via
    if via.branch.startswith(MAGIC_COOKIE):
        return via.branch, via.host.lower(), str(via.port or ""), method
    # RFC 2543 knew no branches: what an ACK has in common with its INVITE beside the tag of the response.
    ids = request.call_id, str(request.cseq.number), request.from_.tag, request.uri
    return "2543", *ids, str(via), method


def ack_of(invite: Request, response: Response) -> Request:
    """The ACK of a final response that is no 2xx; it is part of the INVITE's transaction (RFC 3261 section 17.1.1.3).
    That of a 2xx is a request of its own, in the dialog."""
    return _following("ACK", invite, _SAME_IN_ACK, response.one("To"))


def cancel_of(invite: Request) -> Request:
    """The CANCEL of an INVITE that has had a provisional response and no final one (RFC 3261 section 9.1); before that
    it must wait. It is a transaction of its own."""
    return _following("CANCEL", invite, _SAME_IN_CANCEL, None)


def _following(method: str, invite: Request, same: tuple[str, ...], to: str | None) -> Request:
    fields = [field for field in invite.fields if field[0] in same]
    if to is not None:
        fields.append(("To", to))
    fields += [("Max-Forwards", "70"), ("CSeq", f"{invite.cseq.number} {method}")]
    return Request(method=method, uri=invite.uri, fields=tuple(fields))
