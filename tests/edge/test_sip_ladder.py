"""Category: integration. The ladder of calls over SIP: what went over the wire, once, in order, and masked in logs."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest
from structlog.testing import capture_logs

from offhook import Call, Client, Tone
from offhook.edge.server import Platform, start_dev
from offhook.engine.seed import SEEDED
from offhook.wire.sip_admission import respond
from offhook.wire.sip_message import Response
from offhook.wire.sip_requests import ack_of

from .sip_phone import SipCall, SipPhone

JOHN, JANE = SEEDED.identities


@pytest.fixture
async def platform() -> AsyncIterator[Platform]:
    running = await start_dev()
    yield running
    await running.stop()


@pytest.fixture
async def john(platform: Platform) -> AsyncIterator[SipPhone]:
    async with SipPhone(platform, JOHN.login, JOHN.password, "UDP") as phone:
        yield phone


@pytest.fixture
async def jane(platform: Platform) -> AsyncIterator[Client]:
    async with Client(platform.env["OFFHOOK_WS_URL"], login=JANE.login, password=JANE.password) as client:
        await client.ready()
        yield client


async def talking(john: SipPhone, jane: Client, *more: tuple[str, str]) -> tuple[SipCall, Call]:
    coming, port = jane.incoming(), john.port()
    call = await john.invite(JANE.login, port.offer(["pcmu"], trickle=False).encode(), more)
    ringing = await anext(coming)
    await ringing.answer(audio=Tone(440))
    port.accept((await call.accepted()).body.decode())
    return call, ringing


async def ladder(platform: Platform, call: Call, last: str) -> list[str]:
    """The ladder of a call, once it has the line that comes last."""
    assert call.ids.session is not None
    return await newest(platform, last, call.ids.session)


async def newest(platform: Platform, last: str, named: str = "") -> list[str]:
    """The ladder of the newest session, or of the one named, once it has the line that comes last."""
    root = f"{platform.env['OFFHOOK_CONSOLE_URL']}_offhook/sessions"
    async with aiohttp.ClientSession() as http, asyncio.timeout(10):
        while True:
            async with http.get(root) as response:
                session = named or (await response.json())["sessions"][-1]
            async with http.get(f"{root}/{session}/ladder") as response:
                lines = (await response.text()).splitlines()
            if last in lines:
                return lines


def of(lines: list[str], who: str) -> list[str]:
    """One leg's lines that went over a wire."""
    return [line for line in lines if line.startswith((f"{who} ->", f"{who} <-"))]


async def test_a_call_has_every_message_once(platform: Platform, john: SipPhone, jane: Client) -> None:
    call, ringing = await talking(john, jane)
    assert (await call.ask("OPTIONS")).status == 200
    assert (await call.ask("UPDATE")).status == 200
    assert (await call.ask("BYE")).status == 200
    lines = of(await ladder(platform, ringing, "john1234 <- 200 OK to BYE"), "john1234")
    early = {"john1234 <- 183 Session Progress", "john1234 <- ringback", "john1234 <- 180 Ringing"}
    assert set(lines[1:4]) == early  # whichever is first
    assert [lines[0], *lines[4:]] == [
        f"john1234 -> INVITE sip:jane5678@{john.domain}",
        "john1234 <- 200 OK",
        "john1234 -> ACK",
        "john1234 -> OPTIONS",
        "john1234 <- 200 OK to OPTIONS",
        "john1234 -> UPDATE",
        "john1234 <- 200 OK to UPDATE",
        "john1234 -> BYE 16 NORMAL_CLEARING",
        "john1234 <- 200 OK to BYE",
    ]


async def test_what_comes_again_is_noted_once(platform: Platform, john: SipPhone, jane: Client) -> None:
    call, ringing = await talking(john, jane)
    options = call.start("OPTIONS")
    await john.response(options)
    for _ in range(3):
        john.send(options)
        await john.response(options)
    assert (await call.ask("BYE")).status == 200
    lines = await ladder(platform, ringing, "john1234 <- 200 OK to BYE")
    assert [line for line in lines if "OPTIONS" in line] == [
        "john1234 -> OPTIONS",
        "john1234 <- 200 OK to OPTIONS",
        "john1234 -> OPTIONS again",
        "john1234 <- 200 OK to OPTIONS again",
    ]


async def test_new_offers_are_told_by_the_exchange_and_refreshes_by_the_wire(
    platform: Platform, john: SipPhone, jane: Client
) -> None:
    coming, port = jane.incoming(), john.port()
    call = await john.invite(JANE.login, port.offer(["pcmu"], trickle=False).encode())
    ringing = await anext(coming)
    await ringing.answer(audio=Tone(440))
    port.accept((await call.accepted()).body.decode())
    assert (await call.ask("INVITE", body=port.reoffer().encode())).status == 200
    assert (await call.ask("INVITE")).status == 200
    await ringing.hangup()
    await call.ends()
    lines = of(await ladder(platform, ringing, "john1234 -> 200 OK to BYE"), "john1234")
    assert lines[lines.index("john1234 -> ACK") + 1 :] == [
        "john1234 -> unhold",
        "john1234 -> re-INVITE",
        "john1234 <- 200 OK to re-INVITE",
        "john1234 -> ACK",
        "john1234 -> re-INVITE",
        "john1234 <- 200 OK to re-INVITE",
        "john1234 -> ACK",
        "john1234 <- BYE 16 NORMAL_CLEARING",
        "john1234 -> 200 OK to BYE",
    ]


async def test_whom_a_phone_refers_to_is_shown_and_masked_in_logs(
    platform: Platform, john: SipPhone, jane: Client
) -> None:
    with capture_logs() as logged:
        call, ringing = await talking(john, jane)
        refer = await call.ask("REFER", (("Refer-To", f"<sip:+12025550199@{john.domain}>"),))
        assert refer.status == 202
        notify = await john.request("NOTIFY")
        john.send(respond(notify, 200, ""))
        lines = await ladder(platform, ringing, "john1234 -> 200 OK to NOTIFY")
    assert notify.body == b"SIP/2.0 100 Trying\r\n"
    said = of(lines, "john1234")
    told = said[said.index("john1234 -> ACK") + 1 :]
    assert told[:3] == [
        f"john1234 -> REFER sip:+12025550199@{john.domain}",
        "john1234 <- 202 Accepted to REFER",
        "john1234 <- NOTIFY 100 Trying",
    ]
    events = [str(each["event"]) for each in logged]
    assert "john1234 -> REFER *********99" in events
    assert not [event for event in events if "2025550199" in event]


async def test_reliable_responses_and_refusals(platform: Platform, john: SipPhone) -> None:
    async with SipPhone(platform, JANE.login, JANE.password, "UDP") as jane:
        await jane.register()
        offer = john.port().offer(["pcmu"], trickle=False).encode()
        calling = await john.invite(JANE.login, offer)
        call = await jane.called()
        call.respond(180, more=(("Require", "100rel"), ("RSeq", "17")))
        prack = await jane.request("PRACK")
        jane.send(respond(prack, 200, ""))
        call.respond(486)
        refused: Response = await john.response(calling.invite)
        assert refused.status == 486
        calling.phone.send(ack_of(calling.invite, refused))
        lines = await newest(platform, "john1234 -> ACK")
    assert of(lines, "jane5678")[1:] == [
        "jane5678 -> 180 Ringing",
        "jane5678 <- PRACK",
        "jane5678 -> 200 OK to PRACK",
        "jane5678 -> 486 Busy Here",
        "jane5678 <- ACK",
        "jane5678 -> BYE 17 USER_BUSY",
    ]
    assert of(lines, "john1234")[-3:] == [
        "john1234 <- BYE 17 USER_BUSY",
        "john1234 <- 486 Busy Here",
        "john1234 -> ACK",
    ]
