"""Category: compat. The unmodified @telnyx/webrtc 2.27.10 in headless Chromium against a running platform.

Every call is heard: the browser's microphone is a known tone, Python phones play another, and each side measures
what arrives from decoded audio.
"""

import asyncio
from types import ModuleType

import pytest
from stage import (
    BROWSER_HZ,
    OTHER_HZ,
    PYTHON_HZ,
    Stage,
    browser_calls,
    browser_calls_python,
    hears,
    incoming,
    talks,
    until_heard,
)

from offhook import Call, Ear, Tone

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("browser")]


# ---- log-in --------------------------------------------------------------------------------------------------


async def test_log_in_by_password(stage: Stage) -> None:
    phone = await stage.registered(0)
    assert [e["what"] for e in await phone.events("error")] == []


async def test_log_in_by_telephony_credential_and_by_token_and_call(stage: Stage, official: ModuleType) -> None:
    client = official.Telnyx(api_key=stage.platform.api_key, base_url=stage.platform.base_url)
    connection = client.credential_connections.list().data[0]
    made = await asyncio.to_thread(client.telephony_credentials.create, connection_id=connection.id)
    token = await asyncio.to_thread(client.telephony_credentials.create_token, made.data.id)
    client.close()
    for log_in in ({"login": made.data.sip_username, "password": made.data.sip_password}, {"login_token": token}):
        phone = await stage.browser()
        await phone.ready(stage.platform.ws_url, **log_in)
        async with stage.python(1) as other:
            call = await browser_calls(phone, stage, other)
            await talks(phone, call)
            await phone.act("hangup")
            await call.ended()


async def test_an_anonymous_log_in_is_refused(stage: Stage) -> None:
    phone = await stage.browser()
    await phone.start(
        stage.platform.ws_url, anonymous_login={"target_type": "ai_assistant", "target_id": "assistant-1"}
    )
    assert (await phone.saw("error"))["code"] == 46001
    assert [frame["error"]["code"] for frame in phone.received if "error" in frame] == [-32001]


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
    assert await phone.states() == ["new", "ringing", "answering", "active", "hangup", "destroy"]


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


async def test_a_browser_that_udp_does_not_reach_talks_over_tcp(stage: Stage) -> None:
    async with stage.python(1) as client:
        phone = await stage.registered(0)
        await phone.without_udp()
        call = await browser_calls(phone, stage, client)
        await talks(phone, call)
        assert (await phone.stats())["protocol"] == "tcp"
        await phone.act("hangup")
        await call.ended()


async def test_ringback_is_heard_before_the_answer(stage: Stage) -> None:
    async with stage.python(1) as client:
        phone = await stage.registered(0)
        coming = asyncio.create_task(incoming(client))
        await phone.dial(stage.identity(1)["login"])
        call = await coming
        await phone.reached("early")
        await until_heard(phone, lambda heard: heard["level"] > -40 and 430 < heard["hz"] < 490)
        assert "active" not in await phone.states()
        await call.answer(audio=Tone(PYTHON_HZ))
        await phone.reached("active")
        await talks(phone, call)
        await phone.act("hangup")
        await call.ended()


async def test_a_call_with_debug_reports_is_a_call_like_others(stage: Stage) -> None:
    async with stage.python(1) as client:
        phone, call = await browser_calls_python(stage, client, debug=True, debugOutput="socket")
        await talks(phone, call)
        await phone.act("hangup")
        await call.ended()
        await phone.reached("destroy")
    started = next(frame for frame in phone.sent if frame.get("type") == "debug_report_start")
    reports = [frame for frame in phone.sent if frame.get("type") == "debug_report_data"]
    answered = {frame["id"] for frame in phone.received if "result" in frame}
    assert reports
    assert {started["id"], *(frame["id"] for frame in reports)} <= answered


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


async def test_the_other_side_holds_and_the_browser_hears_music(stage: Stage) -> None:
    async with stage.python(1) as client:
        phone, call = await browser_calls_python(stage, client)
        await talks(phone, call)
        await call.hold()
        await until_heard(phone, lambda heard: heard["level"] > -60 and abs(heard["hz"] - PYTHON_HZ) > 30)
        assert (await phone.states())[-1] == "active"
        await call.unhold()
        await talks(phone, call)
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


@pytest.mark.parametrize(("cause", "code", "sip"), [("USER_BUSY", 17, 486), ("CALL_REJECTED", 21, 403)])
async def test_busy_and_rejected(stage: Stage, cause: str, code: int, sip: int) -> None:
    async with stage.python(1) as client:
        phone = await stage.registered(0)
        coming = asyncio.create_task(incoming(client))
        await phone.dial(stage.identity(1)["login"])
        await (await coming).reject(cause)
        gone = await phone.reached("destroy")
    assert (gone["cause"], gone["causeCode"], gone["sipCode"]) == (cause, code, sip)


async def test_rejected_by_the_browser_with_the_usual_cause_and_with_one_of_its_own(stage: Stage) -> None:
    own = {"cause": "CALL_REJECTED", "causeCode": 21, "sipCode": 403}
    seen: list[tuple[str, int | None]] = []
    phone = await stage.registered(0)
    async with stage.python(1) as client:
        for index, reason in enumerate([{}, own]):
            call = await client.new_call(stage.identity(0)["login"])
            await phone.reached("ringing", index)
            await phone.act("hangup", reason, call=index)
            ended = await call.ended()
            seen.append((ended.cause, ended.sip_code))
    assert seen == [("USER_BUSY", 486), ("CALL_REJECTED", 403)]


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
