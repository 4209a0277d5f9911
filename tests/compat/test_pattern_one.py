"""Category: compat. A browser dials, is parked, and a backend goes on from there: unmodified parts, end to end.

Chromium runs the browser SDK, the backend is one of the examples in a process of its own, on an official package; what
is heard is measured from decoded audio, and the bill is read with the official package, too.
"""

import base64
import time
from collections import Counter
from collections.abc import AsyncIterator
from decimal import Decimal
from itertools import product
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from phones import BrowserPhone
from stage import BROWSER_HZ, OTHER_HZ, PYTHON_HZ, Stage, hears, incoming, module_fixture, talks, until_heard
from telnyx import AsyncTelnyx

from backend_process import Backend
from offhook import Ear, Tone

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("browser")]

ANYTHING = "+12025550199"
CHIME_HZ = 880.0  # of the parrot
A_MINUTE = Decimal("0.002")
MET = ["call.initiated", "call.answered", "call.bridged", "call.hangup"]


@module_fixture
async def api(running: Stage) -> AsyncIterator[AsyncTelnyx]:
    platform = running.platform
    async with AsyncTelnyx(api_key=platform.api_key, base_url=platform.base_url, max_retries=0) as client:
        yield client


class Backends:
    """Starts examples, and has the webhooks of everything ready-made go to the one that runs."""

    def __init__(self, stage: Stage, api: AsyncTelnyx, folder: Path) -> None:
        self._stage = stage
        self._api = api
        self._folder = folder
        self.running: list[Backend] = []

    async def start(self, program: str, **settings: str) -> Backend:
        backend = await Backend.start(program, self._stage.platform, self._folder, **settings)
        self.running.append(backend)
        async for connection in self._api.credential_connections.list():
            await self._api.credential_connections.update(connection.id or "", webhook_event_url=backend.url)
        application = self._stage.platform.env["OFFHOOK_CONNECTION_ID"]
        await self._api.call_control_applications.update(
            application, application_name="Development", webhook_event_url=backend.url
        )
        return backend


@pytest_asyncio.fixture(loop_scope="module")
async def backends(stage: Stage, api: AsyncTelnyx, tmp_path: Path) -> AsyncIterator[Backends]:
    made = Backends(stage, api, tmp_path)
    yield made
    for each in made.running:
        await each.stop()


async def bill(api: AsyncTelnyx, *sessions: str) -> Counter[tuple[str, Decimal]]:
    """(record type, cost) of every line of these sessions."""
    lines: Counter[tuple[str, Decimal]] = Counter()
    for kind, session in product(("webrtc", "tts", "call-control", "conference-participant"), sessions):
        asked: Any = {"record_type": kind, "call_session_id": session}
        async for each in api.detail_records.list(filter=asked):
            found: Any = each
            lines[kind, Decimal(found.cost)] += 1
    return lines


async def ladder(stage: Stage, session: str) -> list[str]:
    address = f"{stage.platform.env['OFFHOOK_CONSOLE_URL']}_offhook/sessions/{session}/ladder"
    async with aiohttp.ClientSession() as http, http.get(address) as response:
        return (await response.text()).splitlines()


async def answer_to_a_forgery(backend: Backend) -> int:
    """How a backend answers what the platform did not sign."""
    signature = base64.b64encode(bytes(64)).decode()
    headers = {"telnyx-timestamp": str(int(time.time())), "telnyx-signature-ed25519": signature}
    async with aiohttp.ClientSession() as http, http.post(backend.url, data=b"{}", headers=headers) as response:
        return response.status


async def hears_among_others(phone: BrowserPhone, hz: float) -> None:
    """The tone is the strongest of what arrives."""
    await until_heard(phone, lambda heard: abs(heard["hz"] - hz) < 12 and heard["level"] > -40)


async def balance(api: AsyncTelnyx) -> Decimal:
    found: Any = await api.balance.retrieve()
    return Decimal(found.data.balance)


async def ids(phone: BrowserPhone) -> tuple[str, str]:
    """(call_leg_id, call_session_id) of a browser's call, as the SDK has them."""
    found = (await phone.reached("active"))["ids"]
    return found["telnyxLegId"], found["telnyxSessionId"]


@pytest.mark.parametrize("program", ["parked_call/app.py", "parked_call/server.js"])
async def test_a_parked_call_is_answered_and_bridged(
    stage: Stage, api: AsyncTelnyx, backends: Backends, program: str
) -> None:
    backend = await backends.start(program)
    assert await answer_to_a_forgery(backend) == 400
    before = await balance(api)
    caller, callee = await stage.registered(0), await stage.registered(1, browser=1)
    await caller.dial(ANYTHING)
    await callee.reached("ringing")
    await callee.act("answer")
    (caller_leg, session), (callee_leg, callees_session) = await ids(caller), await ids(callee)
    assert session == callees_session
    await hears(caller, OTHER_HZ)
    await hears(callee, BROWSER_HZ)
    await caller.act("hangup")
    assert (await callee.reached("destroy"))["cause"] == "NORMAL_CLEARING"
    assert await backend.told(caller_leg, "call.hangup") == MET
    assert await backend.told(callee_leg, "call.hangup") == MET
    assert await bill(api, session) == {("webrtc", A_MINUTE): 2}
    assert before - await balance(api) == 2 * A_MINUTE
    told = await ladder(stage, session)
    assert [line for line in told if line.endswith("webhook call.initiated") or " command " in line] == [
        "john1234 webhook call.initiated",
        "john1234 command answer",
        "jane5678 command dial",
        "jane5678 webhook call.initiated",
        "john1234 command client_state_update",
        "john1234 command bridge",
    ]


async def test_who_hangs_up_while_the_agent_rings_takes_the_agents_leg_along(stage: Stage, backends: Backends) -> None:
    backend = await backends.start("parked_call/app.py")
    caller, callee = await stage.registered(0), await stage.registered(1, browser=1)
    await caller.dial(ANYTHING)
    await callee.reached("ringing")
    await caller.act("hangup")
    gone = await callee.reached("destroy")
    leg = gone["ids"]["telnyxLegId"]
    assert await backend.told(leg, "call.hangup") == ["call.initiated", "call.hangup"]


@pytest.mark.parametrize("program", ["call_centre_queue/app.py", "call_centre_queue/server.js"])
async def test_a_call_waits_in_a_queue_until_an_agent_takes_it(
    stage: Stage, api: AsyncTelnyx, backends: Backends, program: str
) -> None:
    backend = await backends.start(program)
    assert await answer_to_a_forgery(backend) == 400
    before = await balance(api)
    caller = await stage.registered(0)
    async with stage.python(1) as agent:
        await agent.ready()
        await caller.dial(ANYTHING)
        ringing = await incoming(agent)
        leg, session = await ids(caller)
        assert [each.call_leg_id async for each in api.queues.calls.list("support")] == [leg]
        await ringing.answer(audio=Tone(PYTHON_HZ))
        await talks(caller, ringing)
        assert [each async for each in api.queues.list()] == []
        await ringing.hangup()
        await caller.reached("destroy")
        assert await backend.told(leg, "call.hangup") == [
            "call.initiated", "call.answered", "call.enqueued", "call.dequeued", "call.bridged", "call.hangup",
        ]  # fmt: skip
        assert await backend.told(ringing.ids.leg or "", "call.hangup") == MET
    assert await bill(api, session, ringing.ids.session or "") == {
        ("webrtc", A_MINUTE): 2,
        ("call-control", Decimal(0)): 1,  # its turn in the queue
    }
    assert before - await balance(api) == 2 * A_MINUTE


async def test_who_has_waited_long_enough_leaves_the_queue_and_hears_why(
    stage: Stage, api: AsyncTelnyx, backends: Backends
) -> None:
    backend = await backends.start("call_centre_queue/app.py", AGENTS="sip:nobody@sip.telnyx.com", MAX_WAIT="1")
    caller = await stage.registered(0)
    await caller.dial(ANYTHING)
    leg, session = await ids(caller)
    await caller.reached("destroy")
    assert await backend.told(leg, "call.hangup") == [
        "call.initiated", "call.answered", "call.enqueued", "call.dequeued",
        "call.speak.started", "call.speak.ended", "call.hangup",
    ]  # fmt: skip
    assert await bill(api, session) == {
        ("webrtc", A_MINUTE): 1,
        ("call-control", Decimal(0)): 1,  # its turn in the queue
        ("tts", Decimal("0.00012")): 1,  # of 40 characters
    }


@pytest.mark.parametrize("program", ["conference/app.py", "conference/server.js"])
async def test_three_meet_in_a_conference(stage: Stage, api: AsyncTelnyx, backends: Backends, program: str) -> None:
    backend = await backends.start(program)
    caller, guest = await stage.registered(0), await stage.registered(1, browser=1)
    await caller.dial(ANYTHING)
    await guest.reached("ringing")
    await guest.act("answer")
    async with stage.python(0) as john:
        await john.ready()
        third = await john.new_call(ANYTHING, audio=Tone(PYTHON_HZ))
        await third.answered()
        ear = Ear()
        third.attach(ear)
        await hears_among_others(caller, PYTHON_HZ)
        await hears_among_others(guest, PYTHON_HZ)
        third.mute()
        await hears(caller, OTHER_HZ)
        await hears(guest, BROWSER_HZ)
        await caller.act("muteAudio")
        await ear.hears_tone(OTHER_HZ)
        await guest.act("muteAudio")
        await caller.act("unmuteAudio")
        await ear.hears_tone(BROWSER_HZ)
        (leg, session), (_, guests_session) = await ids(caller), await ids(guest)
        [room] = [each async for each in api.conferences.list(filter={"status": "in_progress"})]
        inside = [each.call_leg_id async for each in api.conferences.list_participants(room.id)]
        assert len(inside) == 3
        assert inside[0] == leg
        await third.hangup()
    await caller.act("hangup")
    await guest.act("hangup")
    # The events of a conference come in its own order, beside those of the calls in it.
    await backend.told(leg, "conference.participant.left")
    entered = {"conference.created", "conference.participant.joined", "conference.participant.left"}
    assert entered <= set(await backend.told(leg, "call.hangup"))
    await backend.told(third.ids.leg or "", "call.hangup")
    assert await bill(api, session, guests_session, third.ids.session or "") == {
        ("webrtc", A_MINUTE): 3,
        ("conference-participant", A_MINUTE): 3,
    }


@pytest.mark.parametrize("program", ["voice_agent/app.py", "voice_agent/server.js"])
async def test_an_agent_greets_repeats_is_interrupted_and_hangs_up(
    stage: Stage, api: AsyncTelnyx, backends: Backends, program: str
) -> None:
    backend = await backends.start(program)
    assert await answer_to_a_forgery(backend) == 400
    async with stage.python(0) as john:
        await john.ready()
        call = await john.new_call(ANYTHING, audio=Tone(PYTHON_HZ))
        call.mute()
        ear = Ear()
        call.attach(ear)
        await call.answered()
        await ear.hears(lambda heard: heard.is_tone(CHIME_HZ))
        await ear.hears_silence()
        call.unmute()
        await said_for(ear, 10)
        call.mute()
        await ear.hears_tone(PYTHON_HZ)
        call.unmute()
        await ear.hears_silence()
        call.mute()
        await ear.hears_tone(PYTHON_HZ)
        await call.send_dtmf("#")
        await call.ended()
        await backend.told(call.ids.leg or "", "call.hangup")
        assert (await bill(api, call.ids.session or ""))["webrtc", A_MINUTE] == 1


async def said_for(ear: Ear, windows: int) -> None:
    """Wait so many windows of 200 ms, whatever is heard in them."""
    for _ in range(windows):
        await ear.hears(lambda _: True)
