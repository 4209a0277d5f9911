"""Where a SIP host is: what to ask the DNS, and the targets that come of its answers (RFC 3263, RFC 2782). No I/O.

    asking = locate("sip.example.org", None, None, roll)
    question = next(asking)            -> look it up; an answer that does not come is no records
    question = asking.send(records)    -> and so on, until StopIteration, whose value is the targets

A target still has a name, whose addresses are looked up when its turn has come.
"""

import ipaddress
from collections.abc import Callable, Generator, Sequence
from typing import Literal

import msgspec

Transport = Literal["UDP", "TCP", "TLS"]
RecordType = Literal["NAPTR", "SRV"]
# A number from 0 to its argument, each as likely as the others.
Roll = Callable[[int], int]

PORTS: dict[Transport, int] = {"UDP": 5060, "TCP": 5060, "TLS": 5061}
# What a name may have of each, so that nobody's records keep us busy.
MAX_RECORDS = 20

_PREFIXES: dict[Transport, str] = {"UDP": "_sip._udp", "TCP": "_sip._tcp", "TLS": "_sips._tcp"}
_ANY: tuple[Transport, ...] = ("UDP", "TCP", "TLS")
_SERVICES: dict[str, Transport] = {"SIP+D2U": "UDP", "SIP+D2T": "TCP", "SIPS+D2T": "TLS"}
_NOWHERE = "."  # the service is decidedly not there (RFC 2782)


class Naptr(msgspec.Struct, frozen=True):
    """RFC 3403, without the regular expression, which SIP has no use for."""

    order: int
    preference: int
    flags: str
    service: str
    replacement: str


class Srv(msgspec.Struct, frozen=True):
    """RFC 2782."""

    priority: int
    weight: int
    port: int
    target: str


class Question(msgspec.Struct, frozen=True):
    """What the DNS is asked."""

    name: str
    type: RecordType


class Target(msgspec.Struct, frozen=True):
    """One server: how, and where. `host` is a name or an IP address."""

    transport: Transport
    host: str
    port: int


Records = Sequence[Naptr | Srv]
Asking = Generator[Question, Records, tuple[Target, ...]]


def locate(host: str, port: int | None, transport: Transport | None, roll: Roll) -> Asking:
    """The targets of a host, the first choice first. An address, or a port that was said, needs no question (RFC 3263
    section 4.2). None where the host says that it has no SIP."""
    if port is not None or is_address(host):
        chosen = transport or "UDP"
        return (Target(chosen, host, port or PORTS[chosen]),)
    transports = _named(host, (transport,)) if transport else (yield from _offered(host))
    for each, name in transports:
        servers = [it for it in (yield Question(name, "SRV")) if isinstance(it, Srv)][:MAX_RECORDS]
        if servers:
            there = [it for it in in_turn(servers, roll) if it.target.rstrip(".")]
            return tuple(Target(each, it.target.rstrip("."), it.port) for it in there)
    chosen = transport or "UDP"
    return (Target(chosen, host, PORTS[chosen]),)


def _offered(host: str) -> Generator[Question, Records, list[tuple[Transport, str]]]:
    """The transports that a host offers with the names of their SRV records, by its own preference; where it says
    nothing, by ours (RFC 3263 section 4.1)."""
    records = [it for it in (yield Question(host, "NAPTR")) if isinstance(it, Naptr)][:MAX_RECORDS]
    usable = [it for it in records if it.flags.lower() == "s" and it.service.upper() in _SERVICES]
    usable.sort(key=lambda it: (it.order, it.preference))
    found: list[tuple[Transport, str]] = [(_SERVICES[it.service.upper()], it.replacement.rstrip(".")) for it in usable]
    return found or _named(host, _ANY)


def _named(host: str, transports: Sequence[Transport]) -> list[tuple[Transport, str]]:
    return [(each, f"{_PREFIXES[each]}.{host}") for each in transports]


def in_turn(records: Sequence[Srv], roll: Roll) -> list[Srv]:
    """By priority; within one, by a chance that weight gives (RFC 2782)."""
    ordered: list[Srv] = []
    for priority in sorted({it.priority for it in records}):
        left = sorted((it for it in records if it.priority == priority), key=lambda it: it.weight)
        while left:
            ordered.append(left.pop(_drawn(left, roll)))
    return ordered


def _drawn(records: Sequence[Srv], roll: Roll) -> int:
    """Which of these, those without weight first, comes next."""
    wanted, sum_ = roll(sum(it.weight for it in records)), 0
    for index, record in enumerate(records):
        sum_ += record.weight
        if sum_ >= wanted:
            return index
    raise AssertionError("a roll is at most the sum of the weights")


def is_address(host: str) -> bool:
    """Whether a host is an IP address."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


class Silent:
    """The servers that lately gave no answer. They are tried after the others for a while, not left out: they may be
    all that there is."""

    SECONDS = 30.0
    MAX = 10_000

    def __init__(self) -> None:
        self._until: dict[Target, float] = {}

    def failed(self, target: Target, now: float, seconds: float = SECONDS) -> None:
        """It did not answer, or asked to be left alone for so long (Retry-After)."""
        self._until = {each: until for each, until in self._until.items() if until > now}
        if len(self._until) < self.MAX:
            self._until[target] = now + seconds

    def answered(self, target: Target) -> None:
        """It is there again."""
        self._until.pop(target, None)

    def has(self, target: Target, now: float) -> bool:
        return self._until.get(target, now) > now
