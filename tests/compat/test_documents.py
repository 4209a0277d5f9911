"""Category: compat. A client's parked call follows documents of an app, over HTTP, with real audio."""

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from tests.compat.desk import JANE, JOHN, Desk, opened

from offhook import Call, Client, Ear, Tone

ANYTHING = "+12025550199"
HERE, THERE = 440.0, 880.0
LOUD = -40.0
EVERY = "initiated ringing answered completed"
TO_JANE = f"<Sip statusCallback='status' statusCallbackEvent='{EVERY}'>sip:{JANE.login}@sip.telnyx.com</Sip>"


class App:
    """Serves documents by path and keeps what it was asked; every request must be signed."""

    def __init__(self, public_key: str) -> None:
        self.pages: dict[str, str] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        self._key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key))
        self._came = asyncio.Condition()

    async def answer(self, request: web.Request) -> web.Response:
        body = await request.read()
        sent = body if request.method == "POST" else request.query_string.encode()
        signed = f"{request.headers['telnyx-timestamp']}|".encode() + sent
        self._key.verify(base64.b64decode(request.headers["telnyx-signature-ed25519"]), signed)
        given: Any = await request.post() if request.method == "POST" else request.query
        async with self._came:
            self.asked.append((request.path, dict(given)))
            self._came.notify_all()
        return web.Response(
            text=f"<Response>{self.pages.get(request.path, '')}</Response>", content_type="application/xml"
        )

    async def told(self, path: str, count: int = 1) -> list[dict[str, str]]:
        """What so many requests for a path carried, once there were so many."""
        async with asyncio.timeout(10), self._came:
            await self._came.wait_for(lambda: len(self._of(path)) >= count)
        return self._of(path)

    def _of(self, path: str) -> list[dict[str, str]]:
        return [given for asked, given in self.asked if asked == path]


@asynccontextmanager
async def serving(at: Desk, **pages: str) -> AsyncIterator[App]:
    """An app whose `/voice` is followed by what John dials."""
    app = App(at.platform.env["TELNYX_PUBLIC_KEY"])
    app.pages |= {f"/{name}": page for name, page in pages.items()}
    root = web.Application()
    root.router.add_route("*", "/{path:.*}", app.answer)
    runner = web.AppRunner(root)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/voice"
    await at.api.credential_connections.update(at.connection, webhook_api_version="texml", webhook_event_url=url)
    try:
        yield app
    finally:
        await runner.cleanup()


@pytest.fixture
async def phones() -> AsyncIterator[tuple[Desk, Client, Client]]:
    async with opened() as at, at.phone(JANE) as jane, at.phone(JOHN) as john:
        await jane.ready()
        await john.ready()
        yield at, john, jane


async def hear_each_other(call: Call, other: Call) -> None:
    here, there = Ear(), Ear()
    call.attach(here)
    other.attach(there)
    await here.hears_tone(THERE)
    await there.hears_tone(HERE)


async def test_a_document_lets_two_clients_meet(phones: tuple[Desk, Client, Client]) -> None:
    at, john, jane = phones
    dial = f"<Say>Hello.</Say><Dial action='/after'>{TO_JANE}</Dial>"
    async with serving(at, voice=dial, after="<Hangup/>") as app:
        coming = jane.incoming()
        call = await john.new_call(ANYTHING, audio=Tone(HERE))
        other = await anext(coming)
        await other.answer(audio=Tone(THERE))
        await hear_each_other(call, other)
        await other.hangup()
        assert (await call.ended()).cause == "NORMAL_CLEARING"
        [after] = await app.told("/after")
        assert after["DialCallStatus"] == "completed"
        told = await app.told("/status", 4)
        assert [(each["SequenceNumber"], each["CallStatus"]) for each in told] == [
            ("0", "initiated"),
            ("1", "ringing"),
            ("2", "in-progress"),
            ("3", "completed"),
        ]
        assert told[-1]["CallSid"] == other.ids.call_control
        assert told[-1]["ParentCallSid"] == call.ids.call_control


async def test_a_document_lets_a_call_wait_until_a_backend_takes_it(phones: tuple[Desk, Client, Client]) -> None:
    at, john, jane = phones
    gather = "<Gather numDigits='1' action='/menu'><Say>Press one.</Say></Gather>"
    enqueue = "<Enqueue action='/left' waitUrl='/wait'>support</Enqueue>"
    pages = {"menu": f"{{{{#if Digits == 1}}}}{enqueue}{{{{/if}}}}", "wait": "<Pause length='1'/>", "left": "<Hangup/>"}
    async with serving(at, voice=gather, **pages) as app:
        call = await john.new_call(ANYTHING, audio=Tone(HERE))
        ear = Ear()
        call.attach(ear)
        await ear.hears(lambda heard: heard.level > LOUD)
        await call.send_dtmf("1")
        [first, *_] = await app.told("/wait")
        assert (first["QueuePosition"], first["CurrentQueueSize"]) == ("1", "1")
        other = await at.agent(jane)
        await at.api.calls.actions.bridge(other.ids.call_control, queue="support", call_control_id_to_bridge_with="")
        await hear_each_other(call, other)
        await other.hangup()
        await call.ended()
        [left] = await app.told("/left")
        assert left["QueueResult"] == "bridged"


async def test_a_document_takes_a_call_into_a_conference(phones: tuple[Desk, Client, Client]) -> None:
    at, john, jane = phones
    room = (
        "<Dial><Conference statusCallback='/room' statusCallbackEvent='start join leave end'>room</Conference></Dial>"
    )
    async with serving(at, voice=room) as app:
        call = await john.new_call(ANYTHING, audio=Tone(HERE))
        [start, *_] = await app.told("/room", 2)
        other = await at.agent(jane)
        await at.api.conferences.actions.join(start["ConferenceSid"], call_control_id=other.ids.call_control)
        await hear_each_other(call, other)
        await call.hangup()
        await other.hangup()
        told = await app.told("/room", 4)
        assert [each["StatusCallbackEvent"] for each in told[:3]] == [
            "conference-start",
            "participant-join",
            "participant-leave",
        ]
        assert {each["FriendlyName"] for each in told} == {"room"}
