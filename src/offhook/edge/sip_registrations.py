"""SIP phones that are registered: the registrar's contacts, each a binding of the exchange. Knows no digest.

A call to a phone goes back over the flow that its REGISTER came over, whatever its Contact says: so it passes every
address translator, and nobody can register an address that is not its own.
"""

import asyncio
from collections.abc import Callable

import structlog

from offhook.edge.sip_far_end import FarEnd, Find
from offhook.edge.sip_transport import Flow, profile_of
from offhook.edge.sip_ways import OneWay, Reach
from offhook.edge.text import shown
from offhook.engine.ports import Contact, Exchange, Identity
from offhook.wire.sip_fields import Fields
from offhook.wire.sip_identity import address_of, user_of
from offhook.wire.sip_message import Request
from offhook.wire.sip_registrar import Accepted, Refused, Registered, Terms, register

_log = structlog.get_logger("offhook.edge")

_TERMS = Terms()
# Makes the far end of an identity, given how it is reached and what to do when it is logged off.
MakeFarEnd = Callable[[Identity, Find, Callable[[], None]], FarEnd]


class _Phone:
    """One registered contact."""

    def __init__(self, registered: Registered, flow: Flow) -> None:
        self.registered = registered
        self.flow = flow
        self.far_end: FarEnd
        self.timer: asyncio.TimerHandle | None = None

    def stop(self) -> None:
        if self.timer is not None:
            self.timer.cancel()


class Registrations:
    """All of them, by username. `domain` is that of our addresses."""

    def __init__(
        self, exchange: Exchange, make: MakeFarEnd, domain: str, now: Callable[[], float], terms: Terms = _TERMS
    ) -> None:
        self._exchange = exchange
        self._make = make
        self._domain = domain
        self._now = now
        self._terms = terms
        self._phones: dict[str, dict[int, _Phone]] = {}

    def __len__(self) -> int:
        return sum(len(phones) for phones in self._phones.values())

    def registering(self, request: Request, flow: Flow, who: Identity) -> tuple[int, str, Fields]:
        """What becomes of a REGISTER: status, phrase ("" for the usual one) and headers of the response. Malformed
        where it cannot be read."""
        if user_of(request.to.uri) != who.username:
            return 403, "this is another user's address", ()
        now, phones = self._now(), self._phones.get(who.username, {})
        known = [phone.registered for phone in phones.values()]
        outcome = register(request, known, 1 + max(phones, default=0), now, self._terms)
        if isinstance(outcome, Refused):
            return outcome.status, outcome.why, outcome.more
        self._follow(outcome, request, flow, who)
        return 200, "", outcome.fields(request, now)

    def _follow(self, outcome: Accepted, request: Request, flow: Flow, who: Identity) -> None:
        phones = self._phones.get(who.username, {})
        staying = {contact.number for contact in outcome.contacts}
        for number in [each for each in phones if each not in staying]:
            self._drop(who.username, number)
        for contact in outcome.contacts:
            if contact.number not in outcome.touched:
                continue
            if contact.number in phones:
                self._refresh(phones[contact.number], contact, flow, who)
            else:
                self._add(contact, request, flow, who)

    def _add(self, contact: Registered, request: Request, flow: Flow, who: Identity) -> None:
        phone = _Phone(contact, flow)
        number, username = contact.number, who.username

        def logged_off() -> None:
            self._forget(username, number)

        phone.far_end = self._make(who, lambda _: OneWay(self._reach(phone, username)), logged_off)
        agent = shown(request.first("User-Agent") or "")
        phone.far_end.register(Contact(*flow.peer, flow.transport, agent, speaks="sip", profile=profile_of(flow)))
        self._phones.setdefault(username, {})[number] = phone
        self._watch(phone, username)
        _log.info("sip.registered", binding=phone.far_end.binding, account=who.account_id, user_agent=agent)

    def _refresh(self, phone: _Phone, contact: Registered, flow: Flow, who: Identity) -> None:
        phone.registered, phone.flow = contact, flow
        self._exchange.renewed(phone.far_end.binding, who)
        self._watch(phone, who.username)

    def _reach(self, phone: _Phone, username: str) -> Reach:
        it = phone.registered
        return Reach(phone.flow, str(it.uri), address_of(username, self._domain), self._domain, it.path)

    def _watch(self, phone: _Phone, username: str) -> None:
        phone.stop()
        wait = max(0.0, phone.registered.expires_at - self._now())
        phone.timer = asyncio.get_running_loop().call_later(wait, self._drop, username, phone.registered.number)

    # ---- the end -------------------------------------------------------------------------------------------

    def lost(self, flow: Flow) -> None:
        """A connection is gone, and with it the way to whoever registered over it."""
        for username, phones in list(self._phones.items()):
            for number in [number for number, phone in phones.items() if phone.flow == flow]:
                self._drop(username, number)

    def close(self) -> None:
        """No timer stays behind."""
        for phones in self._phones.values():
            for phone in phones.values():
                phone.stop()

    def _drop(self, username: str, number: int) -> None:
        """The phone is registered no more; its calls go on."""
        phone = self._forget(username, number)
        if phone is not None:
            _log.info("sip.gone", binding=phone.far_end.binding)
            phone.far_end.retire()

    def _forget(self, username: str, number: int) -> _Phone | None:
        phones = self._phones.get(username, {})
        phone = phones.pop(number, None)
        if phone is not None:
            phone.stop()
        if not phones:
            self._phones.pop(username, None)
        return phone

    def far_ends(self) -> list[FarEnd]:
        """All who are registered."""
        return [phone.far_end for phones in self._phones.values() for phone in phones.values()]

    def at(self, username: str, flow: Flow) -> FarEnd | None:
        """The phone of a user that registered over this flow."""
        phones = self._phones.get(username, {}).values()
        return next((phone.far_end for phone in phones if phone.flow == flow), None)
