"""Category: integration. Transfers over SIP, both ways: blind, attended, and by a customer's command; messages."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from offhook import Call, Client, Ear, Tone
from offhook.edge.server import Platform, start_dev
from offhook.engine.seed import SEEDED
from offhook.media import commands
from offhook.wire.sip_admission import respond
from offhook.wire.sip_fields import Fields
from offhook.wire.sip_message import Request

from .sip_phone import SipCall, SipPhone

JOHN, JANE = SEEDED.identities


@pytest.fixture
async def platform() -> AsyncIterator[Platform]:
    running = await start_dev()
    yield running
    await running.stop()


@pytest.fixture
async def phone(platform: Platform) -> AsyncIterator[SipPhone]:
    """John's SIP phone."""
    async with SipPhone(platform, JOHN.login, JOHN.password, "TCP") as sip:
        yield sip


@pytest.fixture
async def jane(platform: Platform) -> AsyncIterator[Client]:
    async with Client(platform.env["OFFHOOK_WS_URL"], login=JANE.login, password=JANE.password) as client:
        await client.ready()
        yield client


async def talking(phone: SipPhone, jane: Client) -> tuple[SipCall, Call]:
    coming, port = jane.incoming(), phone.port()
    call = await phone.invite(JANE.login, port.offer(["pcmu"], trickle=False).encode())
    ringing = await anext(coming)
    await ringing.answer(audio=Tone(440))
    port.accept((await call.accepted()).body.decode())
    return call, ringing


async def notified(phone: SipPhone) -> tuple[str, str]:
    """The next NOTIFY, answered: its body and the state of the subscription."""
    notify = await phone.request("NOTIFY")
    phone.send(respond(notify, 200, ""))
    return notify.body.decode().strip(), notify.one("Subscription-State").partition(";")[0]


class TestByThePhone:
    async def test_blind(self, platform: Platform, phone: SipPhone, jane: Client) -> None:
        async with Client(platform.env["OFFHOOK_WS_URL"], login=JOHN.login, password=JOHN.password) as john:
            await john.ready()
            call, janes = await talking(phone, jane)
            coming = john.incoming()
            referred = await call.ask("REFER", (("Refer-To", f"<sip:{JOHN.login}@{phone.domain}>"),))
            assert referred.status == 202
            assert await notified(phone) == ("SIP/2.0 100 Trying", "active")
            assert await notified(phone) == ("SIP/2.0 200 OK", "terminated")
            await call.ends()
            johns = await anext(coming)
            await johns.answer(audio=Tone(660))
            await johns.hangup()
            assert (await janes.ended()).cause == "NORMAL_CLEARING"

    async def test_attended(self, phone: SipPhone, jane: Client) -> None:
        first, one = await talking(phone, jane)
        second, two = await talking(phone, jane)
        assert second.dialog is not None
        tags = f"to-tag%3D{second.dialog.remote_tag}%3Bfrom-tag%3D{second.dialog.local_tag}"
        target = f"<sip:{JANE.login}@{phone.domain}?Replaces={second.dialog.call_id.replace('@', '%40')}%3B{tags}>"
        assert (await first.ask("REFER", (("Refer-To", target),))).status == 202
        assert {(await phone.request("BYE")).call_id for _ in range(2)} == {first.invite.call_id, second.invite.call_id}
        await one.hangup()
        assert (await two.ended()).cause == "NORMAL_CLEARING"

    async def test_whoever_wants_no_news_of_a_transfer_gets_none(self, phone: SipPhone, jane: Client) -> None:
        """RFC 4488."""
        call, _ = await talking(phone, jane)
        more = (("Refer-To", "<tel:911>"), ("Refer-Sub", "false"))
        referred = await call.ask("REFER", more)
        assert (referred.status, referred.first("Refer-Sub")) == (202, "false")
        assert (await call.ask("BYE")).status == 200
        assert [it for it in phone.unread if isinstance(it, Request)] == []

    @pytest.mark.parametrize(
        ("target", "status"),
        [
            ("<sip:jane5678@sip.telnyx.com?Replaces=nothing%3Bto-tag%3D1%3Bfrom-tag%3D2>", 481),
            ("<sip:jane5678@sip.telnyx.com;method=BYE>", 501),
            ("<mailto:jane@example.com>", 416),
            ("", 400),
        ],
    )
    async def test_what_cannot_be_is_refused(self, phone: SipPhone, jane: Client, target: str, status: int) -> None:
        call, _ = await talking(phone, jane)
        more: Fields = (("Refer-To", target),) if target else ()
        assert (await call.ask("REFER", more)).status == status
        assert (await call.ask("OPTIONS")).status == 200

    async def test_a_transfer_that_is_forbidden_leaves_the_call_as_it_is(self, phone: SipPhone, jane: Client) -> None:
        call, _ = await talking(phone, jane)
        assert (await call.ask("REFER", (("Refer-To", "<tel:911>"),))).status == 202
        assert await notified(phone) == ("SIP/2.0 100 Trying", "active")
        assert await notified(phone) == ("SIP/2.0 603 Decline", "terminated")
        assert (await call.ask("BYE")).status == 200


def replacing(call: SipCall) -> str:
    assert call.dialog is not None
    return f"{call.dialog.call_id};to-tag={call.dialog.remote_tag};from-tag={call.dialog.local_tag}"


class TestTakingOver:
    """RFC 3891."""

    async def test_a_users_other_phone_goes_on_with_the_call(
        self, platform: Platform, phone: SipPhone, jane: Client
    ) -> None:
        call, janes = await talking(phone, jane)
        ear = Ear()
        janes.attach(ear)
        async with SipPhone(platform, JOHN.login, JOHN.password, "UDP") as other:
            port = other.port()
            offer = port.offer(["pcmu"], trickle=False).encode()
            taking = await other.invite(JANE.login, offer, (("Replaces", replacing(call)),))
            port.accept((await taking.accepted()).body.decode())
            other.core.send(commands.Play(port.number, 1, commands.Tones([commands.Tone([700], 1000)]), loop=0))
            await call.ends()
            await ear.hears_tone(700)
            assert len(jane.calls) == 1
            assert (await taking.ask("BYE")).status == 200
            assert (await janes.ended()).cause == "NORMAL_CLEARING"

    async def test_nobody_takes_the_place_of_another_user(
        self, platform: Platform, phone: SipPhone, jane: Client
    ) -> None:
        call, _ = await talking(phone, jane)
        async with SipPhone(platform, JANE.login, JANE.password, "TCP") as other:
            taking = await other.invite(JOHN.login, b"", (("Replaces", replacing(call)),))
            assert (await other.response(taking.invite)).status == 481
        assert (await call.ask("OPTIONS")).status == 200

    @pytest.mark.parametrize(("more", "status"), [(";early-only", 486), ("9", 481)])
    async def test_what_is_not_there_or_answered_is_not_taken(
        self, phone: SipPhone, jane: Client, more: str, status: int
    ) -> None:
        call, _ = await talking(phone, jane)
        taking = await phone.invite(JANE.login, b"", (("Replaces", replacing(call) + more),))
        assert (await phone.response(taking.invite)).status == status
        assert (await call.ask("OPTIONS")).status == 200


class Desk:
    """A customer's REST client."""

    def __init__(self, platform: Platform, http: aiohttp.ClientSession) -> None:
        self._platform = platform
        self._http = http

    async def post(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        env = self._platform.env
        headers = {"Authorization": f"Bearer {env['TELNYX_API_KEY']}"}
        async with self._http.post(env["TELNYX_BASE_URL"] + path, json=body, headers=headers) as response:
            return response.status, await response.json()

    async def dial(self, to: str) -> str:
        connection = self._platform.env["OFFHOOK_CONNECTION_ID"]
        status, answer = await self.post("/calls", {"connection_id": connection, "to": to, "from": "+12025550101"})
        assert status == 200, answer
        return answer["data"]["call_control_id"]


@pytest.fixture
async def desk(platform: Platform) -> AsyncIterator[Desk]:
    async with aiohttp.ClientSession() as http:
        yield Desk(platform, http)


async def answered(phone: SipPhone) -> SipCall:
    call, port = await phone.called(), phone.port()
    call.respond(200, port.answer(call.invite.body.decode(), ["pcmu"], trickle=False).encode())
    await phone.request("ACK")
    return call


class TestByCommand:
    async def test_refer(self, desk: Desk, phone: SipPhone) -> None:
        await phone.register()
        leg = await desk.dial(f"sip:{JOHN.login}@{phone.domain}")
        call = await answered(phone)
        header = {"name": "X-Ticket", "value": "42"}
        body = {"sip_address": "sip:carol@example.com", "custom_headers": [header]}
        assert (await desk.post(f"/calls/{leg}/actions/refer", body))[0] == 200
        refer = await phone.request("REFER")
        assert (refer.one("Refer-To"), refer.one("X-Ticket")) == ("<sip:carol@example.com>", "42")
        phone.send(respond(refer, 202, ""))
        event = (("Event", "refer"), ("Subscription-State", "active"), ("Content-Type", "message/sipfrag"))
        assert await notifying(call, event, b"SIP/2.0 200 OK\r\n") == 200
        assert (await call.ask("BYE")).status == 200

    async def test_refer_proves_itself_where_that_is_asked_for(self, desk: Desk, phone: SipPhone) -> None:
        await phone.register()
        leg = await desk.dial(f"sip:{JOHN.login}@{phone.domain}")
        await answered(phone)
        body = {"sip_address": "sip:carol@example.com", "sip_auth_username": "we", "sip_auth_password": "secret"}
        await desk.post(f"/calls/{leg}/actions/refer", body)
        refer = await phone.request("REFER")
        challenge = 'Digest realm="pbx", nonce="1", qop="auth", algorithm=MD5'
        phone.send(respond(refer, 407, "", (("Proxy-Authenticate", challenge),)))
        proved = await phone.request("REFER")
        assert 'username="we", realm="pbx"' in proved.one("Proxy-Authorization")
        assert "secret" not in proved.one("Proxy-Authorization")
        phone.send(respond(proved, 603, ""))

    async def test_send_sip_info(self, desk: Desk, phone: SipPhone) -> None:
        await phone.register()
        leg = await desk.dial(f"sip:{JOHN.login}@{phone.domain}")
        await answered(phone)
        body = {"content_type": "application/json;v=1", "body": '{"hi": "there"}'}
        assert (await desk.post(f"/calls/{leg}/actions/send_sip_info", body))[0] == 200
        info = await phone.request("INFO")
        assert (info.one("Content-Type"), info.body) == ("application/json;v=1", b'{"hi": "there"}')
        phone.send(respond(info, 200, ""))


async def notifying(call: SipCall, fields: Fields, body: bytes) -> int:
    assert call.dialog is not None
    call.dialog, notify = call.dialog.request("NOTIFY", call.phone.via(), fields, body)
    assert isinstance(notify, Request)
    call.phone.send(notify)
    return (await call.phone.response(notify)).status
