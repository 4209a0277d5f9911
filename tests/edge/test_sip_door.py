"""Category: integration. Raw SIP over every transport: who comes in, and calls from end to end."""

from collections.abc import AsyncIterator

import pytest

from offhook import Client, Tone
from offhook.edge.server import Platform, start_dev
from offhook.engine.seed import SEEDED
from offhook.wire.sip_framing import KeepAlive
from offhook.wire.sip_message import Response
from offhook.wire.sip_requests import cancel_of

from .sip_phone import SipPhone, Transport

JOHN, JANE = SEEDED.identities
TRANSPORTS: tuple[Transport, ...] = ("UDP", "TCP", "TLS", "WS")


@pytest.fixture
async def platform() -> AsyncIterator[Platform]:
    running = await start_dev()
    yield running
    await running.stop()


def sip(platform: Platform, transport: Transport = "TCP", who: int = 0) -> SipPhone:
    identity = (JOHN, JANE)[who]
    return SipPhone(platform, identity.login, identity.password, transport)


def browser(platform: Platform, who: int = 1) -> Client:
    identity = (JOHN, JANE)[who]
    return Client(platform.env["OFFHOOK_WS_URL"], login=identity.login, password=identity.password)


def contacts(response: Response) -> list[str]:
    return [str(contact.uri) for contact in response.contacts]


class TestRegistering:
    @pytest.mark.parametrize("transport", TRANSPORTS)
    async def test_a_phone_registers_and_unregisters(self, platform: Platform, transport: Transport) -> None:
        async with sip(platform, transport) as john:
            registered = await john.register()
            assert (registered.status, contacts(registered)) == (200, [john.contact.strip("<>")])
            gone = await john.register(expires=0)
            assert (gone.status, contacts(gone)) == (200, [])

    @pytest.mark.parametrize("transport", TRANSPORTS)
    async def test_a_phone_registers_over_ipv6(self, transport: Transport) -> None:
        platform = await start_dev(host="::1")
        async with sip(platform, transport) as john:
            registered = await john.register()
            assert (registered.status, contacts(registered)) == (200, [john.contact.strip("<>")])
        await platform.stop()

    async def test_a_wrong_password_is_challenged_again(self, platform: Platform) -> None:
        async with sip(platform) as john:
            john.password = "wrong"
            refused = await john.register()
            assert refused.status == 401
            assert "stale" not in "".join(refused.every("WWW-Authenticate"))

    async def test_nobody_registers_for_another(self, platform: Platform) -> None:
        async with sip(platform) as john:
            assert (await john.register(to=f"<sip:{JANE.login}@{john.domain}>")).status == 403

    async def test_a_lost_connection_unregisters(self, platform: Platform) -> None:
        async with sip(platform, "TCP", 1) as first:
            await first.register()
            async with sip(platform, "WS", 1) as second:
                await second.register()
        async with sip(platform, "UDP", 1) as third:
            assert contacts(await third.register("<sip:jane@192.0.2.1>")) == ["sip:jane@192.0.2.1"]


class TestKeepAlives:
    async def test_two_line_ends_are_answered_by_one(self, platform: Platform) -> None:
        async with sip(platform, "TCP") as john:
            john.send(b"\r\n\r\n")
            assert await john.kept_alive() is KeepAlive.PONG


class TestCalls:
    @pytest.mark.parametrize("transport", TRANSPORTS)
    async def test_a_phone_calls_a_client_and_hangs_up(self, platform: Platform, transport: Transport) -> None:
        async with sip(platform, transport) as john, browser(platform) as jane:
            await jane.ready()
            coming, port = jane.incoming(), john.port()
            call = await john.invite(JANE.login, port.offer(["pcmu"], trickle=False).encode())
            await call.heard(180)
            ringing = await anext(coming)
            await ringing.answer(audio=Tone(440))
            port.accept((await call.accepted()).body.decode())
            assert (await call.ask("BYE")).status == 200
            assert (await ringing.ended()).cause == "NORMAL_CLEARING"

    @pytest.mark.parametrize("transport", TRANSPORTS)
    async def test_a_client_calls_a_phone_and_hangs_up(self, platform: Platform, transport: Transport) -> None:
        async with sip(platform, transport, 1) as jane, browser(platform, 0) as john:
            await jane.register()
            await john.ready()
            dialling = await john.new_call(JANE.login, audio=Tone(440))
            call, port = await jane.called(), jane.port()
            call.respond(180)
            answer = port.answer(call.invite.body.decode(), ["pcmu"], trickle=False)
            call.respond(200, answer.encode())
            await jane.request("ACK")
            await dialling.answered()
            await dialling.hangup()
            bye = await call.ends()
            assert "Q.850;cause=16" in (bye.first("Reason") or "")

    async def test_a_call_that_rings_is_cancelled(self, platform: Platform) -> None:
        async with sip(platform) as john, browser(platform) as jane:
            await jane.ready()
            coming = jane.incoming()
            call = await john.invite(JANE.login, john.port().offer(["pcmu"], trickle=False).encode())
            ringing = await anext(coming)
            await call.heard(180)
            _, cancelled = await john.ask(cancel_of(call.invite))
            assert cancelled.status == 200
            assert (await john.response(call.invite)).status == 487
            assert (await ringing.ended()).cause == "ORIGINATOR_CANCEL"

    async def test_a_phone_that_is_busy_says_so(self, platform: Platform) -> None:
        async with sip(platform, "UDP", 1) as jane, browser(platform, 0) as john:
            await jane.register()
            await john.ready()
            dialling = await john.new_call(JANE.login, audio=Tone(440))
            call = await jane.called()
            call.respond(486)
            assert (await dialling.ended()).cause == "USER_BUSY"

    async def test_a_caller_that_gives_up_is_passed_on_as_cancel(self, platform: Platform) -> None:
        async with sip(platform, "TCP", 1) as jane, browser(platform, 0) as john:
            await jane.register()
            await john.ready()
            dialling = await john.new_call(JANE.login, audio=Tone(440))
            call = await jane.called()
            call.respond(180)
            await dialling.hangup()
            cancel = await jane.request("CANCEL")
            assert cancel.via.branch == call.invite.via.branch
            call.respond(487)
