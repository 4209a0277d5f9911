"""Category: edge. Trunks at which we register, in turned time: the registrar is the test."""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import pairwise
from typing import Any, Literal

import msgspec

from offhook.edge.sip_agent import Agent
from offhook.edge.sip_locating import Locator
from offhook.edge.sip_login import Login
from offhook.edge.sip_registering import Registrants
from offhook.edge.sip_transport import Flow
from offhook.testing.clock import LoopClock, run
from offhook.testing.fakes import SeededChance
from offhook.voice.trunk import Gateway, Registration, TrunkCard
from offhook.wire.sip_admission import respond
from offhook.wire.sip_fields import Fields
from offhook.wire.sip_framing import read_datagram
from offhook.wire.sip_headers import Via
from offhook.wire.sip_identity import user_of
from offhook.wire.sip_locating import Question, Records
from offhook.wire.sip_message import Request
from offhook.wire.sip_registering import State

FIRST, SECOND = "10.0.0.1", "10.0.0.2"
CARD = TrunkCard(
    id="trunk",
    kind="connection",
    account_id="account",
    username="trunk:trunk",
    gateways=(Gateway(FIRST), Gateway(SECOND)),
    login="us",
    password="secret",
    registration=Registration("us@registrar.test", 600),
)
CHALLENGE = ("WWW-Authenticate", 'Digest realm="registrar", nonce="n", qop="auth", algorithm=MD5')
# What the registrar answers to a request, if anything.
Answer = Callable[[Request], tuple[int, Fields] | None]


class Way:
    """A flow to one address of the registrar's."""

    transport: Literal["UDP"] = "UDP"
    local = ("192.0.2.9", 5060)
    is_open = True

    def __init__(self, host: str, registrar: "Registrar") -> None:
        self.peer = (host, 5060)
        self._registrar = registrar

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Way) and self.peer == other.peer

    def __hash__(self) -> int:
        return hash(self.peer)

    def send(self, octets: bytes) -> bool:
        message = read_datagram(octets)
        assert isinstance(message, Request)
        self._registrar.hears(message, self)
        return True

    def answering(self, via: Via) -> Flow:
        return self

    def proved(self) -> None: ...

    def close(self) -> None: ...


class Registrar:
    """Our registrants with an agent, and the other side. `heard` are the requests with their time and where they went,
    without copies. It accepts whatever proves something, unless `answers` of an address says otherwise."""

    def __init__(self) -> None:
        self.heard: list[tuple[float, str, Request]] = []
        self.answers: dict[str, Answer] = {}
        chance = SeededChance()
        self.agent = Agent(LoopClock(0.0), chance)
        self.agent.user = self  # type: ignore[assignment]
        locator = Locator(self, self, chance, self.agent.now, "development")  # type: ignore[arg-type]
        self.registrants = Registrants(self.agent, locator, chance)
        self._seen: set[str] = set()

    def datagrams(self, host: str, port: int) -> Way:
        return Way(host, self)

    async def ask(self, question: Question) -> Records:
        return ()

    async def addresses(self, host: str) -> list[str]:
        return [host]

    def lost(self, flow: Flow) -> None:
        self.registrants.lost(flow)

    def hears(self, request: Request, way: Way) -> None:
        if request.via.branch not in self._seen:
            self._seen.add(request.via.branch)
            self.heard.append((asyncio.get_running_loop().time(), way.peer[0], request))
        answer = self.answers.get(way.peer[0], proving)(request)
        if answer is not None:
            response = respond(request, answer[0], "theirs", answer[1])
            asyncio.get_running_loop().call_soon(self.agent.heard, response, way)

    def follow(self, **changes: Any) -> None:
        card = msgspec.structs.replace(CARD, **changes)
        self.registrants.follow(card, Login(card.login, card.password))

    @property
    def ours(self) -> Any:
        return self.registrants._all["trunk"]

    def times(self) -> list[float]:
        return [round(time, 3) for time, _, _ in self.heard]


def accepting(request: Request) -> tuple[int, Fields]:
    return 200, (("Contact", f"{request.one('Contact')};expires={request.one('Expires')}"),)


def proving(request: Request) -> tuple[int, Fields]:
    return (401, (CHALLENGE,)) if request.first("Authorization") is None else accepting(request)


def silent(request: Request) -> None:
    return None


def refusing(status: int, *more: tuple[str, str]) -> Answer:
    return lambda _: (status, more)


def turned(play: Callable[[Registrar], Awaitable[None]]) -> None:
    async def main() -> None:
        registrar = Registrar()
        await play(registrar)
        await registrar.registrants.stop()
        registrar.agent.close()

    run(main())


def test_it_registers_proves_who_it_is_and_refreshes_in_time() -> None:
    async def play(registrar: Registrar) -> None:
        registrar.follow()
        await asyncio.sleep(600)
        assert registrar.times() == [0, 0, 540, 540]
        _, host, request = registrar.heard[1]
        assert (host, request.uri, request.one("To")) == (FIRST, "sip:registrar.test", "<sip:us@registrar.test>")
        assert request.one("Expires") == "600"
        assert len({it.call_id for _, _, it in registrar.heard}) == 1
        assert [it.cseq.number for _, _, it in registrar.heard] == [1, 2, 3, 4]
        assert registrar.ours.machine.state is State.REGISTERED
        # What comes for this contact comes from there, and nobody can guess it.
        user = user_of(request.contacts[0].uri)
        assert len(user) == 22
        assert registrar.registrants.of_user(user) == "trunk"
        assert registrar.registrants.of_user("us") is None

    turned(play)


def test_the_next_gateway_where_one_is_silent() -> None:
    async def play(registrar: Registrar) -> None:
        registrar.answers = {FIRST: silent, SECOND: accepting}
        registrar.follow()
        await asyncio.sleep(100)
        assert [host for _, host, _ in registrar.heard] == [FIRST, SECOND]
        assert registrar.ours.machine.state is State.REGISTERED
        # It stays where it is registered, whoever is first in the list.
        registrar.answers[FIRST] = accepting
        await asyncio.sleep(600)
        assert registrar.heard[-1][1] == SECOND

    turned(play)


def test_a_registrar_that_goes_is_followed_by_the_next() -> None:
    async def play(registrar: Registrar) -> None:
        registrar.answers = {FIRST: accepting, SECOND: accepting}
        registrar.follow()
        await asyncio.sleep(500)
        registrar.answers[FIRST] = refusing(503)
        await asyncio.sleep(60)
        assert [host for _, host, _ in registrar.heard] == [FIRST, FIRST, SECOND]
        assert registrar.ours.machine.state is State.REGISTERED

    turned(play)


def test_a_wrong_password_is_tried_once_and_then_ever_more_seldom() -> None:
    async def play(registrar: Registrar) -> None:
        registrar.answers[FIRST] = refusing(401, CHALLENGE)
        registrar.follow()
        await asyncio.sleep(3600)
        times = registrar.times()[::2]
        assert registrar.times()[1::2] == times  # each time: without a proof, with one, no more
        waits = [later - before for before, later in pairwise(times)]
        assert all(base / 2 <= wait <= base for base, wait in zip((30, 60, 120, 240, 480, 960), waits, strict=False))
        assert len(waits) >= 5
        assert (registrar.ours.machine.state, registrar.ours.machine.last_status) == (State.FAILED, 401)
        assert SECOND not in [host for _, host, _ in registrar.heard]  # it would say the same

    turned(play)


def test_a_nonce_that_is_stale_is_no_wrong_password() -> None:
    async def play(registrar: Registrar) -> None:
        stale = ("WWW-Authenticate", f"{CHALLENGE[1]}, stale=true")
        answers = iter([(401, (CHALLENGE,)), (401, (stale,))])
        registrar.answers[FIRST] = lambda request: next(answers, None) or accepting(request)
        registrar.follow()
        await asyncio.sleep(1)
        assert len(registrar.heard) == 3
        assert registrar.ours.machine.state is State.REGISTERED

    turned(play)


def test_no_other_realm_gets_a_proof() -> None:
    async def play(registrar: Registrar) -> None:
        registrar.follow()
        await asyncio.sleep(1)
        registrar.answers[FIRST] = refusing(401, ("WWW-Authenticate", 'Digest realm="thief", nonce="n"'))
        await asyncio.sleep(600)
        proofs = [it for _, _, it in registrar.heard if it.first("Authorization") is not None]
        assert len(proofs) == 1
        assert 'realm="registrar"' in proofs[0].one("Authorization")

    turned(play)


def test_it_asks_for_as_long_as_the_registrar_wants() -> None:
    async def play(registrar: Registrar) -> None:
        registrar.answers[FIRST] = lambda it: (
            accepting(it) if it.one("Expires") == "1800" else (423, (("Min-Expires", "1800"),))
        )
        registrar.follow()
        await asyncio.sleep(1800)
        assert [it.one("Expires") for _, _, it in registrar.heard] == ["600", "1800", "1800"]

    turned(play)


def test_what_was_registered_is_taken_back() -> None:
    async def play(registrar: Registrar) -> None:
        registrar.follow()
        await asyncio.sleep(1)
        contact = registrar.heard[-1][2].one("Contact")
        await registrar.registrants.stop()
        assert [it.one("Expires") for _, _, it in registrar.heard[2:]] == ["0", "0"]
        assert registrar.heard[-1][2].one("Contact") == contact

    turned(play)


def test_nobody_waits_long_for_a_registrar_that_has_gone() -> None:
    async def play(registrar: Registrar) -> None:
        registrar.answers[FIRST] = accepting
        registrar.follow()
        await asyncio.sleep(1)
        registrar.answers[FIRST] = silent
        await registrar.registrants.stop()
        assert asyncio.get_running_loop().time() == 3

    turned(play)


def test_a_card_that_changes_its_login_registers_anew_and_no_other_change_does() -> None:
    async def play(registrar: Registrar) -> None:
        registrar.answers[FIRST] = accepting
        registrar.follow()
        await asyncio.sleep(1)
        registrar.follow(name="another")
        await asyncio.sleep(1)
        assert len(registrar.heard) == 1
        registrar.follow(registration=Registration("them@registrar.test", 600))
        await asyncio.sleep(1)
        said = {(it.one("To"), it.one("Expires")) for _, _, it in registrar.heard[1:]}
        assert said == {("<sip:us@registrar.test>", "0"), ("<sip:them@registrar.test>", "600")}
        registrar.registrants.drop("trunk")
        await asyncio.sleep(1)
        assert registrar.heard[-1][2].one("Expires") == "0"
        await asyncio.sleep(1000)
        assert len(registrar.heard) == 4

    turned(play)


def test_a_connection_that_breaks_is_registered_over_again_soon() -> None:
    async def play(registrar: Registrar) -> None:
        registrar.answers[FIRST] = accepting
        registrar.follow()
        await asyncio.sleep(10)
        registrar.registrants.lost(registrar.ours.flow)
        await asyncio.sleep(5)
        assert len(registrar.heard) == 2
        assert 11 <= registrar.heard[1][0] <= 12

    turned(play)


def test_without_any_way_it_is_tried_again() -> None:
    async def play(registrar: Registrar) -> None:
        registrar.follow(gateways=(Gateway("169.254.169.254"),))
        await asyncio.sleep(100)
        assert registrar.heard == []
        assert registrar.ours.machine.failures >= 2

    turned(play)
