"""A call that we make to a SIP far end, up to its answer (RFC 3261 sections 13.2, 9.1; RFC 3262). Decides nothing."""

from enum import Enum

import msgspec

from offhook.edge.sip_call import ALLOW, WISH, Call, Line, Stage, sdp_of, typed
from offhook.edge.sip_ending import of_refusal, reason_fields
from offhook.edge.sip_reply import Answering
from offhook.edge.sip_transport import Flow
from offhook.engine.ports import Invitation
from offhook.voice.cause import Ending, ending
from offhook.voice.ringing import ANONYMOUS
from offhook.wire import sip_repetition as repetition
from offhook.wire import sip_session_timer as session
from offhook.wire.sip_dialog import Dialog, as_uac
from offhook.wire.sip_fields import Fields
from offhook.wire.sip_grammar import Malformed
from offhook.wire.sip_headers import MAX_SECONDS, parse_number
from offhook.wire.sip_identity import Caller, anonymous_fields, identity_fields, passed_on, sendable
from offhook.wire.sip_message import Request, Response
from offhook.wire.sip_session_timer import Refresher
from offhook.wire.sip_transaction import Transaction

MAX_ATTEMPTS = 3


class Reach(msgspec.Struct, frozen=True):
    """How a far end is reached: over which flow, by what Request-URI, past which proxies (as Route has them). `callee`
    is what To holds, `domain` what our own addresses are of."""

    flow: Flow
    uri: str
    callee: str
    domain: str
    routes: tuple[str, ...] = ()


class Heard(Enum):
    """What has been heard of an INVITE."""

    NOTHING = "nothing"
    PROVISIONAL = "it is being worked on"
    FINAL = "how it went"


class OutgoingCall(Call):
    """Make it, then `start`."""

    def __init__(self, line: Line, name: str, reach: Reach, invitation: Invitation) -> None:
        super().__init__(line, name, reach.flow, line.agent.unique(), line.agent.unique())
        self.sdp = invitation.sdp
        self._reach = reach
        self._invitation = invitation
        self._wish = WISH
        self._attempts = 0
        self._heard = Heard.NOTHING
        self._invite: Transaction | None = None
        self._unwanted: Ending | None = None  # why the call is not wanted any more
        # By the tag of each far end that a proxy has forked the INVITE to.
        self._early: dict[str, Dialog] = {}
        self._early_sdp: dict[str, str] = {}
        self._racks: dict[str, int] = {}
        self._turned_away: set[str] = set()

    def start(self) -> None:
        """Send the INVITE."""
        self._attempts += 1
        self._heard = Heard.NOTHING
        self._invite = self._agent.ask(self._request(), self.flow, self._hear_response)

    def _request(self) -> Request:
        it, reach = self._invitation, self._reach
        fields: Fields = (
            ("Via", self._agent.via(self.flow)),
            *(("Route", route) for route in reach.routes),
            ("Max-Forwards", "70"),
            *_identity(it, reach, self.tag),
            ("Call-ID", self.call_id),
            ("CSeq", f"{self._attempts} INVITE"),
            ("Contact", self._agent.contact(self.flow)),
            ("Allow", ALLOW),
            *session.offer(self._wish),
            ("Supported", "100rel, replaces"),
            *sendable(it.headers),
            *typed(it.sdp),
        )
        return Request(method="INVITE", uri=reach.uri, fields=fields, body=it.sdp.encode())

    # ---- responses -----------------------------------------------------------------------------------------

    def _hear_response(self, response: Response) -> None:
        try:
            if response.status < 200:
                self._hear_provisional(response)
            elif response.status < 300:
                self.hear_accepted(response)
            else:
                self._hear_refusal(response)
        except Malformed as malformed:
            self.fail(ending("INCOMPATIBLE_DESTINATION", str(malformed)))

    def _hear_provisional(self, response: Response) -> None:
        if self._heard is Heard.NOTHING:
            self._heard = Heard.PROVISIONAL
            if self._unwanted is not None:
                self._send_cancel()
        if self.stage is not Stage.SETTING_UP or response.status == 100 or self._unwanted is not None:
            return
        if repetition.is_reliable(response) and not self._acknowledge_reliable(response):
            return
        self._exchange.rang(self.line.binding, self.name)

    def _acknowledge_reliable(self, response: Response) -> bool:
        """Send the PRACK, if the response is the next."""
        assert self._invite is not None  # this is a response to it
        tag = response.to.tag
        rack = repetition.next_rack(response, self._racks.get(tag))
        if not tag or rack is None:
            return False
        self._racks[tag] = parse_number(response.one("RSeq"), MAX_SECONDS, "RSeq")
        self._early_sdp[tag] = sdp_of(response) or self._early_sdp.get(tag, "")
        early = self._early.get(tag) or as_uac(self._invite.request, response)
        more = (("RAck", str(rack)),)
        self._early[tag], prack = early.request("PRACK", self._agent.via(self.flow), more)
        self._agent.ask(prack, self.flow, lambda _: None)
        return True

    def hear_accepted(self, response: Response) -> None:
        """A 2xx, or a copy of one. Each is acknowledged; only one far end has the call (RFC 3261 section 13.2.2.4)."""
        self._heard = Heard.FINAL
        if self.dialog is not None and response.to.tag == self.dialog.remote_tag:
            if self.stage is Stage.UP:
                self.send_ack(response)
            return
        dialog = self._dialog_of(response)
        if self.dialog is not None or self.stage is not Stage.SETTING_UP:
            self._turn_away(dialog, response)
            return
        if self._unwanted is not None:
            self._turn_away(dialog, response)
            self.finish()
            return
        self.dialog = dialog
        self._allowed = response.first("Allow") or ""
        try:
            text = sdp_of(response) or self._early_sdp.get(response.to.tag, "")
        except Malformed as malformed:
            self._turn_away(dialog, response)
            self._hung_up(ending("INCOMPATIBLE_DESTINATION", str(malformed)))
            return
        reply = Answering(lambda _: self._taken(response), lambda _: self._not_taken(response))
        headers = passed_on(response)
        self._exchange.answered(self.line.binding, self.name, text, headers, trickle=False, reply=reply)

    def _dialog_of(self, response: Response) -> Dialog:
        assert self._invite is not None  # this is a response to it
        early = self._early.get(response.to.tag)
        return as_uac(self._invite.request, response) if early is None else early.confirmed(response)

    def _taken(self, response: Response) -> None:
        if self.stage is not Stage.SETTING_UP:
            self._not_taken(response)
            return
        self.send_ack(response)
        self.stage = Stage.UP
        agreed = session.agreed_by(response)
        self._keep_alive(agreed, agreed is not None and agreed.refresher is Refresher.UAC)

    def _not_taken(self, response: Response) -> None:
        """The exchange has no use for the answer any more."""
        assert self.dialog is not None  # the answer has made it
        self._turn_away(self.dialog, response)
        self.finish()

    def _turn_away(self, dialog: Dialog, response: Response) -> None:
        """Acknowledge an answer that came too late or from a second far end, each copy, and end what it made."""
        dialog, ack = dialog.request("ACK", self._agent.via(self.flow), sequence=response.cseq.number)
        self._agent.send(ack, self.flow)
        if dialog.remote_tag in self._turned_away:
            return
        self._turned_away.add(dialog.remote_tag)
        why = self._unwanted or ending("ORIGINATOR_CANCEL", "answered elsewhere")
        _, bye = dialog.request("BYE", self._agent.via(self.flow), reason_fields(why))
        self._agent.ask(bye, self.flow, lambda _: None)

    def _hear_refusal(self, response: Response) -> None:
        self._heard = Heard.FINAL
        if self.stage is not Stage.SETTING_UP:
            return
        if response.status == 422 and self._attempts < MAX_ATTEMPTS and self._unwanted is None:
            self._wish = session.after_refusal(response, self._wish)
            self.start()
        elif self._unwanted is None:
            self._hung_up(of_refusal(response))
        else:
            self.finish()

    # ---- the exchange speaks -------------------------------------------------------------------------------

    def bye(self, why: Ending) -> None:
        """An INVITE can be cancelled once something was heard of it, not before (RFC 3261 section 9.1)."""
        if self.stage is not Stage.SETTING_UP or self._unwanted is not None:
            super().bye(why)
            return
        self._unwanted = why
        if self._heard is Heard.PROVISIONAL:
            self._send_cancel()

    def _send_cancel(self) -> None:
        assert self._invite is not None  # something was heard of it
        assert self._unwanted is not None  # nobody else cancels it
        self._agent.cancel(self._invite, reason_fields(self._unwanted))


def _identity(it: Invitation, reach: Reach, tag: str) -> Fields:
    if (it.caller_number, it.caller_name) == ANONYMOUS:
        return anonymous_fields(reach.callee, tag)
    caller = Caller(it.caller_number or it.caller_username, it.caller_name)
    return identity_fields(caller, reach.callee, reach.domain, tag, "")
