"""Trunks at SIP's door: each card a far end of the exchange, found by where its requests come from. Decides nothing.

What comes from a trunk's address is taken for its: nothing that is no trunk's is answered differently for that.
"""

import asyncio
import ipaddress
from collections.abc import AsyncIterator, Callable, Iterable
from itertools import count

import structlog

from offhook.edge.sip_call import Line
from offhook.edge.sip_far_end import FarEnd, Find
from offhook.edge.sip_locating import Locator
from offhook.edge.sip_login import Login
from offhook.edge.sip_registering import Registrants
from offhook.edge.sip_transport import Address, Flow
from offhook.edge.sip_ways import Reach, Reached
from offhook.engine.ports import Contact, Identity, Invitation
from offhook.voice import numbering
from offhook.voice import trunk as cards
from offhook.voice.dialing import SipDomains
from offhook.voice.trunk import Gateway, TrunkCard
from offhook.wire.sip_identity import user_of
from offhook.wire.sip_locating import PORTS
from offhook.wire.sip_message import Request
from offhook.wire.sip_uri import SipUri

_log = structlog.get_logger("offhook.edge")

# A gateway from which nothing is heard for so long has the next one tried in its place.
PATIENCE_SECONDS = 5.0
LOOPBACK = "127.0.0.1"
REFRESH_SECONDS = 60.0
MakeFarEnd = Callable[[Identity, Find, Callable[[], None]], FarEnd]
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class _Trunk:
    """A card, and what stands for it here."""

    def __init__(self, card: TrunkCard) -> None:
        self.card = card
        self.login = Login(card.login, card.password)
        self.far_end: FarEnd
        self.sources: tuple[Network, ...] = ()
        self.calls = count()

    @property
    def ports(self) -> frozenset[int]:
        """Those of its gateways."""
        return frozenset(it.port or PORTS[it.transport or "UDP"] for it in self.card.gateways)

    def follow(self, card: TrunkCard) -> None:
        """It was changed; calls that go on keep what they have."""
        if (card.login, card.password) != (self.card.login, self.card.password):
            self.login = Login(card.login, card.password)
        self.card = card


class Trunks:
    """All of them. `follow` takes over what the cards say now; `start` and `stop` frame the time in which names are
    looked up and we register. `make` makes a far end of the door's."""

    def __init__(
        self,
        known: cards.Trunks,
        make: MakeFarEnd,
        locator: Locator,
        domains: SipDomains,
        registrants: Registrants,
    ) -> None:
        self.registrants = registrants
        self._known = known
        self._make = make
        self._locator = locator
        self._domains = domains
        self._trunks: dict[str, _Trunk] = {}
        self._refreshing: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()

    def start(self) -> None:
        """Take the trunks in, keep looking up their names, and register where they want it."""
        self._refreshing = asyncio.get_running_loop().create_task(self._refresh(), name="trunks")
        self.follow()

    async def stop(self) -> None:
        """Look nothing up any more, and be registered nowhere."""
        if self._refreshing is not None:
            self._refreshing.cancel()
            await asyncio.gather(self._refreshing, return_exceptions=True)
        await self.registrants.stop()

    def follow(self) -> None:
        """Take over what the cards say: new trunks come to be, those that are gone take no call any more."""
        current = {card.id: card for card in self._known.trunks()}
        for id in [each for each in self._trunks if each not in current]:
            self._trunks.pop(id).far_end.retire()
            self.registrants.drop(id)
            _log.info("sip.trunk_gone", trunk=id)
        for id, card in current.items():
            if id in self._trunks:
                self._trunks[id].follow(card)
            else:
                self._add(card)
        for trunk in self._trunks.values():
            trunk.sources = _networks((*trunk.card.sources, *trunk.card.hosts))
            if self._refreshing is not None:  # before that there is no port to send from
                self.registrants.follow(trunk.card, trunk.login)
        self._changed.set()

    def _add(self, card: TrunkCard) -> None:
        trunk = _Trunk(card)
        network = "pstn" if card.kind == "carrier" else "sip"
        who = Identity(card.account_id, card.id, card.username, network=network)

        def ways(invitation: Invitation) -> "TrunkWays":
            return TrunkWays(trunk.card, trunk.login, next(trunk.calls), invitation, self._locator, self._domains.name)

        trunk.far_end = self._make(who, ways, lambda: None)
        trunk.far_end.register(Contact("", 0, "UDP", speaks="sip", profile="rtp", capacity="trunk"))
        self._trunks[card.id] = trunk
        _log.info("sip.trunk", trunk=card.id, kind=card.kind)

    async def _refresh(self) -> None:
        """The addresses behind the names of trunks, again and again."""
        while True:
            self._changed.clear()
            for trunk in tuple(self._trunks.values()):
                found = await self._addresses(trunk.card)
                trunk.sources = _networks((*trunk.card.sources, *trunk.card.hosts, *found))
            try:
                await asyncio.wait_for(self._changed.wait(), REFRESH_SECONDS)
            except TimeoutError:
                continue

    async def _addresses(self, card: TrunkCard) -> list[str]:
        """Those of its names, and of the servers that these lead to. A trunk of addresses alone needs no name."""
        found = [address for host in card.hosts for address in await self._locator.addresses(host)]
        led_to = [it for it in card.gateways if it.host in card.hosts]
        return found + [address for gateway in led_to for address in await self._locator.addresses_of(gateway)]

    # ---- what comes in -------------------------------------------------------------------------------------

    def from_source(self, request: Request, flow: Flow) -> FarEnd | None:
        """The trunk whose request this is, by the user under which we registered there or by where it comes from; of
        several there that whose tech prefix the number has."""
        if not self._trunks or _proves_something(request):
            return None
        user = user_of(request.target)
        registered = self._trunks.get(self.registrants.of_user(user) or "")
        if registered is not None:
            return registered.far_end
        there = [trunk for trunk in self._at(flow.peer) if user.startswith(trunk.card.tech_prefix)]
        best = max(there, key=lambda trunk: len(trunk.card.tech_prefix), default=None)
        return best.far_end if best is not None else None

    def speaks_for(self, far_end: Line, flow: Flow) -> bool:
        """Whether a trunk's far end may be where this flow comes from: it may have several addresses."""
        return any(trunk.far_end is far_end for trunk in self._at(flow.peer))

    def destination(self, far_end: FarEnd, request: Request) -> str | None:
        """Whom a trunk's request is for; None where the request is no trunk's. Whatever its host is, the user counts,
        unless the host is a domain of ours."""
        trunk = next((each for each in self._trunks.values() if each.far_end is far_end), None)
        if trunk is None:
            return None
        if trunk.card.destination:
            return f"sip:{trunk.card.destination}"
        target = request.target
        if self.registrants.of_user(user_of(target)) == trunk.card.id:
            target = request.to.uri  # the Request-URI is the contact that we gave
        user = user_of(target).removeprefix(trunk.card.tech_prefix)
        here = (self._domains.name, *self._domains.aliases)
        named = isinstance(target, SipUri) and target.host.lower() in here
        return f"sip:{user}@{self._domains.name}" if named and not trunk.card.tech_prefix else user

    def _at(self, peer: Address) -> Iterable[_Trunk]:
        try:
            where = ipaddress.ip_address(peer[0].partition("%")[0])
        except ValueError:
            return ()
        mapped = getattr(where, "ipv4_mapped", None) or where
        there = [trunk for trunk in self._trunks.values() if any(mapped in each for each in trunk.sources)]
        if str(mapped) != LOOPBACK:
            return there
        # Everything on this machine comes from there: a gateway of its own is told from its phones by its port.
        return [trunk for trunk in there if peer[1] in trunk.ports]


class TrunkWays:
    """The gateways of a trunk for one call, the first choice first. `number` counts its calls."""

    def __init__(
        self, card: TrunkCard, login: Login, number: int, invitation: Invitation, locator: Locator, domain: str
    ) -> None:
        self._card = card
        self._login = login
        self._locator = locator
        self._domain = domain
        self._user = _written(card, invitation.callee_number)
        self._flows = self._found(_in_turn(card, number))
        self._tried: Flow | None = None
        self._asking: asyncio.Task[None] | None = None

    def next(self, reached: Reached) -> None:
        if self._tried is not None:
            self._locator.failed(self._tried)
        self._asking = asyncio.get_running_loop().create_task(self._next(reached), name="trunk way")

    async def _next(self, reached: Reached) -> None:
        try:
            reached(await anext(self._flows, None))
        except Exception:
            _log.exception("sip.failed", trunk=self._card.id)
            reached(None)

    async def _found(self, gateways: Iterable[Gateway]) -> AsyncIterator[Reach]:
        async for gateway, flow in self._locator.ways(gateways, self._card.kind):
            self._tried = flow
            yield self._reach(gateway, flow)

    def _reach(self, gateway: Gateway, flow: Flow) -> Reach:
        params = () if flow.transport == "UDP" else (("transport", flow.transport.lower()),)
        return Reach(
            flow=flow,
            uri=str(SipUri(gateway.host, self._user, gateway.port, params)),
            callee=f"<{SipUri(gateway.host, self._user)}>",
            domain=self._domain,
            from_user=self._card.from_user,
            agent=self._card.agent,
            login=self._login,
            patience=PATIENCE_SECONDS,
        )


def _in_turn(card: TrunkCard, number: int) -> tuple[Gateway, ...]:
    """Its gateways in the order of this call."""
    if card.routing == "sequential" or not card.gateways:
        return card.gateways
    first = number % len(card.gateways)
    return card.gateways[first:] + card.gateways[:first]


def _written(card: TrunkCard, number: str) -> str:
    """A number in +E.164 as this trunk wants to see it; what is none stays as it is."""
    if not numbering.E164.fullmatch(number):
        return card.tech_prefix + number if number.isdigit() else number
    forms = {"+e164": number, "e164": number.removeprefix("+"), "national": numbering.national(number)}
    return card.tech_prefix + forms[card.number_format]


def _networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Those of these that are addresses or networks; names are not."""
    found: list[Network] = []
    for text in texts:
        try:
            found.append(ipaddress.ip_network(text, strict=False))
        except ValueError:
            continue
    return tuple(found)


def _proves_something(request: Request) -> bool:
    """A phone beside a trunk, at the same address: it registers, or answers a challenge."""
    return request.method == "REGISTER" or any(
        request.first(name) is not None for name in ("Authorization", "Proxy-Authorization")
    )
