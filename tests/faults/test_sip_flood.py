"""Category: faults. A flood of strangers at SIP's door, counted: case SIP-06. `make soak` has it at full size."""

import asyncio
from typing import Any

import pytest

from offhook.edge.sip import SipDoor
from offhook.edge.sip_transport import Address, Flow, Transport
from offhook.engine.ports import Identity
from offhook.testing.clock import LoopClock, run
from offhook.testing.fakes import SeededChance
from offhook.voice.dialing import SipDomains
from offhook.wire.digest import Algorithm, parse_challenge, respond_to, secret_of
from offhook.wire.sip_framing import read_datagram
from offhook.wire.sip_headers import Via
from offhook.wire.sip_message import Request, Response, write

DOMAIN = SipDomains().name
METHODS = ("REGISTER", "SUBSCRIBE", "NOTIFY", "PUBLISH", "MESSAGE", "INVITE", "OPTIONS")
SOURCES, EACH = 1000, 7


class Source:
    """A flow from one address, which counts what it gets."""

    transport: Transport = "UDP"
    local: Address = ("192.0.2.1", 5060)
    is_open = True

    def __init__(self, number: int) -> None:
        self.peer: Address = (f"198.51.{number // 256}.{number % 256}", 5060)
        self.got: list[bytes] = []

    def send(self, octets: bytes) -> bool:
        self.got.append(octets)
        return True

    def answering(self, via: Via) -> Flow:
        return self

    def proved(self) -> None: ...

    def close(self) -> None: ...

    def request(self, method: str, number: int, *more: tuple[str, str]) -> Request:
        fields = (
            ("Via", f"SIP/2.0/UDP {self.peer[0]};branch=z9hG4bK{number};rport"), ("From", f"<sip:u{number}@x>;tag=1"),
            ("To", f"<sip:john@{DOMAIN}>"), ("Call-ID", f"{number}@{self.peer[0]}"), ("CSeq", f"{number + 1} {method}"),
            ("Contact", f"<sip:john@{self.peer[0]}>"), *more,
        )  # fmt: skip
        return Request(method=method, uri=f"sip:{DOMAIN}", fields=fields)


class Logins:
    """John is known, nobody else."""

    def digest_secret(self, username: str, algorithm: Algorithm, realm: str) -> str | None:
        return secret_of(algorithm, "john", realm, "right") if username == "john" else None

    def identify(self, username: str) -> Identity:
        return Identity("account", "connection", username)


class Exchange:
    """Counts those who are registered."""

    def __init__(self) -> None:
        self.registered = 0

    def register(self, *_: Any) -> str:
        self.registered += 1
        return f"binding {self.registered}"

    def renewed(self, *_: Any) -> None: ...

    def __getattr__(self, name: str) -> Any:
        return lambda *_: pytest.fail(f"a stranger reached {name}")


class NoTrunks:
    def from_source(self, request: Request, flow: Flow) -> None: ...


def test_a_flood_of_strangers_leaves_nothing_and_keeps_nobody_out() -> None:
    async def main() -> None:
        exchange = Exchange()
        logins: Any = Logins()
        nobody: Any = NoTrunks()
        door = SipDoor(
            exchange, logins, SipDomains(), (Algorithm.MD5,), LoopClock(0.0), SeededChance(), nobody, nobody  # type: ignore[arg-type]
        )  # fmt: skip
        door.trunks = nobody
        sources = [Source(number) for number in range(SOURCES)]
        for number, method in enumerate(METHODS[:EACH] * SOURCES):
            source = sources[number // EACH]
            asked = source.request(method, number)
            door.agent.heard(asked, source)
            assert (len(door.agent), len(door.calls)) == (0, 0)
            if number % 1000 == 0:
                assert registers(door, Source(0xFFFF), number) == 200
                await asyncio.sleep(40)  # the transaction of that is over
        for source in sources:
            answers = [read_datagram(octets) for octets in source.got]
            assert len(answers) <= EACH
            assert {it.status for it in answers if isinstance(it, Response)} <= {401, 407}
            assert sum(map(len, source.got)) <= 2 * sum(len(write(source.request(each, 9999))) for each in METHODS)
        assert len(door.registrations) == exchange.registered == 1
        door.close()

    run(main())


def registers(door: SipDoor, phone: Source, number: int) -> int:
    """What John is answered who proves his password, in the middle of it."""
    door.agent.heard(phone.request("REGISTER", 100_000 + number), phone)
    challenged = read_datagram(phone.got[-1])
    assert isinstance(challenged, Response)
    challenge = parse_challenge(challenged.one("WWW-Authenticate"))
    assert challenge is not None
    proof = respond_to(challenge, "john", "right", "REGISTER", f"sip:{DOMAIN}", "c")
    door.agent.heard(phone.request("REGISTER", 100_001 + number, ("Authorization", str(proof))), phone)
    answer = read_datagram(phone.got[-1])
    assert isinstance(answer, Response)
    return answer.status
