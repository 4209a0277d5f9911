"""What a trunk is to dialling and to the SIP door: cards, answered from memory. No rules, no I/O.

A trunk is a far end that is known by where it is. That of a *connection* is a customer's: a PBX, whose calls are that
connection's. A *carrier* is the platform owner's and stands for the telephone network: what comes from it is a call
from outside, to a number that somebody here has, and what goes to it has left the platform.
"""

from collections.abc import Iterable
from typing import Literal, Protocol

import msgspec

from offhook.voice.binding import Encryption

Kind = Literal["connection", "carrier"]
GatewayTransport = Literal["UDP", "TCP", "TLS"]
# How the dialled number is written in a request to a trunk.
NumberFormat = Literal["+e164", "e164", "national"]


class Gateway(msgspec.Struct, frozen=True):
    """Where a trunk is reached. `host` is a name or an IP address; without a `port` or a `transport` they are found as
    RFC 3263 says: by NAPTR, SRV and address records, or the defaults of an address."""

    host: str
    port: int | None = None
    transport: GatewayTransport | None = None


class Registration(msgspec.Struct, frozen=True):
    """That we register at a trunk (RFC 3261 section 10.2): under `address` (`user@host`), for at most `seconds` at a
    time."""

    address: str
    seconds: int = 600


class TrunkCard(msgspec.Struct, frozen=True):
    """One trunk. Its far end is registered under `username`, which nobody can dial.

    `id` is its connection's, or the carrier's own. Calls to it go to the first of `gateways` that takes them. Calls
    from it come from `sources` (IP addresses or networks) or from an address of one of `hosts`, with `tech_prefix`
    before the dialled number where it has one. `login` and `password` answer its challenges. `from_user` is what our
    From says instead of the caller, where it is set; `agent` our User-Agent. `destination` is whom its calls are for,
    whatever they name. A carrier takes numbers that begin with one of `prefixes`, in +E.164; of several that take a
    number those with the longest prefix come first, then those with the smallest `priority`. `preferred` are the ids of
    the addresses that come first among `gateways`; where `routing` is round-robin, each call begins with another one.
    """

    id: str
    kind: Kind
    account_id: str
    username: str
    gateways: tuple[Gateway, ...] = ()
    sources: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    tech_prefix: str = ""
    number_format: NumberFormat = "+e164"
    login: str = ""
    password: str = ""
    registration: Registration | None = None
    encryption: Encryption = "none"
    codecs: tuple[str, ...] = ()
    from_user: str = ""
    agent: str = ""
    destination: str = ""
    prefixes: tuple[str, ...] = ()
    priority: int = 0
    emergency: Literal["refused", "carried"] = "refused"
    preferred: tuple[str, ...] = ()
    routing: Literal["sequential", "round-robin"] = "sequential"
    name: str = ""

    def takes(self, number: str) -> int:
        """How much of a number in +E.164 this carrier is for, in characters; 0 where it does not take it."""
        return max((len(prefix) for prefix in self.prefixes if number.startswith(prefix)), default=0)


class Trunks(Protocol):
    """Look-ups in memory; none of them waits."""

    def trunk(self, id: str) -> TrunkCard | None: ...

    def trunks(self) -> tuple[TrunkCard, ...]:
        """All that are active."""
        ...


class NoTrunks:
    """There is no trunk."""

    def trunk(self, id: str) -> TrunkCard | None:  # noqa: ARG002
        return None

    def trunks(self) -> tuple[TrunkCard, ...]:
        return ()


def carriers_for(number: str, trunks: Iterable[TrunkCard]) -> tuple[TrunkCard, ...]:
    """The carriers that take a number (+E.164) with an address to send it to, the first choice first."""
    taking = [it for it in trunks if it.kind == "carrier" and it.gateways and it.takes(number)]
    return tuple(sorted(taking, key=lambda it: (-it.takes(number), it.priority, it.id)))


def username_of(id: str) -> str:
    """The username under which a trunk's far end is registered. No customer can have it: theirs are letters and
    digits."""
    return f"trunk:{id}"
