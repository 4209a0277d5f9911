"""Category: integration. The doors of `offhook dev` put together: who may come in, what the owner sees, the reset."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator

import aiohttp
import pytest
from aiohttp import WSServerHandshakeError

from offhook import Call, CallEnded, Client, Tone, events
from offhook.cli.numbers import answered, listed
from offhook.client.pstn import NUMBERS
from offhook.edge.page import CallRow, ConsoleView, RegisteredRow, render
from offhook.edge.server import Platform, start_dev
from offhook.engine.seed import SEEDED

JOHN, JANE = SEEDED.identities


@pytest.fixture
async def platform() -> AsyncIterator[Platform]:
    running = await start_dev()
    yield running
    await running.stop()


@pytest.fixture
async def http(platform: Platform) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(platform.env["OFFHOOK_CONSOLE_URL"]) as session:
        yield session


def phone(platform: Platform, login: str, password: str) -> Client:
    return Client(platform.env["OFFHOOK_WS_URL"], login=login, password=password)


async def ended_call(platform: Platform) -> str:
    """John calls Jane, who answers; he hangs up. The session's id."""
    async with (
        phone(platform, JANE.login, JANE.password) as jane,
        phone(platform, JOHN.login, JOHN.password) as john,
    ):
        await jane.ready()
        coming = jane.incoming()
        call = await john.new_call(JANE.login, audio=Tone(440))
        await (await anext(coming)).answer()
        await call.answered()
        await call.hangup()
        session = call.ids.session
    assert session is not None
    return session


# ---- who may come in -----------------------------------------------------------------------------------------

DOORS = ("/", "/v2/whoami", "/_offhook/health", "/_offhook/info")


@pytest.mark.parametrize("path", DOORS)
@pytest.mark.parametrize(
    ("header", "value"),
    [("Origin", "https://evil.example"), ("Origin", "null"), ("Host", "evil.example"), ("Host", "evil.example:9700")],
)
async def test_foreign_pages_and_names_are_refused_at_every_door(
    http: aiohttp.ClientSession, path: str, header: str, value: str
) -> None:
    async with http.get(path, headers={header: value}) as response:
        assert response.status == 403
    with pytest.raises(WSServerHandshakeError, match="403"):
        await http.ws_connect("/", headers={header: value})


@pytest.mark.parametrize("origin", ["http://localhost:5173", "http://127.0.0.1:8080", "https://[::1]:3000", None])
async def test_pages_of_this_machine_and_programs_come_in(http: aiohttp.ClientSession, origin: str | None) -> None:
    headers = {"Origin": origin} if origin else {}
    for path in ("/", "/_offhook/health", "/_offhook/ready"):
        async with http.get(path, headers=headers) as response:
            assert response.status == 200
    async with http.ws_connect("/", headers=headers) as websocket:
        assert not websocket.closed


# ---- what the owner sees -------------------------------------------------------------------------------------


async def test_info_is_what_dev_prints(platform: Platform, http: aiohttp.ClientSession) -> None:
    async with http.get("/_offhook/info") as response:
        info = await response.json()
    assert info == platform.info
    assert [row["login"] for row in info["identities"]] == ["john1234", "jane5678"]
    assert set(info["env"]) == {
        "TELNYX_BASE_URL", "TELNYX_API_KEY", "TELNYX_PUBLIC_KEY", "OFFHOOK_WS_URL", "OFFHOOK_SIP_DOMAIN",
        "OFFHOOK_SIP_ADDRESS", "OFFHOOK_SIP_TLS_ADDRESS",
        "OFFHOOK_CONSOLE_URL", "OFFHOOK_CONNECTION_ID", "OFFHOOK_NUMBERS",
    }  # fmt: skip
    assert info["env"]["TELNYX_BASE_URL"].endswith("/v2")


async def test_a_call_leaves_its_ladder_as_text_and_drawing(platform: Platform, http: aiohttp.ClientSession) -> None:
    session = await ended_call(platform)
    async with http.get(f"/_offhook/sessions/{session}/ladder") as response:
        ladder = (await response.text()).splitlines()
    assert ladder[0] == "john1234 -> INVITE jane5678"
    assert "john1234 >< jane5678" in ladder
    assert "jane5678 <- BYE 16 NORMAL_CLEARING" in ladder
    async with http.get(f"/_offhook/sessions/{session}/ladder.svg") as response:
        assert response.content_type == "image/svg+xml"
        assert (await response.text()).startswith("<svg ")
    async with http.get("/_offhook/sessions/none/ladder") as response:
        assert response.status == 404
    async with http.get("/") as response:
        page = await response.text()
        assert "script-src 'sha256-" in response.headers["Content-Security-Policy"]
    assert session in page
    assert "$0.004" in page


@pytest.mark.parametrize(
    ("destination", "said"),
    [
        ("jane5678", "USER_NOT_REGISTERED"),
        ("+12025550102", "USER_NOT_REGISTERED"),
        ("nobody99", "UNALLOCATED_NUMBER"),
        ("911", "emergency"),
        ("+442071234567", "$0.008 for the dialled one (sip-trunking to +44)"),
        ("+861012345678", "$0.05 for the dialled one (sip-trunking to any other number)"),
    ],
)
async def test_explain_says_why_nobody_rings(http: aiohttp.ClientSession, destination: str, said: str) -> None:
    async with http.get("/_offhook/explain", params={"destination": destination}) as response:
        assert said in await response.text()


async def test_a_refused_caller_is_told_the_setting_that_refused_it(
    platform: Platform, http: aiohttp.ClientSession
) -> None:
    key = {"Authorization": f"Bearer {platform.env['TELNYX_API_KEY']}"}
    async with http.get("/v2/credential_connections?filter[connection_name][contains]=Jane", headers=key) as response:
        (jane,) = (await response.json())["data"]
    change = {"sip_uri_calling_preference": "disabled"}
    async with http.patch(f"/v2/credential_connections/{jane['id']}", json=change, headers=key) as response:
        assert response.status == 200
    async with phone(platform, JOHN.login, JOHN.password) as john:
        call = await john.new_call(JANE.login)
        with pytest.raises(CallEnded, match="sip_uri_calling_preference of connection Jane is disabled") as refused:
            await call.answered()
    assert (refused.value.cause, refused.value.sip_code) == ("CALL_REJECTED", 403)


async def test_explain_says_who_rings_and_what_a_minute_costs(platform: Platform, http: aiohttp.ClientSession) -> None:
    async with phone(platform, JANE.login, JANE.password) as jane:
        await jane.ready()
        async with http.get("/_offhook/explain", params={"destination": "sip:jane5678@sip.telnyx.com"}) as response:
            text = await response.text()
    assert "rings jane5678" in text
    assert "$0.002" in text


# ---- the reset -----------------------------------------------------------------------------------------------


async def test_a_reset_ends_everything_and_starts_as_new(platform: Platform, http: aiohttp.ClientSession) -> None:
    session = await ended_call(platform)
    key = {"Authorization": f"Bearer {platform.env['TELNYX_API_KEY']}"}
    body = {"connection_name": "Mine", "user_name": "mine1234", "password": "a long enough one"}
    async with http.post("/v2/credential_connections", json=body, headers=key) as response:
        assert response.status == 201
    async with http.patch("/_offhook/account", json={"credit_limit": "7", "paid_in": "1"}, headers=key) as response:
        assert (await response.json())["data"]["balance"] == "0.996"
    async with phone(platform, JANE.login, JANE.password) as jane:
        await jane.ready()
        gone = jane.events(events.Disconnected)
        async with http.post("/_offhook/reset") as response:
            assert response.status == 204
        async with asyncio.timeout(5):
            assert not (await anext(gone)).wanted
    async with http.get("/v2/credential_connections", headers=key) as response:
        assert sorted(row["user_name"] for row in (await response.json())["data"]) == ["jane5678", "john1234"]
    async with http.get("/v2/detail_records", params={"filter[record_type]": "webrtc"}, headers=key) as response:
        assert (await response.json())["data"] == []
    async with http.get("/v2/balance", headers=key) as response:
        account = (await response.json())["data"]
        assert (account["balance"], account["credit_limit"]) == ("0", "1000000")
    async with http.get(f"/_offhook/sessions/{session}/ladder") as response:
        assert response.status == 404
    await ended_call(platform)


@contextlib.asynccontextmanager
async def talking(platform: Platform) -> AsyncGenerator[tuple[Call, Call], None]:
    """John's and Jane's ends of a call that lasts."""
    async with (
        phone(platform, JANE.login, JANE.password) as jane,
        phone(platform, JOHN.login, JOHN.password) as john,
    ):
        await jane.ready()
        coming = jane.incoming()
        call = await john.new_call(JANE.login, audio=Tone(440))
        called = await anext(coming)
        await called.answer()
        await call.answered()
        yield call, called


async def test_a_reset_tells_both_ends_of_a_call_before_it_forgets_it(
    platform: Platform, http: aiohttp.ClientSession
) -> None:
    async with talking(platform) as ends:
        async with http.post("/_offhook/reset") as response:
            assert response.status == 204
        async with asyncio.timeout(5):
            endings = [await end.ended() for end in ends]
    assert [(ending.cause, ending.local) for ending in endings] == [("NORMAL_TEMPORARY_FAILURE", False)] * 2
    async with http.get("/_offhook/sessions") as response:
        assert await response.json() == {"sessions": []}


async def test_resets_take_turns(platform: Platform, http: aiohttp.ClientSession) -> None:
    answers = await asyncio.gather(*(http.post("/_offhook/reset") for _ in range(4)))
    assert [answer.status for answer in answers] == [204] * 4
    await ended_call(platform)


async def test_a_platform_that_stops_tells_both_ends_of_a_call() -> None:
    platform = await start_dev()
    try:
        async with talking(platform) as ends:
            await platform.stop()
            endings = [await end.ended() for end in ends]
    finally:
        await platform.stop()
    assert [(ending.cause, ending.local) for ending in endings] == [("NORMAL_TEMPORARY_FAILURE", False)] * 2


# ---- the page ------------------------------------------------------------------------------------------------


async def test_the_page_shows_which_logins_ring(platform: Platform, http: aiohttp.ClientSession) -> None:
    key = {"Authorization": f"Bearer {platform.env['TELNYX_API_KEY']}"}
    async with http.get("/v2/credential_connections?filter[connection_name][contains]=Jane", headers=key) as response:
        (jane,) = (await response.json())["data"]
    change = {"inbound": {"simultaneous_ringing": "enabled"}}
    async with (
        phone(platform, JANE.login, JANE.password) as first,
        phone(platform, JANE.login, JANE.password) as latest,
    ):
        await asyncio.gather(first.ready(), latest.ready())
        async with http.get("/") as response:
            assert "<td>stands by</td>" in await response.text()
        async with http.patch(f"/v2/credential_connections/{jane['id']}", json=change, headers=key) as response:
            assert response.status == 200
        async with http.get("/") as response:
            assert "<td>stands by</td>" not in await response.text()


async def test_the_page_shows_whom_a_number_rings_now(platform: Platform, http: aiohttp.ClientSession) -> None:
    key = {"Authorization": f"Bearer {platform.env['TELNYX_API_KEY']}"}
    async with http.get("/") as response:
        assert "<td>+12025550103</td><td>nobody yet</td>" in await response.text()
    async with http.get("/v2/phone_numbers", headers=key) as response:
        numbers = {row["phone_number"]: row for row in (await response.json())["data"]}
    change = {"connection_id": numbers["+12025550102"]["connection_id"]}
    async with http.patch(f"/v2/phone_numbers/{numbers['+12025550103']['id']}", json=change, headers=key) as response:
        assert response.status == 200
    async with http.get("/") as response:
        assert "<td>+12025550103</td><td>jane5678</td>" in await response.text()


def test_what_far_ends_write_is_shown_as_text() -> None:
    """Case WS-17."""
    evil = "<script>alert(1)</script>\"'&"
    row = RegisteredRow(evil, evil, "WS", evil, evil, evil, True)
    call = CallRow("s", "live", evil, [evil], [(evil, "$0")], "$0")
    page = render(
        ConsoleView([(evil, evil)], [(evil, evil, evil)], [(evil, evil)], [(evil, evil, evil)], [row], [call])
    )
    assert "<script>alert" not in page
    assert page.count("&lt;script&gt;alert(1)") == 18


async def test_scripted_numbers_are_on_the_page_answer_after_a_reset_and_are_nobodys_resources() -> None:
    platform = await start_dev(numbers=listed(NUMBERS))
    base, key = platform.env["OFFHOOK_CONSOLE_URL"], platform.env["TELNYX_API_KEY"]
    try:
        async with (
            answered(platform.env["OFFHOOK_WS_URL"], platform.pstn.password, NUMBERS),
            aiohttp.ClientSession(base, headers={"Authorization": f"Bearer {key}"}) as http,
            http.post("/_offhook/reset") as reset,
        ):
            assert reset.status == 204
            async with http.get("/_offhook/explain", params={"destination": "+12025550112"}) as response:
                assert "answered on this machine by a scripted number: is busy" in await response.text()
            async with http.get("/") as response:
                page = await response.text()
            assert "<td>+12025550112</td><td>busy</td><td>is busy</td>" in page
            assert "Nobody is registered" in page
            for path in ("phone_numbers", "credential_connections", "connections"):
                async with http.get(f"/v2/{path}") as response:
                    assert "pstn" not in (text := await response.text())
                    assert "+12025550112" not in text
            async with phone(platform, JOHN.login, JOHN.password) as john:
                await john.ready()
                call = await john.new_call("+12025550112")
                assert (await call.ended()).cause == "USER_BUSY"
                with pytest.raises(CallEnded):
                    await (await john.new_call("the-pstn")).answered()
    finally:
        await platform.stop()
