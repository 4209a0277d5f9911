"""Category: compat. The unmodified @telnyx/webrtc 2.27.10 in headless Chromium against a running platform.

Every call is heard: the browser's microphone is a known tone, Python phones play another, and each side measures
what arrives from decoded audio.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from types import ModuleType

import pytest
import pytest_asyncio
from phones import BrowserPhone, launch, serve_page, tone_file
from playwright.async_api import Browser, async_playwright

from offhook import Call, Client, Ear, Tone
from platform_process import Platform

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("browser")]

BROWSER_HZ, OTHER_HZ, PYTHON_HZ = 500.0, 700.0, 900.0
module_fixture = pytest_asyncio.fixture(loop_scope="module", scope="module")


class Stage:
    """The platform, two browsers with different microphones, and the identities that `dev` made."""

    def __init__(self, platform: Platform, first: Browser, second: Browser, page: str) -> None:
        self.platform = platform
        self.browsers = (first, second)
        self.page = page
        self.opened: list[BrowserPhone] = []

    def identity(self, index: int) -> dict[str, str]:
        """The log-in options of a ready-made connection."""
        found = self.platform.info["identities"][index]
        return {"login": found["login"], "password": found["password"]}

    async def browser(self, index: int = 0) -> BrowserPhone:
        phone = await BrowserPhone.open(self.browsers[index], self.page)
        self.opened.append(phone)
        return phone

    async def registered(self, identity: int, browser: int = 0, **options: object) -> BrowserPhone:
        phone = await self.browser(browser)
        return await phone.ready(self.platform.ws_url, **self.identity(identity), **options)

    def python(self, identity: int) -> Client:
        return Client(self.platform.ws_url, **self.identity(identity))

    async def clear(self) -> None:
        for phone in self.opened:
            await phone.close()
        self.opened.clear()


@module_fixture
async def running(tmp_path_factory: pytest.TempPathFactory, node_modules: Path) -> AsyncIterator[Stage]:
    folder = tmp_path_factory.mktemp("browser")
    platform = await Platform.start(folder)
    runner, page = await serve_page(node_modules)
    async with async_playwright() as playwright:
        first = await launch(playwright, tone_file(folder / "first.wav", BROWSER_HZ))
        second = await launch(playwright, tone_file(folder / "second.wav", OTHER_HZ))
        yield Stage(platform, first, second, page)
        await first.close()
        await second.close()
    await runner.cleanup()
    assert await platform.stop() == 0


@pytest_asyncio.fixture(loop_scope="module")
async def stage(running: Stage) -> AsyncIterator[Stage]:
    yield running
    await running.clear()


async def incoming(client: Client) -> Call:
    async with asyncio.timeout(10):
        async for call in client.incoming():
            return call
    raise AssertionError("the client closed before a call came in")


async def hears(phone: BrowserPhone, hz: float, call: int = 0) -> None:
    """The tone arrives within some seconds (media comes up a little after the answer), and nothing else with it."""
    for _ in range(8):
        heard = await phone.hear(call)
        if heard["hz"] == pytest.approx(hz, abs=12) and heard["share"] > 0.5 and heard["level"] > -40:
            return
    raise AssertionError(f"no {hz} Hz but {heard}")


async def talks(phone: BrowserPhone, call: Call, index: int = 0) -> None:
    """Known tones arrive in both directions."""
    ear = Ear()
    call.attach(ear)
    await ear.hears_tone(BROWSER_HZ)
    await hears(phone, PYTHON_HZ, index)


async def python_answers(client: Client) -> Call:
    call = await incoming(client)
    await call.answer(audio=Tone(PYTHON_HZ))
    return call


async def browser_calls_python(stage: Stage, client: Client, **options: object) -> tuple[BrowserPhone, Call]:
    """A browser as identity 0 has an active call with a Python phone as identity 1."""
    phone = await stage.registered(0)
    answering = asyncio.create_task(python_answers(client))
    await phone.dial(stage.identity(1)["login"], **options)
    call = await answering
    await phone.reached("active")
    return phone, call


# ---- log-in --------------------------------------------------------------------------------------------------


async def test_log_in_by_password(stage: Stage) -> None:
    phone = await stage.registered(0)
    assert [e["what"] for e in await phone.events("error")] == []


async def test_log_in_by_telephony_credential_and_by_token(stage: Stage, official: ModuleType) -> None:
    client = official.Telnyx(api_key=stage.platform.api_key, base_url=stage.platform.base_url)
    connection = client.credential_connections.list().data[0]
    made = await asyncio.to_thread(client.telephony_credentials.create, connection_id=connection.id)
    token = await asyncio.to_thread(client.telephony_credentials.create_token, made.data.id)
    by_password = await stage.browser()
    await by_password.ready(stage.platform.ws_url, login=made.data.sip_username, password=made.data.sip_password)
    by_token = await stage.browser()
    await by_token.ready(stage.platform.ws_url, login_token=token)
    client.close()


async def test_a_refused_log_in_is_one_error_and_no_storm(stage: Stage) -> None:
    phone = await stage.browser()
    await phone.start(stage.platform.ws_url, login=stage.identity(0)["login"], password="wrong")
    error = await phone.saw("error")
    assert error["code"] == 46001
    assert [frame["error"]["code"] for frame in phone.received if "error" in frame] == [-32001]
    assert [frame["method"] for frame in phone.sent] == ["login"]
    assert len(await phone.events("error")) == 1
    assert await phone.events("ready") == []


# ---- calls ---------------------------------------------------------------------------------------------------


async def test_browser_calls_python_and_both_hear(stage: Stage) -> None:
    async with stage.python(1) as client:
        phone, call = await browser_calls_python(stage, client)
        await talks(phone, call)
        await phone.act("hangup")
        ended = await call.ended()
        gone = await phone.reached("destroy")
    assert ended.cause == "NORMAL_CLEARING"
    assert (gone["cause"], gone["causeCode"]) == ("NORMAL_CLEARING", 16)
    states = await phone.states()
    assert states[:3] == ["new", "requesting", "trying"]
    assert states[-3:] == ["active", "hangup", "destroy"]
    assert set(states) <= {"new", "requesting", "trying", "early", "active", "hangup", "destroy"}


async def test_python_calls_browser_and_hangs_up(stage: Stage) -> None:
    phone = await stage.registered(0)
    async with stage.python(1) as client:
        call = await client.new_call(stage.identity(0)["login"], caller_name="Py", audio=Tone(PYTHON_HZ))
        ringing = await phone.reached("ringing")
        assert ringing["direction"] == "inbound"
        await phone.act("answer")
        await call.answered()
        await phone.reached("active")
        await talks(phone, call)
        await call.hangup()
    gone = await phone.reached("destroy")
    assert (gone["cause"], gone["causeCode"]) == ("NORMAL_CLEARING", 16)
    assert await phone.states() == ["ringing", "answering", "active", "hangup", "destroy"] or (
        await phone.states() == ["new", "ringing", "answering", "active", "hangup", "destroy"]
    )


async def test_browser_calls_browser(stage: Stage) -> None:
    caller, callee = await stage.registered(0, browser=0), await stage.registered(1, browser=1)
    await caller.dial(f"sip:{stage.identity(1)['login']}@sip.telnyx.com")
    await callee.reached("ringing")
    await callee.act("answer")
    await caller.reached("active")
    await callee.reached("active")
    await hears(caller, OTHER_HZ)
    await hears(callee, BROWSER_HZ)
    await callee.act("hangup")
    gone = await caller.reached("destroy")
    assert gone["causeCode"] == 16


@pytest.mark.parametrize("trickle", [True, False])
async def test_trickle_on_and_off(stage: Stage, trickle: bool) -> None:
    async with stage.python(1) as client:
        phone, call = await browser_calls_python(stage, client, trickleIce=trickle)
        await talks(phone, call)
        await phone.act("hangup")
        await call.ended()


async def test_trickled_inbound_call(stage: Stage) -> None:
    phone = await stage.registered(0, trickleIce=True)
    async with stage.python(1) as client:
        call = await client.new_call(stage.identity(0)["login"], audio=Tone(PYTHON_HZ))
        await phone.reached("ringing")
        await phone.act("answer")
        await call.answered()
        await talks(phone, call)
        await call.hangup()
    await phone.reached("destroy")


async def test_a_browser_that_offers_only_pcmu_is_transcoded(stage: Stage) -> None:
    codecs = [{"mimeType": "audio/PCMU", "clockRate": 8000, "channels": 1}]
    async with stage.python(1) as client:
        phone, call = await browser_calls_python(stage, client, preferred_codecs=codecs)
        await talks(phone, call)
        assert (await phone.stats())["codec"] == "audio/PCMU"
        await phone.act("hangup")
        await call.ended()


async def test_dtmf_reaches_the_other_side(stage: Stage) -> None:
    async with stage.python(1) as client:
        phone, call = await browser_calls_python(stage, client)
        pressed = asyncio.create_task(digits(call, 4))
        for digit in ("1", "2#", "*"):
            await phone.act("dtmf", digit)
        assert await pressed == "12#*"
        await phone.act("hangup")
        await call.ended()


async def digits(call: Call, count: int) -> str:
    from offhook import events

    pressed = ""
    async with asyncio.timeout(10):
        async for event in call.events():
            if isinstance(event, events.DigitPressed):
                pressed += event.digit
                if len(pressed) == count:
                    return pressed
    raise AssertionError(f"the call ended after {pressed!r}")


async def test_hold_plays_music_and_unhold_brings_the_voice_back(stage: Stage) -> None:
    async with stage.python(1) as client:
        phone, call = await browser_calls_python(stage, client)
        ear = Ear()
        call.attach(ear)
        await ear.hears_tone(BROWSER_HZ)
        assert await phone.act("hold")
        await phone.reached("held")
        music = await ear.hears(lambda heard: not heard.is_tone(BROWSER_HZ) and not heard.is_silence())
        assert music.level > -60
        assert await phone.act("unhold")
        await ear.hears_tone(BROWSER_HZ)
        await hears(phone, PYTHON_HZ)
        assert (await phone.states())[-3:] == ["active", "held", "active"]
        await phone.act("hangup")
        await call.ended()


async def test_ice_restart_keeps_the_call_and_its_audio(stage: Stage) -> None:
    async with stage.python(1) as client:
        phone, call = await browser_calls_python(stage, client)
        await talks(phone, call)
        await phone.page.evaluate("() => phone.client.triggerIceRestart(phone.calls[0].id)")
        await phone.page.wait_for_function("() => phone.states(0).filter(s => s === 'active').length >= 2")
        await talks(phone, call)
        assert [e["code"] for e in await phone.events("error")] == []
        await phone.act("hangup")
        await call.ended()


async def test_custom_headers_travel(stage: Stage) -> None:
    async with stage.python(1) as client:
        phone = await stage.registered(0)
        coming = asyncio.create_task(incoming(client))
        await phone.dial(stage.identity(1)["login"], customHeaders=[{"name": "X-Order", "value": "42"}])
        call = await coming
        assert dict(call.custom_headers)["X-Order"] == "42"
        await call.reject()
        await phone.reached("destroy")


# ---- calls that come to nothing ----------------------------------------------------------------------------------


async def test_busy(stage: Stage) -> None:
    async with stage.python(1) as client:
        phone = await stage.registered(0)
        coming = asyncio.create_task(incoming(client))
        await phone.dial(stage.identity(1)["login"])
        await (await coming).hangup(cause="USER_BUSY")
        gone = await phone.reached("destroy")
    assert (gone["cause"], gone["causeCode"], gone["sipCode"]) == ("USER_BUSY", 17, 486)


async def test_rejected_by_the_browser(stage: Stage) -> None:
    phone = await stage.registered(0)
    async with stage.python(1) as client:
        call = await client.new_call(stage.identity(0)["login"])
        await phone.reached("ringing")
        await phone.act("hangup")
        ended = await call.ended()
    assert (ended.cause, ended.sip_code) == ("USER_BUSY", 486)


async def test_cancelled_before_answer(stage: Stage) -> None:
    async with stage.python(1) as client:
        phone = await stage.registered(0)
        coming = asyncio.create_task(incoming(client))
        await phone.dial(stage.identity(1)["login"])
        call = await coming
        await phone.act("hangup")
        ended = await call.ended()
    assert (ended.cause, ended.sip_code) == ("ORIGINATOR_CANCEL", 487)


async def test_nobody_registered(stage: Stage) -> None:
    phone = await stage.registered(0)
    await phone.dial(stage.identity(1)["login"])
    gone = await phone.reached("destroy")
    assert gone["sipCode"] == 480


async def test_no_answer(stage: Stage, official: ModuleType) -> None:
    client = official.Telnyx(api_key=stage.platform.api_key, base_url=stage.platform.base_url)
    rows = client.credential_connections.list().data
    callee = next(row for row in rows if row.user_name == stage.identity(1)["login"])
    await asyncio.to_thread(client.credential_connections.update, callee.id, inbound={"timeout_2xx_secs": 2})
    try:
        async with stage.python(1) as silent:
            phone = await stage.registered(0)
            coming = asyncio.create_task(incoming(silent))
            await phone.dial(stage.identity(1)["login"])
            call = await coming
            gone = await phone.reached("destroy")
            await call.ended()
        assert (gone["cause"], gone["sipCode"]) == ("NO_ANSWER", 480)
    finally:
        await asyncio.to_thread(client.credential_connections.update, callee.id, inbound={"timeout_2xx_secs": 90})
        client.close()
