"""A SIP far end as the exchange sees it (`engine.ports.Signalling`): its binding, how it is reached, its calls.

It serves a phone that registered, somebody who only makes a call, and a trunk: where calls to it go is data. Whoever
makes one calls `register` before anything else.
"""

from collections.abc import Callable
from typing import Literal
from weakref import WeakKeyDictionary

import structlog

from offhook.edge.sip_agent import Agent
from offhook.edge.sip_call import Call
from offhook.edge.sip_incoming import IncomingCall
from offhook.edge.sip_outgoing import OutgoingCall
from offhook.edge.sip_transport import Flow
from offhook.edge.sip_watch import SipWatch
from offhook.edge.sip_ways import Ways
from offhook.engine.ports import Contact, Exchange, Headers, Identity, Invitation, LegIds, Referral
from offhook.voice.cause import Ending
from offhook.voice.cause import ending as ending_named
from offhook.voice.leg import DialogId
from offhook.wire.sip_message import Request
from offhook.wire.sip_refer import Replaces
from offhook.wire.sip_transaction import Transaction

_log = structlog.get_logger("offhook.edge")

# How a far end is reached for one call.
Find = Callable[[Invitation], Ways]


class Calls:
    """All calls of the door, by Call-ID and our tag: what a request within a dialog is found by. `watch` is told of
    them."""

    watch: SipWatch | None = None

    def __init__(self) -> None:
        self._calls: dict[tuple[str, str], Call] = {}
        self._invites: WeakKeyDictionary[Transaction, IncomingCall] = WeakKeyDictionary()

    def __len__(self) -> int:
        return len(self._calls)

    def add(self, call: Call) -> None:
        self._calls[call.call_id, call.tag] = call
        invite = None
        if isinstance(call, IncomingCall):
            self._invites[call.transaction] = call
            invite = call.transaction.request
        if self.watch is not None:
            self.watch.began(DialogId(call.line.binding, call.name), call.call_id, call.tag, invite)

    def remove(self, call: Call) -> None:
        self._calls.pop((call.call_id, call.tag), None)
        if isinstance(call, IncomingCall):
            self._invites.pop(call.transaction, None)  # whose call holds it: a weak key alone would keep both for ever
        if self.watch is not None:
            self.watch.ended(call.call_id, call.tag)

    def of_request(self, request: Request) -> Call | None:
        """The call that a request of a far end is part of."""
        call = self._calls.get((request.call_id, request.to.tag))
        return call if call is not None and call.belongs(request) else None

    def of_response(self, call_id: str, tag: str) -> Call | None:
        """The call whose INVITE of ours a response answers, and any other with this tag of ours."""
        return self._calls.get((call_id, tag))

    def of_user(self, replaces: Replaces, who: Identity) -> Call | None:
        """The call with that dialog, if it is of the same user."""
        call = self.of_response(replaces.call_id, replaces.local_tag)
        if call is None or call.dialog is None or call.dialog.remote_tag != replaces.remote_tag:
            return None
        same = (call.line.who.account_id, call.line.who.username) == (who.account_id, who.username)
        return call if same else None

    def of_invite(self, invite: Transaction) -> IncomingCall | None:
        """The call that an INVITE of a far end makes."""
        return self._invites.get(invite)


class FarEnd:
    """One binding over SIP. `find` says how it is reached, `logged_off` is called when the exchange logs it off."""

    def __init__(
        self, agent: Agent, exchange: Exchange, calls: Calls, who: Identity, find: Find, logged_off: Callable[[], None]
    ) -> None:
        self.agent = agent
        self.exchange = exchange
        self.who = who
        self.binding = ""
        self._all = calls
        self._find = find
        self._logged_off = logged_off
        self._mine: dict[str, Call] = {}
        self._fate: Literal["stays", "goes with its last call"] = "stays"

    def register(self, contact: Contact) -> None:
        """Become a binding of the exchange."""
        self.binding = self.exchange.register(self.who, contact, self)

    # ---- the exchange speaks (engine.ports.Signalling) -----------------------------------------------------

    def invite(self, dialog: str, invitation: Invitation) -> None:
        call = OutgoingCall(self, dialog, self._find(invitation), invitation)
        self._add(call)
        call.start()

    def ringing(self, dialog: str, ids: LegIds) -> None:  # noqa: ARG002
        call = self._mine.get(dialog)
        if isinstance(call, IncomingCall):
            call.ringing()

    def progress(self, dialog: str, sdp: str, ids: LegIds) -> None:  # noqa: ARG002
        call = self._mine.get(dialog)
        if isinstance(call, IncomingCall):
            call.progress(sdp)

    def answer(self, dialog: str, sdp: str | None, ids: LegIds, headers: Headers = ()) -> None:  # noqa: ARG002
        call = self._mine.get(dialog)
        if isinstance(call, IncomingCall):
            call.answer(sdp, headers)

    def bye(self, dialog: str, ending: Ending) -> None:
        call = self._mine.get(dialog)
        if call is not None:
            call.bye(ending)

    def refer(self, dialog: str, referral: Referral) -> None:
        call = self._mine.get(dialog)
        if call is not None:
            call.refer(referral)

    def inform(self, dialog: str, content_type: str, body: str) -> None:
        call = self._mine.get(dialog)
        if call is not None:
            call.inform(content_type, body)

    def close(self, reason: str) -> None:
        _log.info("sip.logged_off", binding=self.binding, why=reason)
        self._logged_off()
        for call in tuple(self._mine.values()):
            call.bye(ending_named("CALL_REJECTED", reason))
        self.exchange.unregister(self.binding)

    # ---- the far end speaks --------------------------------------------------------------------------------

    def dials(self, transaction: Transaction, flow: Flow, destination: str, takes: Call | None = None) -> None:
        """An INVITE outside of dialogs, which `takes` the place of a call or dials. Malformed where no call can come of
        it."""
        agent = self.agent
        call = IncomingCall(self, agent.unique(), flow, transaction, agent.unique())
        self._add(call)
        try:
            call.start(destination, takes and (takes.line.binding, takes.name))
        except Exception:
            call.finish()
            raise

    def retire(self) -> None:
        """It is not registered any more; its calls go on."""
        self.leave_with_last_call()
        self.exchange.retire(self.binding)
        self._go()

    def leave_with_last_call(self) -> None:
        """Its binding is there for its calls alone."""
        self._fate = "goes with its last call"

    def call_of(self, replaces: Replaces) -> Call | None:
        """The call of this far end's own user that a dialog is of: nobody joins others' calls."""
        return self._all.of_user(replaces, self.who)

    def over(self, call: Call) -> None:
        self._mine.pop(call.name, None)
        self._all.remove(call)
        self._go()

    def _add(self, call: Call) -> None:
        self._mine[call.name] = call
        self._all.add(call)

    def _go(self) -> None:
        if self._fate != "stays" and not self._mine:
            self.exchange.unregister(self.binding)
