"""A call that a SIP far end makes, up to its answer (RFC 3261 sections 13.3, 9.2; RFC 3262). Decides nothing."""

from collections import deque
from typing import Literal, NamedTuple

from offhook.edge.sip_call import ABILITIES, WISH, Call, Line, Stage, typed
from offhook.edge.sip_ending import reason_fields, status_of
from offhook.edge.sip_repeater import Repeater
from offhook.edge.sip_reply import Answering, refusal
from offhook.edge.sip_transport import Flow
from offhook.engine.ports import Headers, Invite
from offhook.voice.cause import Ending, ending
from offhook.wire import sip_repetition as repetition
from offhook.wire import sip_session_timer as session
from offhook.wire.sip_body import description as sdp_of
from offhook.wire.sip_dialog import as_uas, record_route
from offhook.wire.sip_fields import Fields
from offhook.wire.sip_identity import caller_of, hides, passed_on, sendable
from offhook.wire.sip_message import Request, Response
from offhook.wire.sip_session_timer import Refresher, TooSmall
from offhook.wire.sip_transaction import Transaction


class _Owed(NamedTuple):
    """A response that waits until the one before it was acknowledged."""

    status: int
    sdp: str
    more: Fields


class IncomingCall(Call):
    """Make it for an INVITE outside of dialogs, then `start`."""

    def __init__(self, line: Line, name: str, flow: Flow, transaction: Transaction, tag: str) -> None:
        """Malformed where the INVITE can make no dialog."""
        request = transaction.request
        super().__init__(line, name, flow, request.call_id, tag)
        self.transaction = transaction
        self.dialog = as_uas(request, tag)
        self._allowed = request.first("Allow") or ""
        self._reliably = request.has_option("Require", "100rel")
        self._sequence = 0  # RSeq of the last reliable response
        self._reliable: Response | None = None  # that is not acknowledged yet
        self._repeater = Repeater(line.agent)
        self._owed: deque[_Owed] = deque()
        # Of a far end that lets us make the offer.
        self._awaits: Literal["nothing", "an answer"] = "nothing"

    def start(self, destination: str, takes: tuple[str, str] | None) -> None:
        """Tell the exchange whom it is for, or whose place it takes (binding and dialog). Malformed where the offer
        cannot be read."""
        request = self.transaction.request
        terms = session.answer_to(request, WISH)
        if isinstance(terms, TooSmall):
            self._agent.answer(self.transaction, 422, more=terms.fields())
            self.finish()
            return
        text = sdp_of(request)
        self._awaits = "nothing" if text else "an answer"
        self._agent.answer(self.transaction, 100)
        caller = caller_of(request)
        invite = Invite(
            dialog=self.name,
            sdp=text,
            destination=destination,
            caller_number=caller.number,
            caller_name=caller.name,
            headers=passed_on(request),
            user_agent=request.first("User-Agent") or "",
            caller_id="hidden" if hides(request) else "shown",
            takes=takes,
        )
        self._exchange.invited(self.line.binding, invite, Answering(lambda _: None, self._refused))

    def _refused(self, code: int) -> None:
        if self.stage is Stage.SETTING_UP:
            self._agent.answer(self.transaction, refusal(code), self.tag)
            self.finish()

    # ---- the exchange speaks -------------------------------------------------------------------------------

    def ringing(self) -> None:
        self._provisional(180, "")

    def progress(self, text: str) -> None:
        """Early media. An offer of ours needs an acknowledgement (RFC 3261 section 13.2.1)."""
        self.sdp = text
        self._provisional(183, text if self._awaits == "nothing" or self._reliably else "")

    def answer(self, text: str | None, headers: Headers) -> None:
        """`text` is None where `progress` had it: it is said again, as what was said before may have got lost."""
        if self.stage is not Stage.SETTING_UP:
            return
        self.sdp = text or self.sdp
        self._say(_Owed(200, self.sdp, sendable(headers)))

    def bye(self, why: Ending) -> None:
        if self.stage is not Stage.SETTING_UP:
            super().bye(why)
            return
        self._agent.answer(self.transaction, status_of(why), self.tag, reason_fields(why))
        self.finish()

    # ---- responses -----------------------------------------------------------------------------------------

    def _provisional(self, status: int, text: str) -> None:
        if self.stage is Stage.SETTING_UP:
            self._say(_Owed(status, text, ()))

    def _say(self, owed: _Owed) -> None:
        """One after the other where the far end wants to acknowledge each (RFC 3262 section 3)."""
        if self._reliable is not None:
            self._owed.append(owed)
        elif owed.status == 200:
            self._accept_call(owed)
        elif self._reliably:
            self._say_reliably(owed)
        else:
            self._respond(owed, ())

    def _respond(self, owed: _Owed, more: Fields) -> Response:
        request = self.transaction.request
        contact = ("Contact", self._agent.contact(self.flow))
        fields = (*record_route(request), contact, *more, *owed.more, *typed(owed.sdp))
        return self._agent.answer(self.transaction, owed.status, self.tag, fields, owed.sdp.encode())

    def _say_reliably(self, owed: _Owed) -> None:
        self._sequence += 1
        self._reliable = self._respond(owed, (("Require", "100rel"), ("RSeq", str(self._sequence))))
        it = repetition.of_reliable(self._agent.now(), self._agent.timing)
        self._repeater.start(self.transaction, self._reliable, it, self._never_heard)

    def _never_heard(self) -> None:
        self._agent.answer(self.transaction, 504, self.tag)
        self._hung_up(ending("RECOVERY_ON_TIMER_EXPIRE", "the far end acknowledged no response"))

    def heard_prack(self, transaction: Transaction) -> None:
        if self._reliable is None or not repetition.acknowledges(transaction.request, self._reliable):
            self._agent.answer(transaction, 481)
            return
        self._repeater.stop()
        self._reliable = None
        self._take_answer(transaction.request)
        self._agent.answer(transaction, 200)
        if self._owed:
            self._say(self._owed.popleft())

    def heard_ack(self, ack: Request) -> None:
        if self._awaits == "nothing":
            super().heard_ack(ack)
        else:
            self._take_answer(ack)

    def _take_answer(self, message: Request) -> None:
        """The answer to our offer, in the ACK or PRACK. Where it is none the exchange has to end the call."""
        text = sdp_of(message)
        if self._awaits == "nothing" or (not text and message.method == "PRACK"):
            return
        self._awaits = "nothing"
        self._exchange.completed(self.line.binding, self.name, text)

    def _accept_call(self, owed: _Owed) -> None:
        terms = session.answer_to(self.transaction.request, WISH)
        assert not isinstance(terms, TooSmall)  # the call would not have begun
        assert self.dialog is not None  # the INVITE made it
        self.stage, self.dialog = Stage.UP, self.dialog.confirmed()
        self._keep_alive(terms, terms.refresher is Refresher.UAS)
        response = self._respond(owed, (*ABILITIES, *terms.fields()))
        self._await_ack(self.transaction, response)

    # ---- the far end speaks --------------------------------------------------------------------------------

    def cancelled(self) -> None:
        """It does not want the call any more; one that is answered goes on until its BYE (RFC 3261 section 9.2)."""
        if self.stage is Stage.SETTING_UP:
            self._agent.answer(self.transaction, 487, self.tag)
            self._hung_up(ending("ORIGINATOR_CANCEL"))

    def heard_bye(self, transaction: Transaction) -> None:
        """In an early dialog it ends the INVITE as well (RFC 3261 section 15.1.2)."""
        if self.stage is Stage.SETTING_UP:
            self._agent.answer(self.transaction, 487, self.tag)
        super().heard_bye(transaction)

    def finish(self) -> None:
        self._repeater.stop()
        super().finish()
