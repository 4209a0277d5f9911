"""Transfers in a call over SIP, both ways: the far end refers us to somebody, or we refer it (RFC 3515, RFC 3891).

Decides nothing.
"""

from typing import TYPE_CHECKING, Literal

from offhook.edge.sip_login import Login
from offhook.edge.sip_reply import Answering
from offhook.edge.sip_transport import Flow
from offhook.engine.ports import Referral
from offhook.wire.sip_fields import Fields
from offhook.wire.sip_headers import parse_valued
from offhook.wire.sip_identity import sendable, user_of
from offhook.wire.sip_message import Response
from offhook.wire.sip_refer import FRAGMENT, fragment, refer_to, status_of
from offhook.wire.sip_transaction import Transaction
from offhook.wire.sip_uri import SipUri, Uri

if TYPE_CHECKING:
    from offhook.edge.sip_call import Call

TRYING, OK, ACCEPTED, DECLINED = 100, 200, 202, 603


class Transfers:
    """Those of one call."""

    def __init__(self, call: "Call") -> None:
        self._call = call
        self._wish: Literal["none", "under way"] = "none"  # of the far end
        self._wants_news: Literal["yes", "no"] = "yes"

    # ---- the far end refers us -----------------------------------------------------------------------------

    def heard_refer(self, transaction: Transaction) -> None:
        """The far end wants whom it is with to go on without it: with somebody whom it names, or with whom it is in
        another call (Replaces). It is told how that went in its own dialog, before the BYE that ends it."""
        call, agent = self._call, self._call.line.agent
        asked = refer_to(transaction.request)
        if not call.is_up or self._wish == "under way":
            agent.answer(transaction, 491)
            return
        other = None if asked.replaces is None else call.line.call_of(asked.replaces)
        if asked.replaces is not None and other is None:
            agent.answer(transaction, 481)
            return
        self._wants_news = "no" if (transaction.request.first("Refer-Sub") or "").lower() == "false" else "yes"
        without = (("Refer-Sub", "false"),) if self._wants_news == "no" else ()  # RFC 4488
        agent.answer(transaction, ACCEPTED, more=(("Contact", agent.contact(call.flow)), *without))
        self._wish = "under way"
        self.tell(TRYING)
        self._begin(asked.uri, other)

    def _begin(self, uri: Uri, other: "Call | None") -> None:
        call, exchange = self._call, self._call.line.exchange
        reply = Answering(lambda _: self.tell(OK), lambda _: self.tell(DECLINED))
        if other is None:
            exchange.transferred(call.line.binding, call.name, destination_of(uri, call.flow), reply)
        else:
            exchange.joined(call.line.binding, call.name, (other.line.binding, other.name), reply)

    def tell(self, status: int) -> None:
        """How the call went that the far end has asked for, if it has; once it is over, nothing more."""
        if self._wish == "none" or not self._call.is_up:
            return
        state = "active;expires=60" if status < OK else "terminated;reason=noresource"
        self._wish = "under way" if status < OK else "none"
        if self._wants_news == "no":
            return
        contact = ("Contact", self._call.line.agent.contact(self._call.flow))
        more = (("Event", "refer"), ("Subscription-State", state), contact, ("Content-Type", FRAGMENT))
        self._call.ask("NOTIFY", more, fragment(status))

    # ---- we refer the far end ------------------------------------------------------------------------------

    def refer(self, it: Referral, proof: Fields | None = None) -> None:
        """Ask the far end to call somebody else; `proof` answers its challenge."""
        call = self._call
        address = call.line.agent.contact(call.flow)
        more = (("Refer-To", f"<{it.target}>"), ("Referred-By", address), ("Contact", address), *sendable(it.headers))

        def heard(response: Response) -> None:
            if proof is None and call.is_up and (answer := self._proof(response, it)):
                self.refer(it, answer)
            elif response.status >= OK:
                self._referred(ACCEPTED if response.status // 100 == 2 else response.status)

        call.ask("REFER", (*more, *(proof or ())), hear=heard)

    def _proof(self, challenged: Response, it: Referral) -> Fields:
        """The answer to a challenge, in the name of who was named for it; nothing where it cannot be answered."""
        dialog = self._call.dialog
        if dialog is None:
            return ()
        login = Login(it.username, it.password)
        return login.proof(challenged, "REFER", dialog.target, self._call.line.agent.unique())

    def heard_notify(self, transaction: Transaction) -> None:
        """How the call went that we have asked for."""
        request, agent = transaction.request, self._call.line.agent
        if parse_valued(request.first("Event") or "").value.lower() != "refer":
            agent.answer(transaction, 489)
            return
        agent.answer(transaction, OK)
        status = status_of(request.body)
        if status is not None and status >= OK:
            self._referred(OK if status // 100 == 2 else status)

    def _referred(self, status: int) -> None:
        self._call.line.exchange.referred(self._call.line.binding, self._call.name, status)


def destination_of(uri: Uri, flow: Flow) -> str:
    """Whom a URI names, for dialling. Where its host is an address of ours, the name alone counts."""
    if isinstance(uri, SipUri) and uri.user and uri.host.lower() in (flow.local[0].lower(), "localhost"):
        return user_of(uri)
    return str(uri)
