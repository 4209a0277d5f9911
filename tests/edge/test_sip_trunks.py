"""Category: edge. Trunks: carriers and customers' PBXs that are known by where they are, in both directions."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import msgspec
import pytest
from tests.edge.sip_phone import SDP, SECONDS, SipPhone

from offhook.edge.server import Platform, start_dev
from offhook.engine.seed import SEEDED
from offhook.wire.sip_admission import respond
from offhook.wire.sip_dialog import as_uas
from offhook.wire.sip_fields import Fields
from offhook.wire.sip_framing import read_datagram
from offhook.wire.sip_headers import parse_valued
from offhook.wire.sip_message import Request, Response, write

JOHN, JANE = SEEDED.identities
OUTSIDE = "+12025550190"
OFFER = (
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    "m=audio 40000 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n"
)


class Gateway:
    """A gateway of a trunk: one UDP socket on an address of its own, whose every message the test sees or writes."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.unread: asyncio.Queue[Request | Response] = asyncio.Queue()
        self._where = ("", 0)
        self._way: asyncio.DatagramTransport

    async def open(self, platform: Platform) -> "Gateway":
        gateway = self
        host, _, port = platform.env["OFFHOOK_SIP_ADDRESS"].rpartition(":")
        self._where = (host, int(port))

        class Datagrams(asyncio.DatagramProtocol):
            def datagram_received(self, data: bytes, addr: object) -> None:
                item = read_datagram(data)
                assert isinstance(item, Request | Response)
                gateway.unread.put_nowait(item)

        loop = asyncio.get_running_loop()
        self._way, _ = await loop.create_datagram_endpoint(Datagrams, local_addr=(self.address, 0))
        return self

    @property
    def port(self) -> int:
        return self._way.get_extra_info("sockname")[1]

    @property
    def uri(self) -> str:
        return f"sip:{self.address}:{self.port}"

    def close(self) -> None:
        self._way.close()

    def send(self, message: Request | Response) -> None:
        self._way.sendto(write(message), self._where)

    async def request(self, method: str) -> Request:
        """The next request of that kind; copies of others are passed over."""
        async with asyncio.timeout(SECONDS):
            while True:
                item = await self.unread.get()
                if isinstance(item, Request) and item.method == method:
                    return item

    async def response(self, *statuses: int) -> Response:
        async with asyncio.timeout(SECONDS):
            while True:
                item = await self.unread.get()
                if isinstance(item, Response) and item.status in statuses:
                    return item

    def accept(self, invite: Request) -> None:
        more: Fields = (("Contact", f"<{self.uri}>"), *SDP)
        self.send(respond(invite, 200, "theirs", more, OFFER.encode()))

    def dial(self, number: str, call_id: str, more: Fields = ()) -> Request:
        fields: Fields = (
            ("Via", f"SIP/2.0/UDP {self.address}:{self.port};branch=z9hG4bK{call_id}"),
            ("Max-Forwards", "70"),
            ("From", f'"Somebody" <sip:+442079460000@{self.address}>;tag=outside'),
            ("To", f"<sip:{number}@sip.example.test>"),
            ("Call-ID", call_id),
            ("CSeq", "1 INVITE"),
            ("Contact", f"<{self.uri}>"),
            *more,
            *SDP,
        )
        invite = Request(method="INVITE", uri=f"sip:{number}@sip.example.test", fields=fields, body=OFFER.encode())
        self.send(invite)
        return invite


class Owner:
    """The platform's owner and a customer: what they set up by REST."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.http = aiohttp.ClientSession(headers={"Authorization": f"Bearer {platform.env['TELNYX_API_KEY']}"})

    async def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        env = self.platform.env
        base = env["OFFHOOK_CONSOLE_URL"].rstrip("/") if path.startswith("/_offhook") else env["TELNYX_BASE_URL"]
        async with self.http.request(method, base + path, json=body) as response:
            answer = await response.json()
            assert response.status < 300, answer
            return answer["data"]

    async def carrier(self, *gateways: Gateway, **more: Any) -> Any:
        uris = [each.uri for each in gateways]
        sources = [each.address for each in gateways]
        body = {"name": "outside", "gateways": uris, "sources": sources, **more}
        made = await self.ask("POST", "/_offhook/carriers", body)
        await self.let_out()
        return made

    async def let_out(self) -> None:
        """John may call outside, as his number."""
        profile = await self.ask("POST", "/outbound_voice_profiles", {"name": "Outside"})
        outbound = {"outbound_voice_profile_id": profile["id"], "ani_override": SEEDED.numbers[0].number}
        [john] = await self.ask("GET", "/credential_connections?filter[connection_name][contains]=john")
        await self.ask("PATCH", f"/credential_connections/{john['id']}", {"outbound": outbound})

    async def close(self) -> None:
        await self.http.close()


@pytest.fixture
async def platform() -> AsyncIterator[Platform]:
    running = await start_dev()
    yield running
    await running.stop()


@pytest.fixture
async def owner(platform: Platform) -> AsyncIterator[Owner]:
    made = Owner(platform)
    yield made
    await made.close()


@pytest.fixture
async def gateway(platform: Platform) -> AsyncIterator[Gateway]:
    made = await Gateway("127.0.0.7").open(platform)
    yield made
    made.close()


async def test_a_carrier_rings_the_client_of_a_number(platform: Platform, owner: Owner, gateway: Gateway) -> None:
    await owner.carrier(gateway)
    async with SipPhone(platform, JANE.login, JANE.password, "UDP") as jane:
        await jane.register()
        invite = gateway.dial(SEEDED.numbers[1].number, "a")
        assert (await gateway.response(100)).call_id == "a"
        rung = await jane.request("INVITE")
        assert rung.from_.uri.user == "442079460000"  # type: ignore[union-attr]  # as ani_number_format has it
        jane.send(respond(rung, 180, "hers", (("Contact", "<sip:jane@127.0.0.1>"),)))
        assert (await gateway.response(180)).cseq.number == invite.cseq.number


async def test_a_carrier_reaches_nobody_but_numbers_of_ours(owner: Owner, gateway: Gateway) -> None:
    await owner.carrier(gateway)
    gateway.dial("+12025550999", "b")
    refused = await gateway.response(404)
    assert "nobody here has this number" in (refused.first("Reason") or "")


async def test_who_is_no_trunk_is_asked_for_a_password(owner: Owner, gateway: Gateway) -> None:
    gateway.dial(SEEDED.numbers[1].number, "c")
    assert (await gateway.response(407)).status == 407
    await owner.carrier(gateway)
    gateway.dial(SEEDED.numbers[1].number, "d")
    assert (await gateway.response(480)).call_id == "d"  # jane is not registered


async def test_a_gateway_on_this_machine_is_told_from_its_phones_by_its_port(platform: Platform, owner: Owner) -> None:
    here = await Gateway("127.0.0.1").open(platform)
    try:
        await owner.carrier(here)
        here.dial(SEEDED.numbers[1].number, "f")
        assert (await here.response(480)).call_id == "f"
        async with SipPhone(platform, JOHN.login, JOHN.password, "UDP") as john:
            call = await john.invite(JANE.login, OFFER.encode())  # unproved at first, as phones do it
            assert (await call.heard(480)).status == 480
    finally:
        here.close()


async def test_a_number_that_nobody_here_has_goes_to_the_carrier(
    platform: Platform, owner: Owner, gateway: Gateway
) -> None:
    await owner.carrier(gateway, tech_prefix="99", dnis_number_format="e164")
    async with SipPhone(platform, JOHN.login, JOHN.password, "UDP") as john:
        call = await john.invite(OUTSIDE, OFFER.encode())
        invite = await gateway.request("INVITE")
        assert invite.uri == f"sip:9912025550190@127.0.0.7:{gateway.port}"
        gateway.accept(invite)
        assert (await gateway.request("ACK")).call_id == invite.call_id
        await call.accepted()
        via = f"SIP/2.0/UDP {gateway.address}:{gateway.port};branch=z9hG4bKbye"
        gateway.send(as_uas(invite, "theirs").request("BYE", via)[1])
        assert (await gateway.response(200)).cseq.method == "BYE"
        assert (await john.request("BYE")).call_id


async def test_a_carrier_that_asks_who_we_are_is_told(platform: Platform, owner: Owner, gateway: Gateway) -> None:
    await owner.carrier(gateway, username="us", password="our secret")
    challenge = ("WWW-Authenticate", 'Digest realm="carrier", nonce="n", qop="auth", algorithm=MD5')
    async with SipPhone(platform, JOHN.login, JOHN.password, "UDP") as john:
        await john.invite(OUTSIDE, OFFER.encode())
        invite = await gateway.request("INVITE")
        gateway.send(respond(invite, 401, "x", (challenge,)))
        again = await gateway.request("INVITE")
        assert again.cseq.number == 2
        proof = parse_valued((again.first("Authorization") or "").replace("Digest ", "Digest;").replace(", ", ";"))
        assert (proof.param("username"), proof.param("realm")) == ("us", "carrier")
        # Another realm gets no answer: a password is for whom it was given.
        gateway.send(respond(again, 401, "x", (("WWW-Authenticate", 'Digest realm="thief", nonce="n"'),)))
        assert (await gateway.request("ACK")).cseq.number == 2


async def test_the_next_gateway_is_tried_where_one_is_full(platform: Platform, owner: Owner, gateway: Gateway) -> None:
    second = await Gateway("127.0.0.8").open(platform)
    try:
        await owner.carrier(gateway, second)
        async with SipPhone(platform, JOHN.login, JOHN.password, "UDP") as john:
            call = await john.invite(OUTSIDE, OFFER.encode())
            gateway.send(respond(await gateway.request("INVITE"), 503, "full"))
            invite = await second.request("INVITE")
            second.accept(invite)
            await call.accepted()
    finally:
        second.close()


async def test_a_pbx_is_called_at_its_address_and_calls_from_there(
    platform: Platform, owner: Owner, gateway: Gateway
) -> None:
    connection = await owner.ask("POST", "/ip_connections", {"connection_name": "PBX"})
    address = {"ip_address": gateway.address, "port": gateway.port, "connection_id": connection["id"]}
    await owner.ask("POST", "/ips", address)
    number = await owner.ask(
        "POST", "/_offhook/numbers", {"phone_number": "+12025550180", "connection_id": connection["id"]}
    )
    async with SipPhone(platform, JOHN.login, JOHN.password, "UDP") as john:
        await john.register()
        await john.invite("+12025550180", OFFER.encode())
        invite = await gateway.request("INVITE")
        assert invite.uri == f"sip:12025550180@127.0.0.7:{gateway.port}"
        gateway.send(respond(invite, 486, "busy"))
        # And the other way: the PBX is known by its address.
        gateway.dial(JOHN.login, "e")
        assert (await john.request("INVITE")).call_id
    assert number["connection_name"] == "PBX"


async def registered(gateway: Gateway) -> Request:
    """The gateway's registrar lets us prove who we are, and takes us in: our REGISTER."""
    challenge = ("WWW-Authenticate", 'Digest realm="provider", nonce="n", qop="auth", algorithm=MD5')
    gateway.send(respond(await gateway.request("REGISTER"), 401, "x", (challenge,)))
    register = await gateway.request("REGISTER")
    assert 'username="us"' in register.one("Authorization")
    gateway.send(respond(register, 200, "x", (("Contact", f"{register.one('Contact')};expires=600"),)))
    return register


def to_contact(gateway: Gateway, register: Request, number: str, call_id: str) -> None:
    """Call the contact that we registered, as registrars do: the number is in To alone."""
    contact = str(register.contacts[0].uri)
    invite = msgspec.structs.replace(gateway.dial(number, f"{call_id}-by-number"), uri=contact)
    fields = [(name, call_id if name == "Call-ID" else value) for name, value in invite.fields if name != "Via"]
    via = ("Via", f"SIP/2.0/UDP {gateway.address}:{gateway.port};branch=z9hG4bK{call_id}")
    gateway.send(msgspec.structs.replace(invite, fields=(via, *fields)))


async def test_a_provider_at_which_we_register_calls_by_the_contact_that_it_was_given(
    platform: Platform, owner: Owner, gateway: Gateway
) -> None:
    external = {"proxy": f"127.0.0.7:{gateway.port}", "username": "us", "password": "secret", "expiration_sec": 600}
    internal = {"destination_uri": f"{JOHN.login}@{platform.env['OFFHOOK_SIP_DOMAIN']}"}
    body = {"connection_name": "Provider", "external_uac_settings": external, "internal_uac_settings": internal}
    connection = await owner.ask("POST", "/uac_connections", body)
    register = await registered(gateway)
    assert register.uri == "sip:127.0.0.7"
    elsewhere = await Gateway("127.0.0.9").open(platform)
    try:
        async with SipPhone(platform, JOHN.login, JOHN.password, "UDP") as john:
            await john.register()
            # It may call from any address of its own: nobody else knows the contact. By the number it is a stranger.
            to_contact(elsewhere, register, "+12025550177", "f")
            assert (await elsewhere.response(407)).call_id == "f-by-number"
            rung = await john.request("INVITE")
            assert rung.from_.uri.user.endswith("442079460000")  # type: ignore[union-attr]
            john.send(respond(rung, 486, "his"))
            assert (await elsewhere.response(486)).call_id == "f"
    finally:
        elsewhere.close()
    await owner.ask("DELETE", f"/uac_connections/{connection['id']}")
    gone = await gateway.request("REGISTER")
    assert (gone.one("Expires"), gone.one("Contact")) == ("0", register.one("Contact"))
    gateway.send(respond(gone, 200, "x"))


async def test_a_carrier_at_which_we_register_calls_the_number_in_to(
    platform: Platform, owner: Owner, gateway: Gateway
) -> None:
    await owner.carrier(gateway, username="us", password="secret", register=True)
    register = await registered(gateway)
    async with SipPhone(platform, JANE.login, JANE.password, "UDP") as jane:
        await jane.register()
        to_contact(gateway, register, SEEDED.numbers[1].number, "g")
        called = [await jane.request("INVITE"), await jane.request("INVITE")]
        assert len({it.call_id for it in called}) == 2
    # What was registered is taken back when the platform stops.
    stopping = asyncio.create_task(platform.stop())
    gone = await gateway.request("REGISTER")
    assert gone.one("Expires") == "0"
    gateway.send(respond(gone, 200, "x"))
    await stopping
