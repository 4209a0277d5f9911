"""SIP's door: who may come in, and to whom each request goes. Knows no rule of calls.

Beside phones that register, and callers that prove who they are, there are trunks, which are known by where they are.
"""

from collections.abc import Callable, Sequence
from functools import partial

import structlog

from offhook.edge.sip_agent import Agent, Serve
from offhook.edge.sip_call import ABILITIES, ALLOW, OPTIONS, Call
from offhook.edge.sip_entrance import Entrance
from offhook.edge.sip_far_end import Calls, FarEnd, Find
from offhook.edge.sip_locating import Locator
from offhook.edge.sip_registering import Registrants
from offhook.edge.sip_registrations import Registrations
from offhook.edge.sip_transfers import destination_of
from offhook.edge.sip_transport import Flow, profile_of
from offhook.edge.sip_trunks import Trunks
from offhook.edge.sip_watch import SipWatch
from offhook.edge.sip_ways import OneWay
from offhook.edge.text import shown
from offhook.engine.ports import Authenticator, Chance, Clock, Contact, Exchange, Identity, Traffic
from offhook.voice import trunk as cards
from offhook.voice.dialing import SipDomains
from offhook.wire.digest import Algorithm
from offhook.wire.digest_nonce import Authenticator as Digest
from offhook.wire.sip_admission import respond, unsupported
from offhook.wire.sip_grammar import Malformed
from offhook.wire.sip_message import Request, Response
from offhook.wire.sip_refer import parse_replaces
from offhook.wire.sip_transaction import Transaction

_log = structlog.get_logger("offhook.edge")

NONCE_KEY_LENGTH = 43
_EVENTS = frozenset({"SUBSCRIBE", "PUBLISH", "NOTIFY"})


class SipDoor:
    """Implements `sip_agent.User`; give `agent` to the listeners as their receiver. Passwords are proved by
    one of `algorithms`, asked for in this order."""

    def __init__(
        self,
        exchange: Exchange,
        logins: Authenticator,
        domains: SipDomains,
        algorithms: Sequence[Algorithm],
        clock: Clock,
        chance: Chance,
        trunks: cards.Trunks,
        locator: Locator,
    ) -> None:
        self.agent = Agent(clock, chance)
        self.agent.user = self
        self.calls = Calls()
        digest = Digest(chance.token(NONCE_KEY_LENGTH).encode(), algorithms)
        self.entrance = Entrance(logins, digest, domains.name, clock, chance)
        self.registrations = Registrations(exchange, self.far_end, domains.name, clock.monotonic)
        self._exchange = exchange
        self.trunks = Trunks(trunks, self.far_end, locator, domains, Registrants(self.agent, locator, chance))

    def watch(self, traffic: Traffic) -> None:
        """Let `traffic` know what goes over the wire of calls."""
        self.agent.watch = self.calls.watch = SipWatch(traffic)

    def far_end(self, who: Identity, find: Find, logged_off: Callable[[], None]) -> FarEnd:
        """A far end of this door, which whoever makes it has to `register`."""
        return FarEnd(self.agent, self._exchange, self.calls, who, find, logged_off)

    def log_off_all(self, reason: str) -> None:
        """Nobody is registered any more, and nobody's call goes on."""
        for far_end in self.registrations.far_ends():
            far_end.close(reason)

    def close(self) -> None:
        """No timer stays behind."""
        self.agent.close()
        self.registrations.close()

    # ---- sip_agent.User ------------------------------------------------------------------------------------

    def gate(self, request: Request, flow: Flow) -> Serve | Response | None:
        """Nobody is let through who is neither part of a call nor proves who he is."""
        tag = self.agent.tag_for(request)
        if request.max_forwards == 0 and request.method != "OPTIONS":
            return respond(request, 483, tag)
        if request.to.tag:
            return self._gate_to_call(request, flow, tag)
        trunk = self.trunks.from_source(request, flow)
        if trunk is not None:
            return partial(self._serve, request, flow, trunk)
        admitted = self.entrance.admit(request, flow, tag)
        return partial(self._serve, request, flow, admitted) if isinstance(admitted, Identity) else admitted

    def _gate_to_call(self, request: Request, flow: Flow, tag: str) -> Serve | Response | None:
        """Whoever comes from where the call is, is taken at its word: it knows the tags. Others, phones whose address
        has changed, must prove that they are the same; the call goes on over their way then."""
        call = self.calls.of_request(request)
        if call is None:
            return respond(request, 481, tag)
        if flow.peer[0] != call.flow.peer[0] and not self.trunks.speaks_for(call.line, flow):
            admitted = self.entrance.admit(request, flow, tag)
            if not isinstance(admitted, Identity):
                return admitted
            if admitted.username != call.line.who.username:
                return respond(request, 403, tag)
        call.flow = flow
        return partial(self._serve_call, call)

    def cancelled(self, invite: Transaction) -> None:
        call = self.calls.of_invite(invite)
        if call is not None:
            call.cancelled()

    def acknowledged(self, ack: Request, flow: Flow) -> None:
        call = self.calls.of_request(ack)
        if call is not None and call.flow.peer[0] == flow.peer[0]:
            call.acknowledged(ack)

    def accepted_late(self, response: Response, flow: Flow) -> None:
        call = self.calls.of_response(response.call_id, response.from_.tag)
        if call is not None and call.flow.peer[0] == flow.peer[0]:
            call.hear_accepted(response)

    def lost(self, flow: Flow) -> None:
        self.registrations.lost(flow)
        self.trunks.registrants.lost(flow)

    # ---- requests ------------------------------------------------------------------------------------------

    def _serve_call(self, call: Call, transaction: Transaction) -> None:
        lacking = unsupported(transaction.request, OPTIONS)
        if lacking:
            self.agent.answer(transaction, 420, more=(("Unsupported", ", ".join(lacking)),))
        else:
            call.hear(transaction)

    def _serve(self, request: Request, flow: Flow, who: Identity | FarEnd, transaction: Transaction) -> None:
        """A request outside of calls, of somebody whom we know."""
        lacking = unsupported(request, OPTIONS)
        if lacking:
            self.agent.answer(transaction, 420, more=(("Unsupported", ", ".join(lacking)),))
            return
        match request.method:
            case "INVITE" if request.first("Replaces") is not None:
                self._taking(transaction, flow, who)
            case "INVITE":
                self._called(transaction, flow, who)
            case "REGISTER" if isinstance(who, Identity):
                self._registering(transaction, flow, who)
            case "OPTIONS":
                self.agent.answer(transaction, 200, more=ABILITIES)
            case "BYE" | "INFO" | "UPDATE" | "PRACK" | "REFER":
                self.agent.answer(transaction, 481)
            case method if method in _EVENTS:
                self.agent.answer(transaction, 489)
            case "MESSAGE" | "REGISTER":
                self.agent.answer(transaction, 405, more=(("Allow", ALLOW),))
            case _:
                self.agent.answer(transaction, 501, more=(("Allow", ALLOW),))

    def _registering(self, transaction: Transaction, flow: Flow, who: Identity) -> None:
        status, why, more = self.registrations.registering(transaction.request, flow, who)
        self.agent.answer(transaction, status, more=more, why=why)

    def _called(self, transaction: Transaction, flow: Flow, who: Identity | FarEnd) -> None:
        far_end = who if isinstance(who, FarEnd) else self._calling(who, flow, transaction.request)
        destination = self.trunks.destination(far_end, transaction.request)
        far_end.dials(transaction, flow, destination or destination_of(transaction.request.target, flow))

    def _taking(self, transaction: Transaction, flow: Flow, who: Identity | FarEnd) -> None:
        """An INVITE that is to take the place of a call of the same user (RFC 3891 section 3): an answered one, as
        nobody is told here of those that ring."""
        request = transaction.request
        if len(request.every("Replaces")) != 1:
            raise Malformed("there is not one Replaces")
        wanted = parse_replaces(request.one("Replaces"))
        call = None if isinstance(who, FarEnd) else self.calls.of_user(wanted, who)
        if call is None or not call.is_up:
            self.agent.answer(transaction, 481)
        elif wanted.wanted == "early":
            self.agent.answer(transaction, 486)
        elif isinstance(who, Identity):
            destination = destination_of(request.target, flow)
            self._calling(who, flow, request).dials(transaction, flow, destination, call)

    def _calling(self, who: Identity, flow: Flow, request: Request) -> FarEnd:
        """The caller's registration, or, where it has none here, a binding that lasts as long as its call."""
        phone = self.registrations.at(who.username, flow)
        if phone is not None:
            return phone
        caller = self.far_end(who, lambda _: OneWay(None), lambda: None)
        agent = shown(request.first("User-Agent") or "")
        caller.register(
            Contact(*flow.peer, flow.transport, agent, rung="never", speaks="sip", profile=profile_of(flow))
        )
        caller.leave_with_last_call()
        return caller
