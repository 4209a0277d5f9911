"""The state of one SIP dialog: who is who in it, where its requests go, which come in order (RFC 3261 section 12).

A dialog is a value; what happens to it makes another. It knows neither transactions nor what is agreed in it. No I/O.

    dialog = as_uac(invite, response)      # of a response with a To tag: early for 1xx, confirmed for 2xx
    dialog = as_uas(invite, "our-tag")
    dialog, bye = dialog.request("BYE", via)
    dialog = dialog.heard(request)         # OutOfOrder says to answer 500
"""

from enum import Enum

import msgspec

from offhook.wire.sip_fields import Fields
from offhook.wire.sip_grammar import Malformed
from offhook.wire.sip_headers import MAX_SEQUENCE, parse_name_addr
from offhook.wire.sip_message import Message, Request, Response
from offhook.wire.sip_uri import SipUri, Uri, parse_uri

DialogId = tuple[str, str, str]  # Call-ID, local tag, remote tag

_REFRESHES_TARGET = ("INVITE", "UPDATE", "SUBSCRIBE", "NOTIFY", "REFER")


class Stage(Enum):
    """A dialog that has ended is forgotten."""

    EARLY = "early"
    CONFIRMED = "confirmed"


class OutOfOrder(Exception):
    """A request is older than another of its dialog that was heard before: answer 500 (section 12.2.2)."""


class Dialog(msgspec.Struct, frozen=True):
    """From one end of it. `local` and `remote` are what From and To of our requests hold, tags and all; `target` is
    where they go in the end, `routes` what they pass on their way, as Route has them. The sequences are the CSeq of our
    latest request and of theirs, -1 before there was one."""

    call_id: str
    local: str
    remote: str
    local_tag: str
    remote_tag: str
    target: str
    routes: tuple[str, ...]
    local_sequence: int
    remote_sequence: int
    stage: Stage

    @property
    def id(self) -> DialogId:
        return self.call_id, self.local_tag, self.remote_tag

    @property
    def next_hop(self) -> Uri:
        """Where our next request is sent, whatever its Request-URI says."""
        return parse_name_addr(self.routes[0]).uri if self.routes else parse_uri(self.target)

    def request(
        self, method: str, via: str, more: Fields = (), body: bytes = b"", sequence: int | None = None
    ) -> tuple["Dialog", Request]:
        """Our next request, with a Via whose branch is fresh. With `sequence` it is the ACK of the 2xx to our INVITE of
        that number, or that INVITE again; the dialog then counts no further."""
        number = self._next_sequence() if sequence is None else sequence
        uri, routes = self._way()
        fields = (
            ("Via", via),
            *(("Route", route) for route in routes),
            ("Max-Forwards", "70"),
            ("From", self.local),
            ("To", self.remote),
            ("Call-ID", self.call_id),
            ("CSeq", f"{number} {method}"),
            *more,
        )
        dialog = self if sequence is not None else msgspec.structs.replace(self, local_sequence=number)
        return dialog, Request(method=method, uri=uri, fields=fields, body=body)

    def _next_sequence(self) -> int:
        if self.local_sequence >= MAX_SEQUENCE:
            raise ValueError("the dialog has run out of sequence numbers")
        return self.local_sequence + 1

    def _way(self) -> tuple[str, tuple[str, ...]]:
        """Request-URI and Route (section 12.2.1.1): a first proxy that knows no loose routing is put into the first."""
        if not self.routes:
            return self.target, ()
        first = parse_name_addr(self.routes[0]).uri
        if not isinstance(first, SipUri) or first.param("lr") is not None:
            return self.target, self.routes
        return str(msgspec.structs.replace(first, headers="")), (*self.routes[1:], f"<{self.target}>")

    def heard(self, request: Request) -> "Dialog":
        """A request of the far end within the dialog. ACK and CANCEL have the number of their INVITE."""
        if request.method in ("ACK", "CANCEL"):
            return self
        if request.cseq.number <= self.remote_sequence:
            raise OutOfOrder
        dialog = msgspec.structs.replace(self, remote_sequence=request.cseq.number)
        return dialog.refreshed(request) if request.method in _REFRESHES_TARGET else dialog

    def refreshed(self, message: Message) -> "Dialog":
        """With the Contact of the message as target, if it has one: of a request that refreshes it, or of the 2xx to
        one of ours."""
        contact = _contact(message)
        return self if contact is None else msgspec.structs.replace(self, target=contact)

    def confirmed(self, response: Response | None = None) -> "Dialog":
        """The 2xx was sent, or came: the route is that of the 2xx then, as early ones need not have been right (section
        13.2.2.4)."""
        dialog = msgspec.structs.replace(self, stage=Stage.CONFIRMED)
        if response is None or self.stage is Stage.CONFIRMED:
            return dialog
        return msgspec.structs.replace(dialog.refreshed(response), routes=_recorded(response)[::-1])


def as_uac(request: Request, response: Response) -> Dialog:
    """What a response with a To tag, or any 2xx, to our request makes (section 12.1.2). Malformed where a 2xx has no
    Contact."""
    contact = _contact(response)
    if contact is None and response.status >= 200:
        raise Malformed("Contact is missing")
    return Dialog(
        call_id=request.call_id,
        local=request.one("From"),
        remote=response.one("To"),
        local_tag=request.from_.tag,
        remote_tag=response.to.tag,
        target=contact or request.uri,
        routes=_recorded(response)[::-1],
        local_sequence=request.cseq.number,
        remote_sequence=-1,
        stage=_stage(response.status),
    )


def as_uas(request: Request, local_tag: str, status: int = 180) -> Dialog:
    """What our response with that tag makes of a request (section 12.1.1), which must copy `record_route`. Malformed
    without a Contact."""
    contact = _contact(request)
    if contact is None:
        raise Malformed("Contact is missing")
    to = request.one("To")
    return Dialog(
        call_id=request.call_id,
        local=to if request.to.tag else f"{to};tag={local_tag}",
        remote=request.one("From"),
        local_tag=request.to.tag or local_tag,
        remote_tag=request.from_.tag,
        target=contact,
        routes=_recorded(request),
        local_sequence=-1,
        remote_sequence=request.cseq.number,
        stage=_stage(status),
    )


def local_id(request: Request) -> DialogId:
    """Of the dialog that a request of the far end belongs to, from our end."""
    return request.call_id, request.to.tag, request.from_.tag


def record_route(request: Request) -> Fields:
    """What the responses that make a dialog copy, from 101 to 299."""
    return tuple(field for field in request.fields if field[0] == "Record-Route")


def _stage(status: int) -> Stage:
    return Stage.EARLY if status < 200 else Stage.CONFIRMED


def _recorded(message: Message) -> tuple[str, ...]:
    return tuple(message.elements("Record-Route"))


def _contact(message: Message) -> str | None:
    """Headers in the URI are left out: they would become ours."""
    if not message.contacts:
        return None
    uri = message.contacts[0].uri
    return str(msgspec.structs.replace(uri, headers="") if isinstance(uri, SipUri) else uri)
