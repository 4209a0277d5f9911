"""One call over SIP from its answer on, whoever made it: what follows in its dialog. Knows no user and no socket.

`sip_incoming` and `sip_outgoing` know how each kind comes to be answered. The exchange decides; here its words and
SIP's are told to each other.
"""

import asyncio
from collections.abc import Callable
from enum import Enum
from typing import Protocol

from offhook.edge.sip_agent import Agent
from offhook.edge.sip_ending import of_bye, reason_fields
from offhook.edge.sip_login import Login
from offhook.edge.sip_repeater import Repeater
from offhook.edge.sip_reply import Answering, refusal
from offhook.edge.sip_transfers import Transfers
from offhook.edge.sip_transport import Flow
from offhook.engine.ports import Exchange, Identity, Referral
from offhook.voice.cause import Ending, ending
from offhook.wire import sdp, sip_info
from offhook.wire import sip_repetition as repetition
from offhook.wire import sip_session_timer as session
from offhook.wire.sip_body import SDP, content_type
from offhook.wire.sip_body import description as sdp_of
from offhook.wire.sip_dialog import Dialog, OutOfOrder
from offhook.wire.sip_fields import Fields
from offhook.wire.sip_grammar import Malformed
from offhook.wire.sip_message import Request, Response
from offhook.wire.sip_refer import Replaces
from offhook.wire.sip_session_timer import Agreed, Refresher, TooSmall, Wish
from offhook.wire.sip_transaction import Transaction

ALLOW = "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, PRACK, REFER, NOTIFY"
SUPPORTED = "timer, 100rel, replaces, path, outbound"
# The option tags that a far end may require of us.
OPTIONS = frozenset({"timer", "100rel", "replaces", "path", "outbound", "norefersub"})
ABILITIES: Fields = (("Allow", ALLOW), ("Accept", f"{SDP}, multipart/mixed"), ("Supported", SUPPORTED))
WISH = Wish()
# RFC 3261 section 20.43, of media that cannot be agreed on.
INCOMPATIBLE = '305 offhook "Incompatible media format"'
GLARE_SECONDS = 2.1  # RFC 3261 section 14.1: the side that did not make the Call-ID waits less
_HELD = frozenset({"sendonly", "inactive"})


class Stage(Enum):
    """Where a call is in SIP's eyes."""

    SETTING_UP = "not answered yet"
    UP = "answered"
    OVER = "over"


class Line(Protocol):
    """Whose call it is."""

    @property
    def agent(self) -> Agent: ...
    @property
    def exchange(self) -> Exchange: ...
    @property
    def binding(self) -> str: ...
    @property
    def who(self) -> Identity: ...

    def call_of(self, replaces: Replaces) -> "Call | None":
        """The call of the same user that a dialog is of."""
        ...

    def over(self, call: "Call") -> None:
        """Nothing more comes of this call."""
        ...


class Call:
    """What both kinds of calls share. `name` is the exchange's name of its dialog, `tag` our half of SIP's."""

    def __init__(self, line: Line, name: str, flow: Flow, call_id: str, tag: str) -> None:
        self.name = name
        self.flow = flow
        self.call_id = call_id
        self.tag = tag
        self.stage = Stage.SETTING_UP
        self.dialog: Dialog | None = None
        self.login: Login | None = None  # what answers the far end's challenges
        self.line = line
        self.sdp = ""  # what we said last
        self._agent = line.agent
        self._exchange = line.exchange
        self._unacknowledged = Repeater(line.agent)
        self._bye: Ending | None = None  # to be said once the far end has acknowledged our answer
        self._offers_in = 0  # of the far end, not answered yet
        self._asking: Transaction | None = None  # an INVITE or UPDATE of ours, not answered yet
        self._refresh: asyncio.TimerHandle | None = None
        self._allowed = ""
        self.transfers = Transfers(self)

    @property
    def is_up(self) -> bool:
        """Whether it was answered and is not over."""
        return self.stage is Stage.UP

    def belongs(self, request: Request) -> bool:
        """Whether a request with our tag and Call-ID is of the far end that this call is with."""
        return self.dialog is None or self.dialog.remote_tag in ("", request.from_.tag)

    # ---- requests of the far end ---------------------------------------------------------------------------

    def hear(self, transaction: Transaction) -> None:
        """A request within the dialog, which is answered now or by the exchange."""
        request = transaction.request
        if self.dialog is None:
            self._agent.answer(transaction, 481)
            return
        try:
            self.dialog = self.dialog.heard(request)
        except OutOfOrder:
            self._agent.answer(transaction, 500)
            return
        hear = _HEAR.get(request.method)
        if hear is None:
            self._agent.answer(transaction, 405, more=(("Allow", ALLOW),))
        else:
            hear(self, transaction)

    def heard_bye(self, transaction: Transaction) -> None:
        self._agent.answer(transaction, 200)
        self._hung_up(of_bye(transaction.request))

    def heard_options(self, transaction: Transaction) -> None:
        self._agent.answer(transaction, 200, more=ABILITIES)

    def heard_info(self, transaction: Transaction) -> None:
        request = transaction.request
        kind = content_type(request)
        if kind not in sip_info.TYPES:
            self._agent.answer(transaction, 415, more=(("Accept", ", ".join(sip_info.TYPES)),))
            return
        digit = sip_info.digit_of(kind, request.body)
        if not digit:
            self._agent.answer(transaction, 200)
            return
        self._exchange.pressed(self.line.binding, self.name, digit, self._replying(transaction))

    def heard_prack(self, transaction: Transaction) -> None:
        """There is nothing to acknowledge but while a call of theirs is set up."""
        self._agent.answer(transaction, 481)

    def heard_offer(self, transaction: Transaction) -> None:
        """INVITE or UPDATE: new media, a hold, or only a sign of life (RFC 3261 section 14.2, RFC 3311)."""
        request = transaction.request
        if self._asking is not None or (self._unacknowledged.waits and request.method == "INVITE"):
            self._agent.answer(transaction, 491)
            return
        if self._offers_in:
            self._agent.answer(transaction, 500, more=(("Retry-After", "1"),))
            return
        terms = session.answer_to(request, WISH)
        if isinstance(terms, TooSmall):
            self._agent.answer(transaction, 422, more=terms.fields())
            return
        text = sdp_of(request)
        if not text:
            # Without an offer of theirs we offer what holds already; an UPDATE then carries none at all.
            self._accept(transaction, terms, self.sdp if request.method == "INVITE" else "")
            return
        self._offers_in += 1
        self._hold(transaction, terms, text)

    def _hold(self, transaction: Transaction, terms: Agreed, text: str) -> None:
        """First whether the far end holds the call, then what it offers; what refuses the hold, such as that the call
        is not answered, does not keep it from being offered."""
        action = "hold" if sdp.direction(text) in _HELD else "unhold"

        def go_on(_: object) -> None:
            self._renegotiate(transaction, terms, text)

        self._exchange.asked_hold(self.line.binding, self.name, action, Answering(go_on, go_on))

    def _renegotiate(self, transaction: Transaction, terms: Agreed, text: str) -> None:
        def done(answer: str | None) -> None:
            self._offers_in -= 1
            self._accept(transaction, terms, answer or self.sdp)

        def refused(code: int) -> None:
            self._offers_in -= 1
            status = refusal(code)
            more = (("Warning", INCOMPATIBLE),) if status == 488 else ()
            self._agent.answer(transaction, status, more=more)

        self._exchange.renegotiated(self.line.binding, self.name, text, Answering(done, refused))

    def _accept(self, transaction: Transaction, terms: Agreed, text: str) -> None:
        if self.stage is Stage.OVER:
            self._agent.answer(transaction, 481)
            return
        self.sdp = text or self.sdp
        self._keep_alive(terms, terms.refresher is Refresher.UAS)
        more = (("Contact", self._agent.contact(self.flow)), *ABILITIES, *terms.fields())
        response = self._agent.answer(transaction, 200, more=(*more, *typed(text)), body=text.encode())
        if transaction.request.method == "INVITE":
            self._await_ack(transaction, response)

    def _replying(self, transaction: Transaction) -> Answering:
        """The answer to a request that is either done or refused."""

        def done(_: str | None) -> None:
            self._agent.answer(transaction, 200)

        def refused(code: int) -> None:
            self._agent.answer(transaction, refusal(code))

        return Answering(done, refused)

    # ---- transfers and messages ------------------------------------------------------------------------------

    def refer(self, it: Referral) -> None:
        """Ask the far end to call somebody else."""
        if self.stage is Stage.UP:
            self.transfers.refer(it)

    def inform(self, kind: str, body: str) -> None:
        """Send the far end a message."""
        if self.stage is Stage.UP:
            self.ask("INFO", (("Content-Type", kind),), body.encode())

    # ---- what is acknowledged ------------------------------------------------------------------------------

    def _await_ack(self, transaction: Transaction, response: Response) -> None:
        it = repetition.of_2xx(self._agent.now(), self._agent.timing)
        self._unacknowledged.start(transaction, response, it, self._never_acknowledged)

    def _never_acknowledged(self) -> None:
        self.fail(ending("RECOVERY_ON_TIMER_EXPIRE", "the far end never acknowledged the answer"))

    def acknowledged(self, ack: Request) -> None:
        """The ACK of a 2xx of ours."""
        if not self._unacknowledged.waits:
            return
        self._unacknowledged.stop()
        try:
            self.heard_ack(ack)
        except Malformed as malformed:
            self.fail(ending("INCOMPATIBLE_DESTINATION", str(malformed)))
        if self._bye is not None and self.stage is Stage.UP:
            self._say_bye(self._bye)

    def heard_ack(self, ack: Request) -> None:
        """The first ACK, which has an answer where our 2xx had the offer. In a call that was answered before we have
        only offered what held already: what is answered is taken as an offer to keep to that."""
        text = sdp_of(ack)
        if text and self.stage is Stage.UP:
            ignored = Answering(lambda _: None, lambda _: None)
            self._exchange.renegotiated(self.line.binding, self.name, text, ignored)

    # ---- requests of ours ----------------------------------------------------------------------------------

    def ask(
        self, method: str, more: Fields = (), body: bytes = b"", hear: Callable[[Response], None] = lambda _: None
    ) -> Transaction:
        """Our next request within the dialog, proved where the far end asks for that."""

        def heard(response: Response) -> None:
            proof = self._proof(response, method)
            if proof:
                self._send(method, (*more, *proof), body, hear)
            else:
                hear(response)

        return self._send(method, more, body, heard)

    def _send(self, method: str, more: Fields, body: bytes, hear: Callable[[Response], None]) -> Transaction:
        assert self.dialog is not None  # whoever asks knows that there is one
        self.dialog, request = self.dialog.request(method, self._agent.via(self.flow), more, body)
        return self._agent.ask(request, self.flow, hear)

    def _proof(self, response: Response, method: str) -> Fields:
        if self.login is None or self.dialog is None:
            return ()
        return self.login.proof(response, method, self.dialog.target, self._agent.unique())

    def send_ack(self, accepted: Response) -> None:
        """The ACK of a 2xx to an INVITE of ours, which goes its own way and is sent for every copy of it."""
        assert self.dialog is not None  # the 2xx has made it
        self.dialog, ack = self.dialog.request("ACK", self._agent.via(self.flow), sequence=accepted.cseq.number)
        self._agent.send(ack, self.flow)

    def hear_accepted(self, response: Response) -> None:
        """A copy of a 2xx to an INVITE of ours: its ACK got lost."""
        if self.stage is Stage.UP and self.dialog is not None and response.to.tag == self.dialog.remote_tag:
            self.send_ack(response)

    # ---- that both ends are still there (RFC 4028) -----------------------------------------------------------

    def _keep_alive(self, terms: Agreed | None, ours: bool) -> None:
        if self._refresh is not None:
            self._refresh.cancel()
            self._refresh = None
        if terms is None:
            return
        loop = asyncio.get_running_loop()
        if ours:
            self._refresh = loop.call_later(terms.refresh_at(0.0), self._ask_refresh, terms)
        else:
            self._refresh = loop.call_later(terms.ends_at(0.0), self._expired)

    def _ask_refresh(self, terms: Agreed) -> None:
        if self._offers_in or self._unacknowledged.waits:
            self._again_later(terms)
            return
        more = (("Contact", self._agent.contact(self.flow)), ("Allow", ALLOW))
        wish = Wish(terms.interval)
        if "UPDATE" in self._allowed:
            more = (*more, *session.offer(wish, Refresher.UAC))
            self._asking = self.ask("UPDATE", more, hear=lambda response: self._refreshed(terms, response))
        else:
            more = (*more, *session.offer(wish, Refresher.UAC), *typed(self.sdp))
            self._asking = self.ask("INVITE", more, self.sdp.encode(), lambda it: self._refreshed(terms, it))

    def _refreshed(self, terms: Agreed, response: Response) -> None:
        if response.status < 200 or self.stage is Stage.OVER:
            return
        if self._asking is None:
            self.hear_accepted(response)
            return
        self._asking = None
        if response.status < 300:
            assert self.dialog is not None  # it was asked in it
            self.dialog = self.dialog.refreshed(response)
            if response.cseq.method == "INVITE":
                self.send_ack(response)
            agreed = session.agreed_by(response)
            self._keep_alive(agreed, agreed is not None and agreed.refresher is Refresher.UAC)
        elif response.status in (408, 481, 503):
            self._expired()
        else:
            self._again_later(terms)

    def _again_later(self, terms: Agreed) -> None:
        self._refresh = asyncio.get_running_loop().call_later(GLARE_SECONDS, self._ask_refresh, terms)

    def _expired(self) -> None:
        self.fail(ending("RECOVERY_ON_TIMER_EXPIRE", "the far end gives no sign of life any more"))

    # ---- the end -------------------------------------------------------------------------------------------

    def bye(self, why: Ending) -> None:
        """The exchange ends the call. Whoever has answered says so after the ACK only (RFC 3261 section 15)."""
        if self._unacknowledged.waits:
            self._bye = why
        elif self.stage is Stage.UP:
            self._say_bye(why)

    def _say_bye(self, why: Ending) -> None:
        self.transfers.tell(200)  # what it has asked for has begun, or it would not be sent away
        self.ask("BYE", reason_fields(why))
        self.finish()

    def fail(self, why: Ending) -> None:
        """End the call by ourselves, and say so to both sides."""
        if self.stage is Stage.UP:
            self.ask("BYE", reason_fields(self._bye or why))
        self._hung_up(why)

    def _hung_up(self, why: Ending) -> None:
        """The exchange hears of it first: with its last call a binding may go, too."""
        if self.stage is not Stage.OVER:
            self._exchange.hung_up(self.line.binding, self.name, why, None)
            self.finish()

    def finish(self) -> None:
        """Nothing more is said or heard."""
        self.stage = Stage.OVER
        self._unacknowledged.stop()
        self._keep_alive(None, ours=False)
        self.line.over(self)


_HEAR: dict[str, Callable[[Call, Transaction], None]] = {
    "BYE": lambda call, transaction: call.heard_bye(transaction),
    "INFO": lambda call, transaction: call.heard_info(transaction),
    "INVITE": lambda call, transaction: call.heard_offer(transaction),
    "OPTIONS": lambda call, transaction: call.heard_options(transaction),
    "NOTIFY": lambda call, transaction: call.transfers.heard_notify(transaction),
    "PRACK": lambda call, transaction: call.heard_prack(transaction),
    "REFER": lambda call, transaction: call.transfers.heard_refer(transaction),
    "UPDATE": lambda call, transaction: call.heard_offer(transaction),
}


def typed(text: str) -> Fields:
    """The type of a body that is a description, or nothing of none."""
    return (("Content-Type", SDP),) if text else ()
