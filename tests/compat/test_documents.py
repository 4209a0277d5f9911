"""Category: compat. A client's parked call follows documents of an app, over HTTP, with real audio."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from tests.compat.desk import JANE, JOHN, Desk, opened

from document_app import App, serving
from offhook import Call, Client, Ear, Tone

ANYTHING = "+12025550199"
HERE, THERE = 440.0, 880.0
LOUD = -40.0
EVERY = "initiated ringing answered completed"
TO_JANE = f"<Sip statusCallback='status' statusCallbackEvent='{EVERY}'>sip:{JANE.login}@sip.telnyx.com</Sip>"


@asynccontextmanager
async def following(at: Desk, **pages: str) -> AsyncIterator[App]:
    """An app whose `/voice` is followed by what John dials."""
    async with serving(at.platform.env["TELNYX_PUBLIC_KEY"], pages) as app:
        texml: Any = {"webhook_api_version": "texml", "webhook_event_url": app.url}
        await at.api.credential_connections.update(at.connection, **texml)
        yield app


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
    async with following(at, voice=dial, after="<Hangup/>") as app:
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
    async with following(at, voice=gather, **pages) as app:
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
    async with following(at, voice=room) as app:
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
