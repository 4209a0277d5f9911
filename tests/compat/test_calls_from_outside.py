"""Category: compat. A carrier dials a number over SIP, a backend or its documents let the caller wait, and a browser
meets it: unmodified parts, end to end.

The carrier is baresip with G.711, Chromium runs the browser SDK, the backend is the example in a process of its own, on
an official package. What is heard is measured from decoded audio, live and in the recording; the bill is read with the
official package, too.
"""

import asyncio
import io
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
import soundfile
from aiohttp import web
from phones import BrowserPhone, tone_file
from stage import BROWSER_HZ, Stage, hears, module_fixture
from telnyx import AsyncTelnyx
from tests.compat.carrier import CARRIER_HZ, Carrier, carrier

from backend_process import Backend
from offhook import Ear
from offhook.client.audio import Frame

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("browser")]

LINE = "+12025550103"
MUSIC_HZ = 1200.0
MENU = "Welcome. For a person, press one. For the conference room, press two."
PROGRAMS = ("inbound_call/app.py", "inbound_call/server.js", "inbound_call/documents.py")
PARTS = ("sip-trunking", "webrtc", "recording", "tts", "call-control", "conference-participant")
# What each minute that has begun costs, and the prompt.
SIP, WEBRTC, RECORDED, TAKING_PART = Decimal("0.0035"), Decimal("0.002"), Decimal("0.002"), Decimal("0.002")
SAID = Decimal("0.000003") * len(MENU)


@module_fixture
async def api(running: Stage) -> AsyncIterator[AsyncTelnyx]:
    platform = running.platform
    async with AsyncTelnyx(api_key=platform.api_key, base_url=platform.base_url, max_retries=0) as client:
        yield client


@module_fixture
async def music(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """The URL of what callers hear while they wait."""
    file = tone_file(tmp_path_factory.mktemp("music") / "music.wav", MUSIC_HZ, 1.0)

    async def give(_: web.Request) -> web.FileResponse:
        return web.FileResponse(file)

    app = web.Application()
    app.router.add_get("/music.wav", give)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/music.wav"
    await runner.cleanup()


@pytest_asyncio.fixture(loop_scope="module")
async def agent(stage: Stage, api: AsyncTelnyx) -> AsyncIterator[tuple[BrowserPhone, str]]:
    """A browser that is logged in by a telephony credential, and its SIP address."""
    connections = [each async for each in api.credential_connections.list()]
    [connection] = [each for each in connections if each.user_name == stage.identity(1)["login"]]
    made: Any = await api.telephony_credentials.create(connection_id=connection.id or "")
    phone = await stage.browser()
    await phone.ready(stage.platform.ws_url, login=made.data.sip_username, password=made.data.sip_password)
    yield phone, f"sip:{made.data.sip_username}@sip.telnyx.com"
    await api.telephony_credentials.delete(made.data.id)


@pytest_asyncio.fixture(loop_scope="module")
async def outside(stage: Stage, tmp_path: Path) -> AsyncIterator[Carrier]:
    async with carrier(stage.platform, tmp_path) as made:
        yield made


async def started(program: str, stage: Stage, api: AsyncTelnyx, folder: Path, **settings: str) -> Backend:
    """An example that takes what the ready-made application is told."""
    backend = await Backend.start(program, stage.platform, folder, **settings)
    application: Any = {"application_name": "Development", "webhook_event_url": backend.url}
    await api.call_control_applications.update(
        stage.platform.env["OFFHOOK_CONNECTION_ID"], **application, call_cost_in_webhooks=True
    )
    return backend


async def bill(api: AsyncTelnyx, session: str) -> dict[str, Decimal]:
    """What each part of a session cost, all its lines together."""
    parts: dict[str, Decimal] = {}
    for kind in PARTS:
        asked: Any = {"record_type": kind, "call_session_id": session}
        async for each in api.detail_records.list(filter=asked):
            found: Any = each
            parts[kind] = parts.get(kind, Decimal()) + Decimal(found.cost)
    return parts


async def recorded(api: AsyncTelnyx, session: str) -> list[Ear]:
    """Ears that have heard the recording of a session, one for each channel."""
    asked: Any = {"call_session_id": session}
    found: list[Any] = []
    async with asyncio.timeout(10):
        while not found:  # its file takes its time
            found = [each async for each in api.recordings.list(filter=asked)]
    [recording] = found
    url = recording.download_urls.mp3
    async with aiohttp.ClientSession() as http, http.get(url) as response:
        assert response.status == 200
        samples, rate = soundfile.read(io.BytesIO(await response.read()), always_2d=True)
    ears = [Ear() for _ in range(samples.shape[1])]
    for ear, channel in zip(ears, samples.T, strict=True):
        ear.write(Frame((channel * 32767).astype("<i2").tobytes(), rate))
    return ears


def has_heard(ear: Ear, hz: float) -> bool:
    """For more than half a second in all."""
    return sum(heard.is_tone(hz) for heard in ear.heard) > 2


async def meet(outside: Carrier, phone: BrowserPhone, digit: str) -> str:
    """The carrier calls, hears the menu, presses a key, waits with music, and meets the browser; the session."""
    await outside.dial(LINE)
    for _ in range(6):  # more than a second of it: the ringback, too, was heard
        await outside.ear.hears(lambda heard: heard.level > -40)
    outside.press(digit)
    await outside.ear.hears_tone(MUSIC_HZ)
    await phone.reached("ringing")
    await phone.act("answer")
    await outside.ear.hears_tone(BROWSER_HZ)
    await hears(phone, CARRIER_HZ)
    return (await phone.reached("active"))["ids"]["telnyxSessionId"]


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("digit", ["1", "2"])
async def test_a_caller_waits_with_music_and_meets_a_browser(
    stage: Stage,
    api: AsyncTelnyx,
    agent: tuple[BrowserPhone, str],
    outside: Carrier,
    music: str,
    tmp_path: Path,
    program: str,
    digit: str,
) -> None:
    phone, address = agent
    backend = await started(program, stage, api, tmp_path, AGENT=address, MUSIC=music)
    try:
        session = await meet(outside, phone, digit)
        leg = (await phone.reached("active"))["ids"]["telnyxLegId"]
        await phone.act("hangup")
        await outside.hung_up()
        await backend.told(leg, "call.cost")
    finally:
        await backend.stop()
    here, there = await recorded(api, session)
    assert has_heard(here, CARRIER_HZ)
    assert has_heard(there, MUSIC_HZ)
    assert has_heard(there, BROWSER_HZ)
    place = {"call-control": Decimal(0)} if digit == "1" else {"conference-participant": 2 * TAKING_PART}
    expected = {"sip-trunking": SIP, "webrtc": WEBRTC, "recording": RECORDED, "tts": SAID, **place}
    assert await bill(api, session) == expected
