"""A name server for tests: a zone in the words of RFC 1035, over UDP on loopback."""

import asyncio

import dns.flags
import dns.message
import dns.rcode
import dns.rdataclass
import dns.rrset
from dns.rdatatype import RdataType


class DnsServer(asyncio.DatagramProtocol):
    """Each line of `zone` is `name type data`, names without the last dot. `asked` are the questions, in order."""

    def __init__(self, zone: str) -> None:
        self.asked: list[tuple[str, str]] = []
        self._records: dict[tuple[str, str], list[str]] = {}
        for line in filter(None, map(str.strip, zone.splitlines())):
            name, kind, data = line.split(maxsplit=2)
            self._records.setdefault((name, kind), []).append(data)
        self._way: asyncio.DatagramTransport

    async def __aenter__(self) -> "DnsServer":
        loop = asyncio.get_running_loop()
        self._way, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", 0))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._way.close()

    @property
    def port(self) -> int:
        return self._way.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        query = dns.message.from_wire(data)
        question = query.question[0]
        name, kind = question.name.to_text(omit_final_dot=True), RdataType(question.rdtype)
        self.asked.append((name, kind.name))
        reply = dns.message.make_response(query)
        reply.flags |= dns.flags.RA
        records = self._records.get((name, kind.name), [])
        if records:
            reply.answer.append(dns.rrset.from_text(question.name, 60, dns.rdataclass.IN, kind, *records))
        elif all(name != known for known, _ in self._records):
            reply.set_rcode(dns.rcode.NXDOMAIN)
        self._way.sendto(reply.to_wire(), addr)
