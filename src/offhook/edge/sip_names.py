"""Names of SIP hosts: NAPTR and SRV records by dnspython, addresses as the system finds them. Knows no SIP."""

import asyncio
import socket
from collections.abc import Iterable, Sequence
from typing import Protocol

import dns.asyncresolver
import dns.resolver
from dns.exception import DNSException
from dns.rdatatype import RdataType
from dns.rdtypes.IN.A import A
from dns.rdtypes.IN.AAAA import AAAA
from dns.rdtypes.IN.NAPTR import NAPTR
from dns.rdtypes.IN.SRV import SRV

from offhook.wire.sip_locating import Naptr, Question, Records, Srv, is_address

LOOK_UP_SECONDS = 4.0
MAX_CACHED = 10_000


class Names(Protocol):
    """Neither method raises: a name that cannot be looked up has nothing."""

    async def ask(self, question: Question) -> Records: ...

    async def addresses(self, host: str) -> list[str]:
        """The IP addresses of a host; an address is its own."""
        ...


class SystemNames:
    """Implements `Names` by the name servers of this machine, or by `servers`, at `port`.

    Answers are kept as long as they say. The addresses of a name are asked of `servers` where there are any, and
    otherwise of the system, whose file of hosts counts then.
    """

    def __init__(self, servers: Sequence[str] = (), port: int = 53) -> None:
        self._has_servers = bool(servers)
        self._resolver = _resolver(servers, port)

    async def ask(self, question: Question) -> Records:
        found = (_record(it) for it in await self._records(question.name, RdataType[question.type]))
        return [it for it in found if it is not None]

    async def addresses(self, host: str) -> list[str]:
        if is_address(host):
            return [host]
        if not self._has_servers:
            return await _by_system(host)
        kinds = (RdataType.A, RdataType.AAAA)
        answers = await asyncio.gather(*(self._records(host, kind) for kind in kinds))
        return [it.address for answer in answers for it in answer if isinstance(it, A | AAAA)]

    async def _records(self, name: str, kind: RdataType) -> Iterable[object]:
        if self._resolver is None:
            return ()
        try:
            answer = await self._resolver.resolve(name, kind, search=False, raise_on_no_answer=False)
        except (DNSException, OSError, UnicodeError):
            return ()
        return tuple(answer.rrset or ())


def _resolver(servers: Sequence[str], port: int) -> dns.asyncresolver.Resolver | None:
    """None on a machine that has no name server."""
    try:
        resolver = dns.asyncresolver.Resolver(configure=not servers)
    except dns.resolver.NoResolverConfiguration:
        return None
    if servers:
        resolver.nameservers, resolver.port = list(servers), port
    resolver.lifetime = LOOK_UP_SECONDS
    resolver.cache = dns.resolver.LRUCache(MAX_CACHED)
    return resolver


def _record(found: object) -> Naptr | Srv | None:
    match found:
        case NAPTR():
            flags, service = found.flags.decode("ascii", "replace"), found.service.decode("ascii", "replace")
            return Naptr(found.order, found.preference, flags, service, found.replacement.to_text())
        case SRV():
            return Srv(found.priority, found.weight, found.port, found.target.to_text())
        case _:
            return None


async def _by_system(host: str) -> list[str]:
    try:
        async with asyncio.timeout(LOOK_UP_SECONDS):
            found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_DGRAM)
    except (OSError, UnicodeError):  # TimeoutError is an OSError
        return []
    return list(dict.fromkeys(str(where[0]) for *_, where in found))
