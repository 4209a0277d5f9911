"""A call that we make to a SIP far end, up to its answer (RFC 3261 sections 13.2, 9.1; RFC 3262). Decides nothing."""

import asyncio
from enum import Enum

from offhook.edge.sip_call import ALLOW, WISH, Call, Line, Stage, typed
from offhook.edge.sip_ending import of_refusal, reason_fields
from offhook.edge.sip_reply import Answering
from offhook.edge.sip_transport import profile_of
from offhook.edge.sip_ways import Nowhere, Reach, Ways
from offhook.engine.ports import Invitation
from offhook.voice.cause import Ending, ending
from offhook.voice.ringing import ANONYMOUS
from offhook.wire import sip_repetition as repetition
from offhook.wire import sip_session_timer as session
from offhook.wire.sip_body import description as sdp_of
from offhook.wire.sip_dialog import Dialog, as_uac
from offhook.wire.sip_fields import Fields
from offhook.wire.sip_grammar import Malformed
from offhook.wire.sip_headers import MAX_SECONDS, parse_number
from offhook.wire.sip_identity import Caller, anonymous_fields, identity_fields, passed_on, sendable
from offhook.wire.sip_message import Request, Response
from offhook.wire.sip_session_timer import Refresher
from offhook.wire.sip_transaction import Transaction

MAX_TRIES = 3
# Another way may lead where these say that this one does not (RFC 3263 section 4.3).
_NO_WAY_HERE = frozenset({408, 500, 502, 503, 504})
NO_WAY = ending("USER_NOT_REGISTERED", "there is no way to the far end")


class Heard(Enum):
    """What has been heard of an INVITE."""

    NOTHING = "nothing"
    PROVISIONAL = "it is being worked on"
    FINAL = "how it went"


class OutgoingCall(Call):
    """Make it, then `start`."""

    def __init__(self, line: Line, name: str, ways: Ways, invitation: Invitation) -> None:
        super().__init__(line, name, Nowhere(), line.agent.unique(), line.agent.unique())
        self.sdp = invitation.sdp
        self._ways = ways
        self._reach: Reach | None = None
        self._invitation = invitation
        self._wish = WISH
        self._tries = 0  # of this way
        self._credentials: Fields = ()
        self._failed = NO_WAY  # what became of the way before
        self._heard = Heard.NOTHING
        # By the number of CSeq; all but the last have failed, or were given up.
        self._invites: dict[int, Transaction] = {}
        self._patience: asyncio.TimerHandle | None = None
        self._unwanted: Ending | None = None  # why the call is not wanted any more
        # By the tag of each far end that a proxy has forked the INVITE to.
        self._early: dict[str, Dialog] = {}
        self._early_sdp: dict[str, str] = {}
        self._racks: dict[str, int] = {}
        self._turned_away: set[str] = set()

    def start(self) -> None:
        """Send the INVITE, once there is a way."""
        self._ways.next(self._reached)

    def _reached(self, reach: Reach | None) -> None:
        if self._unwanted is not None:
            self.finish()
        elif reach is None:
            self._hung_up(self._failed)
        else:
            self._reach, self.flow, self.login = reach, reach.flow, reach.login
            self._tries, self._credentials = 0, ()
            self._send_invite()

    def _send_invite(self) -> None:
        assert self._reach is not None  # it was just reached
        self._tries += 1
        self._heard = Heard.NOTHING
        if self._reach.patience is not None:
            self._patience = asyncio.get_running_loop().call_later(self._reach.patience, self._give_up)
        number = len(self._invites) + 1
        request = self._request(self._reach, number)
        self._invites[number] = self._agent.ask(request, self.flow, self._hear_response)

    def _request(self, reach: Reach, number: int) -> Request:
        it = self._invitation
        fields: Fields = (
            ("Via", self._agent.via(self.flow)),
            *(("Route", route) for route in reach.routes),
            ("Max-Forwards", "70"),
            *_identity(it, reach, self.tag),
            ("Call-ID", self.call_id),
            ("CSeq", f"{number} INVITE"),
            ("Contact", self._agent.contact(self.flow)),
            ("Allow", ALLOW),
            *session.offer(self._wish),
            ("Supported", "100rel, replaces"),
            *((("User-Agent", reach.agent),) if reach.agent else ()),
            *self._credentials,
            *sendable(it.headers),
            *typed(it.sdp),
        )
        return Request(method="INVITE", uri=reach.uri, fields=fields, body=it.sdp.encode())

    @property
    def _invite(self) -> Transaction:
        """The last one."""
        return self._invites[len(self._invites)]

    # ---- the next way ----------------------------------------------------------------------------------------

    def _give_up(self) -> None:
        """Nothing was heard of this way: there may be another. What is heard of it later is turned away."""
        if self._heard is Heard.NOTHING and self.stage is Stage.SETTING_UP and self._unwanted is None:
            self._failed = ending("NO_USER_RESPONSE", "the far end does not answer at all")
            self.start()

    def _hear_of_given_up(self, response: Response) -> None:
        invite = self._invites[response.cseq.number]
        if response.status < 200:
            self._agent.cancel(invite)
        elif response.status < 300:
            self._turn_away(as_uac(invite.request, response), response)

    def _again(self, response: Response) -> bool:
        """Whether a refusal has the INVITE sent once more over the same way: as it wants it, or with proof of who we
        are."""
        assert self._reach is not None  # it was asked there
        if response.status == 422 and self._tries < MAX_TRIES:
            self._wish = session.after_refusal(response, self._wish)
            return True
        if self._credentials or self.login is None:
            return False
        self._credentials = self.login.proof(response, "INVITE", self._reach.uri, self._agent.unique())
        return bool(self._credentials)

    # ---- responses -----------------------------------------------------------------------------------------

    def _hear_response(self, response: Response) -> None:
        if self._patience is not None:
            self._patience.cancel()
        if response.cseq.number != len(self._invites):
            self._hear_of_given_up(response)
            return
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
        text = self._early_media(response)
        if text:
            self._exchange.progressed(self.line.binding, self.name, text)
        else:
            self._exchange.rang(self.line.binding, self.name)

    def _early_media(self, response: Response) -> str:
        """What a far end lets be heard before its answer; "" where that is nothing. Browsers are rung only: theirs
        would need keys, of which an answer could not be told apart."""
        if profile_of(self.flow) != "rtp" or not response.body:
            return ""
        try:
            return sdp_of(response)
        except Malformed:
            return ""  # it can still be answered

    def _acknowledge_reliable(self, response: Response) -> bool:
        """Send the PRACK, if the response is the next."""
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
        early = self._early.get(response.to.tag)
        return (
            as_uac(self._invites[response.cseq.number].request, response)
            if early is None
            else early.confirmed(response)
        )

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
        nothing, self._heard = self._heard is Heard.NOTHING, Heard.FINAL
        if self.stage is not Stage.SETTING_UP:
            return
        if self._unwanted is not None:
            self.finish()
        elif self._again(response):
            self._send_invite()
        elif response.status in _NO_WAY_HERE and (nothing or response.status == 503):
            self._failed = of_refusal(response)
            self.start()
        else:
            self._hung_up(of_refusal(response))

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
        assert self._unwanted is not None  # nobody else cancels it
        self._agent.cancel(self._invite, reason_fields(self._unwanted))


def _identity(it: Invitation, reach: Reach, tag: str) -> Fields:
    if (it.caller_number, it.caller_name) == ANONYMOUS:
        return anonymous_fields(reach.callee, tag)
    caller = Caller(reach.from_user or it.caller_number or it.caller_username, it.caller_name)
    return identity_fields(caller, reach.callee, reach.domain, tag, "")
