"""Category: compat. A carrier dials a number over SIP; an application or a document takes the call and lets it meet a
client. Real audio: G.711 over plain RTP on one side, Opus and DTLS on the other."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from tests.compat.desk import JANE, JOHN, Desk, opened
from tests.compat.scene import Backend
from tests.edge.sip_phone import SipCall, SipPhone

from document_app import serving
from offhook import Call, Ear, Tone
from offhook.media import commands, events

CARRIER_HZ, CLIENT_HZ = 600.0, 880.0
CALLED = "+12025550170"
TO_JANE = f"sip:{JANE.login}@sip.telnyx.com"


class Carrier:
    """A carrier's side of one call: it knows a connection's password, and speaks PCMU over plain RTP."""

    def __init__(self, phone: SipPhone) -> None:
        self.phone = phone
        self.ear = Ear()
        self._port = phone.port()

    async def dial(self, number: str) -> SipCall:
        request = commands.OfferPort(self._port.number, codecs=["pcmu"], profile="rtp")
        offer = self.phone.core.ask(request)
        assert isinstance(offer, events.Described)
        call = await self.phone.invite(number, offer.sdp.encode())
        accepted = await call.accepted()
        self.phone.core.ask(commands.AcceptAnswer(self._port.number, accepted.body.decode()))
        tones = commands.Tones([commands.Tone([CARRIER_HZ], 1000)])
        self.phone.core.send(commands.Play(self._port.number, 1, tones, loop=0))
        self.phone.core.send(commands.Listen(self._port.number, 8000))
        self._port._opened = True
        self._port.listen(8000, self.ear.write)
        return call

    def press(self, digits: str) -> None:
        self.phone.core.send(commands.SendDigits(self._port.number, digits))


@asynccontextmanager
async def carrier(at: Desk) -> AsyncIterator[Carrier]:
    async with SipPhone(at.platform, JOHN.login, JOHN.password, "UDP") as phone:
        yield Carrier(phone)


@pytest.fixture
async def at() -> AsyncIterator[Desk]:
    async with opened() as made:
        await made.api.credential_connections.update(made.connection, outbound={"call_parking_enabled": False})
        yield made


async def assign(at: Desk, connection: str) -> None:
    """The number that the carrier dials is that of this connection."""
    url = at.platform.env["OFFHOOK_CONSOLE_URL"] + "_offhook/numbers"
    headers = {"Authorization": f"Bearer {at.platform.env['TELNYX_API_KEY']}"}
    body = {"phone_number": CALLED, "connection_id": connection}
    async with aiohttp.ClientSession(headers=headers) as http, http.post(url, json=body) as response:
        assert response.status == 201, await response.text()


async def hear_each_other(call: Call, ear: Ear) -> None:
    here = Ear()
    call.attach(here)
    await here.hears_tone(CARRIER_HZ)
    await ear.hears_tone(CLIENT_HZ)


async def test_a_document_asks_the_caller_and_lets_it_wait_for_a_client(at: Desk) -> None:
    pages = {
        "voice": "<Gather numDigits='1' action='/menu'><Say>Press one for support.</Say></Gather>",
        "menu": "{{#if Digits == 1}}<Enqueue action='/left' waitUrl='/wait'>support</Enqueue>{{/if}}",
        "wait": "<Pause length='1'/>",
        "left": "<Hangup/>",
    }
    async with serving(at.platform.env["TELNYX_PUBLIC_KEY"], pages) as app, at.phone(JANE) as jane, carrier(at) as him:
        application: Any = await at.api.texml_applications.create(
            friendly_name="Menu", voice_url=app.url, status_callback=app.url.replace("voice", "status")
        )
        await assign(at, application.data.id)
        await jane.ready()
        call = await him.dial(CALLED)
        [first] = await app.told("/voice")
        assert (first["To"], first["Direction"], first["ConnectionId"]) == (CALLED, "inbound", application.data.id)
        await him.ear.hears(lambda heard: heard.level > -40)
        him.press("1")
        await app.told("/wait")
        agent = await at.agent(jane)
        await at.api.calls.actions.bridge(agent.ids.call_control, queue="support", call_control_id_to_bridge_with="")
        await hear_each_other(agent, him.ear)
        await agent.hangup()
        await call.ends()
        told = await app.told("/status", 3)
        assert [each["CallStatus"] for each in told] == ["initiated", "in-progress", "completed"]
        assert told[1]["Codec"] == "PCMU"


async def test_a_backend_answers_and_bridges_the_caller_with_a_client(at: Desk) -> None:
    backend = Backend()
    backend.unwrap = at.api.webhooks.unwrap
    root = web.Application()
    root.router.add_post("/", backend.take)
    runner = web.AppRunner(root)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    application = at.platform.env["OFFHOOK_CONNECTION_ID"]
    await at.api.call_control_applications.update(
        application, application_name="Development", webhook_event_url=url, webhook_api_version="2"
    )
    await assign(at, application)
    async with at.phone(JANE) as jane, carrier(at) as him:
        await jane.ready()
        coming = jane.incoming()
        dialling = asyncio.create_task(him.dial(CALLED))
        await backend.hears("CallInitiated", 0)
        told = backend.told[0].data.payload
        assert (told.direction, told.to, told.state) == ("incoming", CALLED, "parked")
        actions, leg = at.api.calls.actions, told.call_control_id
        await actions.answer(leg)
        call = await dialling
        await at.api.calls.dial(
            connection_id=application, to=TO_JANE, from_=CALLED, link_to=leg, bridge_on_answer=True, bridge_intent=True
        )
        other = await anext(coming)
        await other.answer(audio=Tone(CLIENT_HZ))
        await hear_each_other(other, him.ear)
        await other.hangup()
        await call.ends()
    records: dict[str, Decimal] = {}
    for kind in ("sip-trunking", "webrtc"):
        query: Any = {"record_type": kind, "call_session_id": told.call_session_id}
        async for each in at.api.detail_records.list(filter=query):
            found: Any = each
            records[kind] = Decimal(found.cost)
    assert records.keys() == {"sip-trunking", "webrtc"}
    assert records["webrtc"] == Decimal("0.002")
    await runner.cleanup()


async def test_a_number_of_nobody_is_refused_with_404(at: Desk) -> None:
    async with carrier(at) as him:
        request = commands.OfferPort(him.phone.port().number, codecs=["pcmu"], profile="rtp")
        offer: Any = him.phone.core.ask(request)
        call = await him.phone.invite("+12025550171", offer.sdp.encode())
        assert (await him.phone.response(call.invite)).status == 404
