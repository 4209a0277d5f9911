"""Category: edge. Where the gateways of trunks are: names by a name server on loopback, ways over real sockets."""

import asyncio
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from tests.edge.dns_server import DnsServer

from offhook.edge.fetch import Reach
from offhook.edge.sip_certificate import self_signed
from offhook.edge.sip_locating import Locator
from offhook.edge.sip_names import SystemNames
from offhook.edge.sip_transport import Flow, Listeners
from offhook.testing.fakes import SeededChance
from offhook.voice.trunk import Gateway, Kind
from offhook.wire.sip_locating import Naptr, Question, Srv

ZONE = """
    example.test            NAPTR  10 10 "s" "SIP+D2T" "" _sip._tcp.example.test.
    example.test            NAPTR  10 20 "s" "SIP+D2U" "" _sip._udp.example.test.
    _sip._udp.example.test  SRV    10 0 5060 a.example.test.
    _sip._udp.example.test  SRV    20 0 5062 b.example.test.
    a.example.test          A      127.0.0.21
    a.example.test          AAAA   ::1
    b.example.test          A      127.0.0.22
    inside.example.test     A      169.254.169.254
    inside.example.test     A      127.0.0.23
"""


class Deaf:
    """A receiver of whatever comes."""

    def heard(self, item: object, flow: Flow) -> None: ...

    def lost(self, flow: Flow) -> None: ...


Make = Callable[..., Locator]


@pytest.fixture
async def dns_server() -> AsyncIterator[DnsServer]:
    async with DnsServer(ZONE) as server:
        yield server


@pytest.fixture
async def listeners() -> AsyncIterator[Listeners]:
    opened = Listeners()
    opened.receiver = Deaf()
    await opened.open("127.0.0.1", 0)
    yield opened
    await opened.close()


@pytest.fixture
def locator(dns_server: DnsServer, listeners: Listeners) -> Make:
    def make(
        reach: Reach = "development", trusted: ssl.SSLContext | None = None, zone: DnsServer = dns_server
    ) -> Locator:
        names = SystemNames(("127.0.0.1",), zone.port)
        return Locator(listeners, names, SeededChance(), asyncio.get_running_loop().time, reach, trusted)

    return make


async def ways(locator: Locator, *gateways: Gateway, kind: Kind = "connection") -> list[Flow]:
    return [flow async for _, flow in locator.ways(gateways, kind)]


async def places(locator: Locator, *gateways: Gateway, kind: Kind = "connection") -> list[tuple[str, str, int]]:
    return [(it.transport, *it.peer) for it in await ways(locator, *gateways, kind=kind)]


async def test_records_are_read_as_they_are(dns_server: DnsServer) -> None:
    names = SystemNames(("127.0.0.1",), dns_server.port)
    assert Naptr(10, 20, "s", "SIP+D2U", "_sip._udp.example.test.") in await names.ask(
        Question("example.test", "NAPTR")
    )
    assert Srv(20, 0, 5062, "b.example.test.") in await names.ask(Question("_sip._udp.example.test", "SRV"))
    assert await names.ask(Question("nobody.test", "SRV")) == []
    assert await names.ask(Question("a..b", "SRV")) == []
    assert await names.addresses("a.example.test") == ["127.0.0.21", "::1"]
    assert await names.addresses("nobody.test") == []


async def test_answers_are_kept(dns_server: DnsServer, locator: Make) -> None:
    made = locator()
    assert await places(made, Gateway("example.test")) == await places(made, Gateway("example.test"))
    assert len(dns_server.asked) == len(set(dns_server.asked))


async def test_a_name_leads_to_its_servers_in_turn(locator: Make) -> None:
    """The address of the other family is passed over: nothing of ours listens on such a one."""
    assert await places(locator(), Gateway("example.test")) == [
        ("UDP", "127.0.0.21", 5060),
        ("UDP", "127.0.0.22", 5062),
    ]


async def test_who_was_silent_comes_last(locator: Make) -> None:
    made, gateways = locator(), (Gateway("example.test"), Gateway("127.0.0.29", 5099))
    first, *_ = await ways(made, *gateways)
    made.failed(first)
    assert [host for _, host, _ in await places(made, *gateways)] == ["127.0.0.22", "127.0.0.29", "127.0.0.21"]
    made.answered(first)
    assert (await places(made, *gateways))[0] == ("UDP", "127.0.0.21", 5060)


async def test_customers_lead_us_to_no_address_of_the_inside(locator: Make) -> None:
    """Whether by a name, which may be another's tomorrow, or by the address itself."""
    inside, literal = Gateway("inside.example.test", 5060), Gateway("169.254.169.254")
    assert await places(locator(), inside, literal) == [("UDP", "127.0.0.23", 5060)]
    assert await places(locator("public"), inside, literal, Gateway("127.0.0.1"), Gateway("10.0.0.1")) == []
    # The platform's owner may: a carrier's gateway is often in the same building.
    assert ("UDP", "10.0.0.1", 5060) in await places(locator("public"), Gateway("10.0.0.1"), kind="carrier")


async def test_a_connection_is_shared_while_it_is_open(locator: Make) -> None:
    accepted: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(lambda _, writer: accepted.append(writer), "127.0.0.24", 0)
    gateway = Gateway("127.0.0.24", server.sockets[0].getsockname()[1], "TCP")
    made = locator()
    both = await asyncio.gather(ways(made, gateway), ways(made, gateway))
    assert both[0] == both[1]
    both[0][0].close()
    assert await ways(made, gateway) != both[0]
    for writer in accepted:
        writer.close()
    server.close()


async def test_where_nobody_listens_the_next_is_tried(locator: Make) -> None:
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.24", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    assert await places(locator(), Gateway("127.0.0.24", port, "TCP"), Gateway("127.0.0.25")) == [
        ("UDP", "127.0.0.25", 5060)
    ]


@asynccontextmanager
async def tls_server(name: str) -> AsyncGenerator[tuple[int, ssl.SSLContext]]:
    """A TLS server whose certificate is of that name, and what trusts this certificate."""
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.26", 0, ssl=self_signed((name,)))
    port = server.sockets[0].getsockname()[1]
    pem = await asyncio.to_thread(ssl.get_server_certificate, ("127.0.0.26", port))
    trusted = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusted.load_verify_locations(cadata=pem)
    yield port, trusted
    server.close()


@pytest.mark.parametrize(
    ("certificate", "found"), [("secure.test", 1), ("server.secure.test", 0)], ids=["the name asked for", "SRV's name"]
)
async def test_a_certificate_is_of_the_name_that_was_asked_for(locator: Make, certificate: str, found: int) -> None:
    """Whoever can forge DNS answers could otherwise send us anywhere (RFC 5922 section 4)."""
    async with tls_server(certificate) as (port, trusted):
        zone = f"_sips._tcp.secure.test SRV 0 0 {port} server.secure.test.\nserver.secure.test A 127.0.0.26"
        async with DnsServer(zone) as server:
            made = locator(trusted=trusted, zone=server)
            assert len(await places(made, Gateway("secure.test", transport="TLS"))) == found
            # A connection that proved one name is none for another.
            assert await places(made, Gateway("127.0.0.26", port, "TLS")) == []


async def test_without_trust_there_is_no_tls(locator: Make) -> None:
    async with tls_server("127.0.0.26") as (port, trusted):
        gateway = Gateway("127.0.0.26", port, "TLS")
        assert await places(locator(), gateway) == []
        assert await places(locator(trusted=trusted), gateway) == [("TLS", "127.0.0.26", port)]
