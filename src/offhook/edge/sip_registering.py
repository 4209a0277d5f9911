"""Our registrations at the trunks that want one: each a task that keeps asking. Knows no call.

`wire.sip_registering` says when and for how long. The Contact of each has a user that nobody can guess: what is
addressed to it comes from that registrar.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import structlog

from offhook.edge.sip_agent import Agent
from offhook.edge.sip_locating import Locator
from offhook.edge.sip_login import Login
from offhook.edge.sip_transport import Flow
from offhook.engine.ports import Chance
from offhook.voice.trunk import TrunkCard
from offhook.wire.digest import parse_challenge
from offhook.wire.sip_fields import Fields
from offhook.wire.sip_grammar import Malformed
from offhook.wire.sip_message import Request, Response
from offhook.wire.sip_registering import Registering, granted_to, retry_after

_log = structlog.get_logger("offhook.edge")

GOODBYE_SECONDS = 2.0
MAX_TRIES = 4  # of one way: challenges, and a longer time that was asked for
# Another way may lead where these say that this one does not (RFC 3263 section 4.3).
_NO_WAY_HERE = frozenset({408, 500, 502, 503, 504})
_NO_WAY = 503
_CHALLENGES = {401: "WWW-Authenticate", 407: "Proxy-Authenticate"}
_CHANCES = 9


class Registrant:
    """One registration. `start` it, and await `stop`, which takes it back."""

    def __init__(self, card: TrunkCard, login: Login, agent: Agent, locator: Locator, chance: Chance) -> None:
        assert card.registration is not None  # who has none needs no registrant
        self.user = agent.unique()
        self.machine = Registering(card.registration.seconds)
        self.flow: Flow | None = None
        self._card = card
        self._address = card.registration.address
        self._login = login
        self._agent = agent
        self._locator = locator
        self._chance = chance
        self._call_id, self._tag, self._sequence = agent.unique(), agent.unique(), 0
        self._hurry = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def is_as(self, card: TrunkCard) -> bool:
        """Whether a card says of registering what this one follows."""
        return _facts(card) == _facts(self._card)

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._keep(), name="registration")

    async def stop(self) -> None:
        """Ask no more, and take back what there is, as long as that does not take long."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self.machine.stops() and self.flow is not None and self.flow.is_open:
            with suppress(TimeoutError):
                async with asyncio.timeout(GOODBYE_SECONDS):
                    await self._over(self.flow, 0)

    def lost(self, flow: Flow) -> None:
        """A connection is gone; if it was ours, ask again soon."""
        if flow is self.flow:
            self.machine.lost(self._agent.now(), self._roll())
            self._hurry.set()

    async def _keep(self) -> None:
        while True:
            try:
                await self._once()
            except Exception:
                _log.exception("sip.failed", trunk=self._card.id)
                self.machine.refused(_NO_WAY, self._agent.now(), self._roll())
            await self._rest()

    async def _rest(self) -> None:
        """Until it is time to ask again."""
        while (wait := self.machine.wakes_at - self._agent.now()) > 0:
            self._hurry.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._hurry.wait(), wait)

    async def _once(self) -> None:
        seconds = self.machine.asks()
        response = await self._by_any_way(seconds)
        now = self._agent.now()
        granted = self._granted(response, seconds)
        if granted:
            self.machine.accepted(granted, now)
            _log.info("sip.registered_at", trunk=self._card.id, seconds=granted)
            return
        status, later = (response.status, retry_after(response)) if response is not None else (_NO_WAY, None)
        self.machine.refused(status, now, self._roll(), later)
        _log.warning("sip.registration_refused", trunk=self._card.id, status=status)

    def _granted(self, response: Response | None, wanted: int) -> int:
        if response is None or response.status // 100 != 2:
            return 0
        try:
            return granted_to(self.user, response, wanted)
        except Malformed:
            return 0

    async def _by_any_way(self, seconds: int) -> Response | None:
        """The answer of the first way that leads to a registrar; None where there is no way at all."""
        response: Response | None = None
        async for flow in self._ways():
            response = await self._over(flow, seconds)
            if response.status not in _NO_WAY_HERE:
                self.flow = flow
                self._locator.answered(flow)
                return response
            self._locator.failed(flow)
        return response

    async def _ways(self) -> AsyncIterator[Flow]:
        """That which it was made over comes first: addresses of ours that a registrar knows should not change."""
        known = self.flow
        if known is not None and known.is_open and self.machine.failures == 0:
            yield known
        async for _, flow in self._locator.ways(self._card.gateways, self._card.kind):
            if flow != known or self.machine.failures:
                yield flow

    async def _over(self, flow: Flow, seconds: int) -> Response:
        """The final answer over one way, once it has what it asks for."""
        response = await self._ask(flow, seconds, ())
        for _ in range(MAX_TRIES):
            longer = self.machine.asks_longer(response) if seconds else None
            if longer is not None:
                seconds = longer
                response = await self._ask(flow, seconds, ())
                continue
            proof = self._login.proof(response, "REGISTER", self._registrar, self._agent.unique())
            if not proof:
                return response
            response = await self._ask(flow, seconds, proof)
            if response.status in _CHALLENGES and not _is_stale(response):
                return response  # it does not believe us: there is no other password to try
        return response

    @property
    def _registrar(self) -> str:
        return f"sip:{self._address.rpartition('@')[2]}"

    async def _ask(self, flow: Flow, seconds: int, proof: Fields) -> Response:
        self._sequence += 1
        contact = self._agent.contact(flow, self.user)
        fields: Fields = (
            ("Via", self._agent.via(flow)),
            ("Max-Forwards", "70"),
            ("From", f"<sip:{self._address}>;tag={self._tag}"),
            ("To", f"<sip:{self._address}>"),
            ("Call-ID", self._call_id),
            ("CSeq", f"{self._sequence} REGISTER"),
            ("Contact", contact),
            ("Expires", str(seconds)),
            *((("User-Agent", self._card.agent),) if self._card.agent else ()),
            *proof,
        )
        answered: asyncio.Future[Response] = asyncio.get_running_loop().create_future()

        def hear(response: Response) -> None:
            if response.status >= 200 and not answered.done():
                answered.set_result(response)

        self._agent.ask(Request(method="REGISTER", uri=self._registrar, fields=fields), flow, hear)
        return await answered

    def _roll(self) -> float:
        return int(self._chance.number(_CHANCES)) / 10**_CHANCES


def _is_stale(challenged: Response) -> bool:
    """Whether it was the nonce that was refused, not the password (RFC 7616 section 3.3)."""
    try:
        asked = map(parse_challenge, challenged.every(_CHALLENGES[challenged.status]))
        return any(each is not None and each.stale for each in asked)
    except Malformed:
        return False


def _facts(card: TrunkCard) -> tuple[object, ...]:
    return card.registration, card.gateways, card.login, card.password, card.agent


class Registrants:
    """All of them, by their trunks' ids."""

    def __init__(self, agent: Agent, locator: Locator, chance: Chance) -> None:
        self._agent = agent
        self._locator = locator
        self._chance = chance
        self._all: dict[str, Registrant] = {}
        self._leaving: set[asyncio.Task[None]] = set()

    def follow(self, card: TrunkCard, login: Login) -> None:
        """Take over what a trunk's card says now: register where it wants that, and no more where it does not."""
        known = self._all.get(card.id)
        if known is not None and known.is_as(card):
            return
        self.drop(card.id)
        if card.registration is not None:
            self._all[card.id] = Registrant(card, login, self._agent, self._locator, self._chance)
            self._all[card.id].start()

    def drop(self, id: str) -> None:
        """That trunk is gone."""
        known = self._all.pop(id, None)
        if known is not None:
            task = asyncio.get_running_loop().create_task(known.stop(), name="registration ends")
            self._leaving.add(task)
            task.add_done_callback(self._leaving.discard)

    def of_user(self, user: str) -> str | None:
        """The id of the trunk whose registrar knows us by this user."""
        return next((id for id, each in self._all.items() if each.user == user), None)

    def lost(self, flow: Flow) -> None:
        """A connection is gone."""
        for registrant in self._all.values():
            registrant.lost(flow)

    async def stop(self) -> None:
        """Take back all of them."""
        for id in tuple(self._all):
            self.drop(id)
        await asyncio.gather(*self._leaving, return_exceptions=True)
