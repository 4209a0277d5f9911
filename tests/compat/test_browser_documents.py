"""Category: compat. A browser's parked call is driven by TeXML alone: to a second client, a queue, a conference."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import pytest_asyncio
from phones import BrowserPhone
from stage import BROWSER_HZ, OTHER_HZ, PYTHON_HZ, Stage, hears, incoming, module_fixture, talks
from telnyx import AsyncTelnyx

from document_app import App, serving
from offhook import Call, Client, Tone

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("browser")]

ANYTHING = "+12025550199"


@module_fixture
async def api(running: Stage) -> AsyncIterator[AsyncTelnyx]:
    platform = running.platform
    async with AsyncTelnyx(api_key=platform.api_key, base_url=platform.base_url, max_retries=0) as client:
        yield client


@pytest_asyncio.fixture(loop_scope="module")
async def caller(stage: Stage, api: AsyncTelnyx) -> BrowserPhone:
    return await stage.registered(0)


@asynccontextmanager
async def following(stage: Stage, api: AsyncTelnyx, **pages: str) -> AsyncIterator[App]:
    """An app whose `/voice` is followed by what the first identity dials."""
    async with serving(stage.platform.env["TELNYX_PUBLIC_KEY"], pages) as app:
        async for connection in api.credential_connections.list():
            if connection.user_name == stage.identity(0)["login"]:
                texml: Any = {"webhook_api_version": "texml", "webhook_event_url": app.url}
                await api.credential_connections.update(
                    connection.id or "", outbound={"call_parking_enabled": True}, **texml
                )
        yield app


def other_uri(stage: Stage) -> str:
    return f"sip:{stage.identity(1)['login']}@sip.telnyx.com"


async def dialled(stage: Stage, api: AsyncTelnyx, client: Client) -> Call:
    """The second identity's call, which a backend has dialled, answered."""
    connection = stage.platform.env["OFFHOOK_CONNECTION_ID"]
    await api.calls.dial(connection_id=connection, to=other_uri(stage), from_=ANYTHING)
    call = await incoming(client)
    await call.answer(audio=Tone(PYTHON_HZ))
    await call.answered()
    return call


async def test_a_document_rings_a_second_browser(stage: Stage, api: AsyncTelnyx, caller: BrowserPhone) -> None:
    callee = await stage.registered(1, browser=1)
    async with following(
        stage, api, voice=f"<Dial action='/after'><Sip>{other_uri(stage)}</Sip></Dial>", after="<Hangup/>"
    ) as app:
        await caller.dial(ANYTHING)
        await callee.reached("ringing")
        await callee.act("answer")
        await hears(caller, OTHER_HZ)
        await hears(callee, BROWSER_HZ)
        await callee.act("hangup")
        await caller.reached("destroy")
        [after] = await app.told("/after")
        assert after["DialCallStatus"] == "completed"


async def test_a_document_lets_it_wait_until_an_agents_document_takes_it(
    stage: Stage, api: AsyncTelnyx, caller: BrowserPhone
) -> None:
    wait = "<Pause length='1'/>"
    async with (
        following(stage, api, voice="<Enqueue waitUrl='/wait'>support</Enqueue>", wait=wait) as app,
        stage.python(1) as agent,
    ):
        await agent.ready()
        await caller.dial(ANYTHING)
        await app.told("/wait")
        leg = (await caller.reached("active"))["ids"]["telnyxCallControlId"]
        assert leg == (await app.told("/wait"))[0]["CallSid"]
        to = f"sip:{stage.identity(1)['login']}@sip.telnyx.com"
        made: Any = await api.calls.dial(
            connection_id=stage.platform.env["OFFHOOK_CONNECTION_ID"], to=to, from_=ANYTHING
        )
        call = await incoming(agent)
        await call.answer(audio=Tone(PYTHON_HZ))
        await api.calls.actions.bridge(made.data.call_control_id, call_control_id_to_bridge_with="", queue="support")
        await talks(caller, call)
        await call.hangup()
        await caller.reached("destroy")


async def test_a_document_takes_it_into_a_conference(stage: Stage, api: AsyncTelnyx, caller: BrowserPhone) -> None:
    conference = "<Conference beep='false' statusCallback='/room' statusCallbackEvent='join'>room</Conference>"
    async with following(stage, api, voice=f"<Dial>{conference}</Dial>") as app, stage.python(1) as other:
        await other.ready()
        await caller.dial(ANYTHING)
        [joined] = await app.told("/room")
        to = f"sip:{stage.identity(1)['login']}@sip.telnyx.com"
        made: Any = await api.calls.dial(
            connection_id=stage.platform.env["OFFHOOK_CONNECTION_ID"], to=to, from_=ANYTHING
        )
        call = await incoming(other)
        await call.answer(audio=Tone(PYTHON_HZ))
        await call.answered()
        await api.conferences.actions.join(joined["ConferenceSid"], call_control_id=made.data.call_control_id)
        await talks(caller, call)
        await caller.act("hangup")
        await call.hangup()
