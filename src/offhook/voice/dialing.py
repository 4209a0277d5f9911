"""Destination text in, decision out: which bindings ring, or why nobody does. No I/O, no clock, no media.

The rules are the table of "Dialling a registered client" and the settings of the connections on both sides.
"""

import contextlib
import re
from collections.abc import Sequence
from typing import Literal
from urllib.parse import unquote

import msgspec

from offhook.voice import caller_id, emergency, numbering
from offhook.voice.binding import Binding, Encryption, Network
from offhook.voice.callbacks import Callbacks
from offhook.voice.cause import Ending, ending
from offhook.voice.directory import ConnectionCard, Directory, NumberCard, Registered, Traffic
from offhook.voice.permission import CONNECTION_FULL, FullPurse, Permission, Purse, Reason, Refused, full
from offhook.voice.rating import STANDARD, WEBRTC, PricePlan, Rate
from offhook.voice.terms import NONE, Terms
from offhook.voice.trunk import NoTrunks, TrunkCard, Trunks, carriers_for

Ringback = Literal["instant", "on_ringing", "none"]

MAX_DESTINATION = 256
# So many numbers may send one call on.
MAX_FORWARDS = 5
# How long the telephone network may take to ring somebody, and he to answer.
CARRIER_HEARD_SECONDS, CARRIER_RING_SECONDS = 30, 180
# Every name under which the hosted product takes SIP: programs dial these.
HOSTED_DOMAINS = (
    "sip.telnyx.com",
    "sip.telnyx.eu",
    "sip.telnyx.com.au",
    "sip.telnyx.ca",
    "sip.telnyx.asia",
    "sip.telnyx.me",
    "sip-eu.telnyx.com",
    "sip-anycast1.telnyx.com",
    "sip-anycast2.telnyx.com",
)

_SECURE = re.compile(r";secure=(srtp|dtls|none)(?=[;?>]|$)", re.IGNORECASE)
_ENCRYPTIONS: dict[str, Encryption] = {"srtp": "srtp", "dtls": "dtls", "none": "none"}
_HOST_NAME = re.compile(r"(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9-]{0,62})(\.[A-Za-z0-9]([A-Za-z0-9-]{0,62}))*")


class SipDomains(msgspec.Struct, frozen=True):
    """The domains in which a SIP URI is ours. `name` is the one we tell people; all are lower case."""

    name: str = "sip.telnyx.com"
    aliases: tuple[str, ...] = ()


class Dialled(msgspec.Struct, frozen=True):
    """Who dials what, at `now` (Unix seconds). `connection_id` None is a stranger who proved nothing.

    A call that was `forwarded` by numbers here, the latest last, is that number's, its account's and connection's.
    `passed` are numbers by which it went elsewhere before it came, as far as that is told. Where the caller is
    `vouched_for`, the telephone network says whose number that is. `encryption` is what a command wants, whatever the
    callee's connection says.
    """

    destination: str
    now: float
    account_id: str | None = None
    connection_id: str | None = None
    caller_number: str = ""
    forwarded: tuple[str, ...] = ()
    passed: tuple[str, ...] = ()
    vouched_for: bool = False
    encryption: Encryption | None = None


class Forwarder(msgspec.Struct, frozen=True):
    """Whose number sends a call on to `destination`: from there on it is their call, on their `terms`.

    `number` is the phone number that it goes to, None for a SIP URI; `passed` those that sent it on.
    """

    account_id: str
    connection_id: str
    destination: str
    number: str | None
    passed: tuple[str, ...]
    terms: Terms


class Ring(msgspec.Struct, frozen=True):
    """These bindings ring at once (one, unless `simultaneous_ringing`).

    `caller_number` is what the callee is shown, `number` the dialled phone number (None for a SIP URI), `shown` what it
    is to the callee. `terms` are the dialled connection's and number's, `caller_terms` those of who calls.
    `unheard_seconds` is how long the far end may take to ring, `ring_seconds` how long to answer. Where a number has
    sent the call on, they ring for its `forwarder`; where nobody takes it, `otherwise` is the call to make.
    """

    account_id: str
    connection_id: str
    username: str
    bindings: tuple[Binding, ...]
    reason: str
    number: str | None
    caller_number: str
    ringback: Ringback
    unheard_seconds: int
    ring_seconds: int
    shown: str = ""
    terms: Terms = NONE
    caller_terms: Terms = NONE
    forwarder: Forwarder | None = None
    otherwise: Dialled | None = None


class Park(msgspec.Struct, frozen=True):
    """The call is parked for the customer's backend, which hears of it by webhook, or follows a document from here.

    `application` is whose number was dialled; None where the caller's own connection parks what it dials. `number` is
    then that number.
    """

    reason: str
    caller_terms: Terms = NONE
    callbacks: Callbacks | None = None
    application: ConnectionCard | None = None
    number: str = ""


class Refuse(msgspec.Struct, frozen=True):
    """Nobody rings. `ending` is for the caller, its `detail` names the setting; `reason` is for `explain`.

    `username` is whom the destination means, where it means anybody: registered, it would ring. `why` has the API's
    code, where a limit of the caller's refused the call. `caller_number` is what that phone would show.
    """

    ending: Ending
    reason: str
    username: str | None = None
    why: Reason | None = None
    caller_number: str = ""


class Permitted(msgspec.Struct, frozen=True):
    """A command may make this call; `number` is the phone number that it goes to, None for a SIP URI, `network` what
    its far end will belong to. `first_command_within` is the caller's connection's wish, in seconds."""

    number: str | None
    first_command_within: float | None = None
    network: Network = "sip"


Decision = Ring | Park | Refuse


class Dialplan:
    """The rules, given what they look things up in. `decide` changes nothing."""

    __slots__ = ("_directory", "_domains", "_permission", "_plan", "_registered", "_traffic", "_trunks")

    def __init__(
        self,
        directory: Directory,
        registered: Registered,
        traffic: Traffic,
        domains: SipDomains,
        plan: PricePlan = STANDARD,
        purse: Purse | None = None,
        trunks: Trunks | None = None,
    ) -> None:
        self._directory = directory
        self._registered = registered
        self._traffic = traffic
        self._domains = domains
        self._plan = plan
        self._trunks = trunks or NoTrunks()
        self._permission = Permission(directory, traffic, purse or FullPurse())

    def decide(self, call: Dialled) -> Decision:
        """Who rings for this call. Never raises, whatever the destination is."""
        try:
            return self._decide(call)
        except Refused as refused:
            return _refusal(refused)

    def _decide(self, call: Dialled) -> Ring | Park:
        user, host = parts(call.destination)
        number = numbering.compact(user)
        if number is not None and emergency.is_emergency(number):
            return self._emergency(number, call)
        attempt = _Attempt(call, self._caller(call))
        if attempt.caller is not None and attempt.caller.parks and not call.forwarded:
            reason = f"outbound.call_parking_enabled of {attempt.named(attempt.caller)} parks what it dials"
            return Park(reason, self.caller_terms(call), attempt.caller.callbacks)
        if host is not None and host not in (self._domains.name, *self._domains.aliases):
            raise Refused("UNALLOCATED_NUMBER", f"only {self._domains.name} and its aliases are served here")
        found = self._by_username(user, attempt) if number is None else self._by_number(number, attempt)
        return self._in_its_name(_protected(found, call), call)

    # ---- the caller's side -----------------------------------------------------------------------------------

    def permit(self, call: Dialled) -> Permitted | Refuse:
        """Whether a customer's command may make this call. A destination that nobody can be reached at is no reason
        to refuse the command: the call is made, and ends."""
        caller, number, network = None, None, "sip"
        try:
            caller = self._caller(call)
            dialled = numbering.compact(parts(call.destination)[0])
            if dialled is not None:
                number, card = self._read(dialled, caller, call.now)
                if card is None and carriers_for(number, self._trunks.trunks()):
                    self._may_leave(number, _Attempt(call, caller))
                network = "sip" if card is not None and not card.does else "pstn"
        except Refused as refused:
            if refused.reason.code:
                return _refusal(refused)
        return Permitted(number, caller and caller.first_command_timeout_secs, network)

    def caller_terms(self, call: Dialled) -> Terms:
        """What the caller's side wants of the leg that it makes: its connection, and for a call to a phone number its
        outbound voice profile. Never raises."""
        caller = self._directory.connection(call.connection_id or "")
        if caller is None:
            return NONE
        profile = self._permission.profile(caller)
        if profile is None or not _names_number(call.destination):
            return Terms(suppress=caller.suppress)
        number = numbering.compact(call.caller_number) or ""
        recorded = number.lstrip("+") in {each.lstrip("+") for each in profile.record_callers}
        record = profile.record if recorded or not profile.record_callers else None
        return Terms(record, caller.suppress, profile.billing_group)

    def prices(self, call: Dialled) -> tuple[Rate, Rate]:
        """What a minute of this call costs: of the caller's leg and of the dialled one. Never raises."""
        here = self._plan.rate(WEBRTC)
        with contextlib.suppress(Refused):
            connection = self._directory.connection(call.connection_id or "")
            found = self._where_to(call.destination, connection)
            return here, self._rate_of(*found) if found else here
        return here, here

    def _where_to(self, destination: str, caller: ConnectionCard | None) -> tuple[str, NumberCard | None] | None:
        """The number at which a call ends up that all on its way send on; None for a SIP URI."""
        found = None
        for _ in range(MAX_FORWARDS):
            dialled = numbering.compact(parts(destination)[0])
            found = self._readings(dialled, caller) if dialled else None
            if found is None or found[1] is None or not _always(found[1]):
                break
            destination = _always(found[1])
        return found

    def _caller(self, call: Dialled) -> ConnectionCard | None:
        if call.connection_id is None:
            return None
        trunk = self._trunks.trunk(call.connection_id)
        if trunk is not None and trunk.kind == "carrier":
            return _card_of(trunk)
        return self._permission.to_call(call.account_id, call.connection_id)

    # ---- the dialled side ------------------------------------------------------------------------------------

    def _by_number(self, dialled: str, attempt: "_Attempt") -> Ring | Park:
        caller = attempt.caller
        e164, number = self._read(dialled, caller, attempt.call.now)
        if number is None:
            return self._outside(e164, attempt)
        if _always(number):
            return self._forwarded(number, attempt)
        try:
            found = self._to_its_connection(number, attempt)
        except Refused:
            if number.forwarding is None:
                raise
            return self._forwarded(number, attempt)
        onward = self._onward(number, attempt.call)
        return msgspec.structs.replace(found, otherwise=onward) if isinstance(found, Ring) else found

    def _to_its_connection(self, number: NumberCard, attempt: "_Attempt") -> Ring | Park:
        connection = self._directory.connection(number.connection_id) if number.connection_id else None
        if connection is None:
            raise Refused("UNALLOCATED_NUMBER", "connection_id: the number is assigned to no connection")
        if connection.called == "parks":
            return self._at_application(connection, number, attempt)
        if connection.called == "trunk":
            why = f"the number is assigned to {attempt.named(connection)}, a trunk, which takes the call"
            return self._ring(connection, connection.username, number, why, attempt)
        if connection.dnis_number_format != "sip_username":
            raise Refused(
                "UNALLOCATED_NUMBER",
                f"inbound.dnis_number_format of {attempt.named(connection)} is {connection.dnis_number_format}; "
                "only sip_username rings its registered client",
            )
        why = (
            f"a scripted number: {number.does}"
            if number.does
            else f"the number is assigned to {attempt.named(connection)} and rings its username"
        )
        return self._ring(connection, connection.username, number, why, attempt)

    # ---- forwarding ------------------------------------------------------------------------------------------

    def _forwarded(self, number: NumberCard, attempt: "_Attempt") -> Ring | Park:
        """The call as its number sends it on: made and paid for by that number's owner. What is told of it is the
        caller's business where that is its own number."""
        its_own = attempt.call.account_id == number.account_id
        onward = self._onward(number, attempt.call)
        if onward is None:
            raise Refused("UNALLOCATED_NUMBER", "call_forwarding of the dialled number goes in a circle")
        try:
            found = self._decide(onward)
        except Refused as why:
            detail = f"call_forwarding of the dialled number: {why.detail}"
            if its_own:
                raise Refused(why.reason, detail, why.username, why.number) from None
            raise Refused(why.reason.cause, "call_forwarding of the dialled number finds nobody") from None
        reason = f"call_forwarding of the number sends the call on: {found.reason}"
        terms = self.caller_terms(attempt.call)
        if isinstance(found, Park):
            return msgspec.structs.replace(found, reason=reason)
        callee = self._directory.connection(found.connection_id)
        ringback = _ringback(attempt.caller, callee) if callee else found.ringback
        return msgspec.structs.replace(
            found, reason=reason, number=number.number, ringback=ringback, caller_terms=terms
        )

    def _onward(self, number: NumberCard, call: Dialled) -> Dialled | None:
        """The call to where a number sends what it is called for; None where it sends nothing on, or in a circle."""
        passed = (*call.passed, *call.forwarded)
        if number.forwarding is None or number.number in passed or len(call.forwarded) >= MAX_FORWARDS:
            return None
        return msgspec.structs.replace(
            call,
            destination=number.forwarding.to,
            account_id=number.account_id,
            connection_id=number.connection_id,
            forwarded=(*call.forwarded, number.number),
        )

    def _in_its_name(self, found: Ring | Park, call: Dialled) -> Ring | Park:
        """What a call that was sent on finds is for whoever sent it there last."""
        if not call.forwarded or isinstance(found, Park) or found.forwarder is not None:
            return found
        assert call.account_id is not None  # a number is somebody's
        forwarder = Forwarder(
            account_id=call.account_id,
            connection_id=call.connection_id or "",
            destination=call.destination,
            number=found.number,
            passed=call.forwarded,
            terms=self.caller_terms(call),
        )
        return msgspec.structs.replace(found, forwarder=forwarder)

    # ---- outside ---------------------------------------------------------------------------------------------

    def _outside(self, e164: str, attempt: "_Attempt") -> Ring:
        """The way to a number that nobody here has: by a carrier. What came from one does not leave by one."""
        if attempt.call.account_id is None or (attempt.caller is not None and attempt.caller.reach == "outside"):
            raise Refused("UNALLOCATED_NUMBER", "nobody here has this number")
        carriers = carriers_for(e164, self._trunks.trunks())
        if not carriers:
            raise Refused("UNALLOCATED_NUMBER", "nobody here has this number, and no trunk leads outside")
        # A command was permitted before its leg came to be, and names no connection here.
        ordered = attempt.caller is None and not attempt.call.forwarded
        shown = self._asserted(attempt) if ordered else self._may_leave(e164, attempt)
        return msgspec.structs.replace(self._by_carrier(carriers, e164, attempt), caller_number=shown)

    def _may_leave(self, e164: str, attempt: "_Attempt") -> str:
        """The number that a call outside shows, if it may be made."""
        self._permission.to_leave(attempt.caller, self._rate_of(e164, None))
        return self._asserted(attempt)

    def _asserted(self, attempt: "_Attempt") -> str:
        """The caller's number as the telephone network is told it. A call that is sent on shows its caller as far as
        somebody can answer for that, else the number that sends it on."""
        call, country = attempt.call, attempt.caller.localization if attempt.caller else "US"
        claimed = _bare(_own_number(attempt))
        try:
            if call.vouched_for and call.forwarded:
                return caller_id.read(claimed, country)[0]
            account = call.account_id or ""
            return caller_id.asserted(claimed, account, country, self._directory, self._traffic.calling)
        except Refused:
            if call.forwarded:
                return call.forwarded[-1]
            raise

    def _by_carrier(self, carriers: Sequence[TrunkCard], number: str, attempt: "_Attempt") -> Ring:
        """The first of these carriers that is there; it goes on to the next by itself where it fails."""
        there = [it for it in carriers if self._registered.of_username(it.username)]
        carrier = there[0] if there else carriers[0]
        why = f"nobody here has this number; carrier {carrier.name} takes it outside"
        return self._ring(_card_of(carrier), carrier.username, NumberCard(number, "", number), why, attempt)

    def _emergency(self, number: str, call: Dialled) -> Ring:
        """An emergency number goes nowhere but to a carrier whose owner has said so."""
        carriers = [it for it in self._trunks.trunks() if it.emergency == "carried" and it.gateways]
        caller = self._caller(call)
        if not carriers or (caller is not None and caller.reach == "outside"):
            raise Refused("EMERGENCY_NOT_SUPPORTED", emergency.DETAIL)
        return self._by_carrier(carriers, number, _Attempt(call, caller))

    def _at_application(self, connection: ConnectionCard, number: NumberCard, attempt: "_Attempt") -> Park:
        """The caller's leg is the application's from now on."""
        self._expect_room(connection, attempt)
        return Park(
            reason=f"the number is assigned to {attempt.named(connection)}, an application, which takes the call",
            caller_terms=_terms(connection, number),
            callbacks=connection.callbacks,
            application=connection,
            number=number.number,
        )

    def _expect_room(self, connection: ConnectionCard, attempt: "_Attempt") -> None:
        """A dialled connection takes calls, and one more."""
        if not connection.active:
            raise Refused("UNALLOCATED_NUMBER", f"active is false on {attempt.named(connection)}")
        if full(connection.inbound_channel_limit, self._traffic.inbound(connection.id)):
            raise Refused(CONNECTION_FULL, f"inbound.channel_limit of {attempt.named(connection)} is reached")

    def _read(self, dialled: str, caller: ConnectionCard | None, now: float) -> tuple[str, NumberCard | None]:
        """A number that the caller may call, and whose it is."""
        e164, number = self._readings(dialled, caller)
        self._permission.to_reach(caller, e164, self._rate_of(e164, number), now)
        return e164, number

    def _readings(self, dialled: str, caller: ConnectionCard | None) -> tuple[str, NumberCard | None]:
        """What a dialled number is in +E.164: the first reading that is a number here, else the likeliest."""
        readings = numbering.readings(dialled, caller.localization if caller else "US")
        if not readings:
            raise Refused("INVALID_NUMBER_FORMAT", "this is no phone number")
        number = next(filter(None, map(self._directory.number, readings)), None)
        return number.number if number else readings[0], number

    def _rate_of(self, e164: str, number: NumberCard | None) -> Rate:
        """What the dialled leg is charged by: a customer's number rings a client, unless it is a trunk's; any other is
        the network's."""
        own = number is not None and not number.does
        connection = self._directory.connection(number.connection_id or "") if number is not None else None
        if own and (connection is None or connection.called != "trunk"):
            return self._plan.rate(WEBRTC)
        return self._plan.rate("sip-trunking", "outbound", e164)

    def _by_username(self, user: str, attempt: "_Attempt") -> Ring:
        connection, whose = self._owner(user, attempt.call.now)
        if user[0].isdigit():
            raise Refused(
                "CALL_REJECTED", "sip_uri_calling_preference: a username that starts with a digit cannot be dialled"
            )
        preference = connection.sip_uri_calling_preference
        if preference == "disabled" or (preference == "internal" and not attempt.inside(connection)):
            raise Refused("CALL_REJECTED", f"sip_uri_calling_preference of {attempt.named(connection)} is {preference}")
        return self._ring(connection, user, None, f"{user} is {whose} {attempt.named(connection)}", attempt)

    def _owner(self, user: str, now: float) -> tuple[ConnectionCard, str]:
        """The connection under which a username rings, and what the name is to it."""
        connection = self._directory.connection_of_username(user)
        if connection is not None:
            return connection, "the username of"
        credential = self._directory.credential_of_username(user)
        connection = self._directory.connection(credential.connection_id) if credential else None
        if credential is None or connection is None:
            raise Refused("UNALLOCATED_NUMBER", "there is no such username")
        if credential.expires_at is not None and credential.expires_at <= now:
            raise Refused("UNALLOCATED_NUMBER", "expires_at: this telephony credential has expired")
        return connection, "a telephony credential of"

    def _ring(
        self, connection: ConnectionCard, username: str, number: NumberCard | None, why: str, attempt: "_Attempt"
    ) -> Ring:
        self._expect_room(connection, attempt)
        registered = self._registered.of_username(username)
        dialled = number.number if number else None
        shown = _shown_number(attempt, connection, dialled)
        if not registered:
            raise Refused("USER_NOT_REGISTERED", f"{why}, and nobody is registered under it", username, shown)
        ringing = registered if connection.simultaneous_ringing else registered[:1]
        return Ring(
            account_id=connection.account_id,
            connection_id=connection.id,
            username=username,
            bindings=ringing,
            reason=f"{why}; {_who_rings(len(ringing), len(registered))}",
            number=dialled,
            caller_number=shown,
            ringback=_ringback(attempt.caller, connection),
            unheard_seconds=connection.timeout_1xx_secs,
            ring_seconds=connection.timeout_2xx_secs,
            shown=(number.translated if number else "") or dialled or username,
            terms=_terms(connection, number),
            caller_terms=self.caller_terms(attempt.call),
        )


class _Attempt(msgspec.Struct, frozen=True):
    """A call with its caller's connection; None for a stranger."""

    call: Dialled
    caller: ConnectionCard | None

    def inside(self, connection: ConnectionCard) -> bool:
        """Whether caller and callee belong to one account."""
        return self.call.account_id == connection.account_id

    def named(self, connection: ConnectionCard) -> str:
        """The connection in words; what another account calls it is nobody's business."""
        return f"connection {connection.name}" if self.inside(connection) else "the dialled connection"


def _card_of(carrier: TrunkCard) -> ConnectionCard:
    """The telephone network as a connection: it calls, and is called, without limits of its own."""
    return ConnectionCard(
        id=carrier.id,
        account_id=carrier.account_id,
        name=carrier.name,
        username=carrier.username,
        ani_number_format="+E.164",
        instant_ringback=False,
        timeout_1xx_secs=CARRIER_HEARD_SECONDS,
        timeout_2xx_secs=CARRIER_RING_SECONDS,
        called="trunk",
        reach="outside",
        encryption=carrier.encryption,
    )


def _terms(connection: ConnectionCard, number: NumberCard | None) -> Terms:
    """What a dialled connection wants of its leg, and the number by which it was reached."""
    if number is None:
        return Terms(suppress=connection.suppress, encryption=connection.encryption)
    return Terms(number.record, connection.suppress, number.billing_group, connection.encryption)


def _protected(found: Ring | Park, call: Dialled) -> Ring | Park:
    """A destination may say by itself how the media of a call to it is encrypted."""
    secure = _SECURE.search(call.destination)
    encryption = call.encryption or (secure and _ENCRYPTIONS[secure[1].lower()])
    if encryption is None or isinstance(found, Park):
        return found
    return msgspec.structs.replace(found, terms=msgspec.structs.replace(found.terms, encryption=encryption))


def _always(number: NumberCard) -> str:
    """Where a number sends every call; empty where it does not."""
    forwarding = number.forwarding
    return forwarding.to if forwarding is not None and forwarding.when == "always" else ""


def _names_number(destination: str) -> bool:
    with contextlib.suppress(Refused):
        return numbering.compact(parts(destination)[0]) is not None
    return False


def _refusal(why: Refused) -> Refuse:
    told = f"{why.detail} {why.reason.tag}".strip()
    return Refuse(ending(why.reason.cause, told), why.detail, why.username, why.reason, why.number)


def domains(name: str = HOSTED_DOMAINS[0], aliases: Sequence[str] | None = None) -> SipDomains:
    """The configured domain with its aliases; None takes the hosted product's names. ValueError for no host name."""
    if not _HOST_NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no domain: a host name without scheme and port is wanted")
    others = HOSTED_DOMAINS if aliases is None else aliases
    return SipDomains(
        name.lower(), tuple(dict.fromkeys(alias.lower() for alias in others if alias.lower() != name.lower()))
    )


def parts(destination: str) -> tuple[str, str | None]:
    """Whom a destination names, and in which domain (None for no domain).

    `bob`, `sip:bob@domain:5060;transport=tcp` and `<sips:bo%62@domain>` are all `bob`. Raises the refusal for what
    names nobody. A domain that is not ours is for the caller to refuse (RFC 3261 section 21.4.5).
    """
    text = destination.strip()
    if not text or len(text) > MAX_DESTINATION or not text.isprintable():
        raise Refused("INVALID_NUMBER_FORMAT", "this destination is empty, too long or unreadable")
    if text.endswith(">"):
        text = text[text.rfind("<") + 1 : -1]
    scheme, colon, rest = text.partition(":")
    if colon and scheme.lower() in ("sip", "sips", "tel"):
        text = rest
    user, at, host = text.rpartition("@")
    user = unquote((user if at else text).partition(";")[0].partition(":")[0])
    if not user or not user.isprintable():
        raise Refused("INVALID_NUMBER_FORMAT", "this destination names nobody")
    return user, _host(host) if at else None


def names_emergency(destination: str) -> bool:
    """Whether a destination, however it is written, is an emergency number."""
    try:
        number = numbering.compact(parts(destination)[0])
    except Refused:
        return False
    return number is not None and emergency.is_emergency(number)


def _host(text: str) -> str:
    """The host of a URI's `host[:port][;parameters][?headers]`, as it compares."""
    return text.partition(";")[0].partition("?")[0].partition(":")[0].rstrip(".").lower()


def _who_rings(ringing: int, registered: int) -> str:
    if registered == 1:
        return "its one login rings"
    if ringing == registered:
        return f"inbound.simultaneous_ringing rings all {registered} logins"
    return f"the latest of its {registered} logins rings"


def _shown_number(attempt: _Attempt, callee: ConnectionCard, number: str | None) -> str:
    """The caller's number as the callee sees it. A SIP URI's caller is shown as it calls itself."""
    shown = _own_number(attempt)
    if number is None:
        return shown
    return numbering.presented(shown, callee.ani_number_format, numbering.country_of(number))


def _own_number(attempt: _Attempt) -> str:
    """The number or name under which somebody calls: what he says, unless his connection says another."""
    caller = attempt.caller
    overridden = caller is not None and caller.ani_override and caller.ani_override_type != "emergency"
    return caller.ani_override if caller is not None and overridden else attempt.call.caller_number


def _bare(caller: str) -> str:
    """A caller's number or name without the SIP URI around it; empty for what is none."""
    with contextlib.suppress(Refused):
        return parts(caller)[0]
    return ""


def _ringback(caller: ConnectionCard | None, callee: ConnectionCard) -> Ringback:
    if caller is not None and caller.instant_ringback:
        return "instant"
    return "on_ringing" if callee.inbound_ringback or (caller is not None and caller.outbound_ringback) else "none"
