"""Calls from outside by TeXML, on FastAPI and the official Python package: as app.py, but by documents.

What becomes of the caller is written in them: `voice` asks for a key, `menu` lets the caller wait, `wait/…` is what is
heard meanwhile. What no document of the caller's can say is that another phone shall ring: when the platform asks for a
`wait/…`, this app dials the agent, who meets the first of the queue on answering, or is dialled into the conference.
"""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qsl

import telnyx
import uvicorn
from fastapi import FastAPI, Request, Response
from telnyx.lib.webhooks_ed25519 import WebhookVerificationError, verify_ed25519

LINE = os.environ.get("LINE", "+12025550103")
AGENT = os.environ.get("AGENT", "sip:jane5678@sip.telnyx.com")
MUSIC = os.environ.get("MUSIC", "")
PORT = int(os.environ.get("PORT", "8080"))
HERE = os.environ.get("PUBLIC_URL", f"http://127.0.0.1:{PORT}")
CONNECTION = os.environ["OFFHOOK_CONNECTION_ID"]
QUEUE, APPLICATION = "support", "Calls from outside"

WAIT = f"<Play>{MUSIC}</Play>" if MUSIC else "<Say>Somebody will be with you soon.</Say><Pause length='5'/>"
DOCUMENTS = {
    "voice": """
        <Start><Recording channels="dual"/></Start>
        <Gather numDigits="1" validDigits="12" action="menu">
          <Say>Welcome. For a person, press one. For the conference room, press two.</Say>
        </Gather>""",
    "menu": f"""
        {{{{#if Digits == '1'}}}}
          <Enqueue waitUrl="wait/queue">{QUEUE}</Enqueue>
        {{{{else}}}}
          <Dial>
            <Conference startConferenceOnEnter="false" beep="false" waitUrl="wait/room">{{{{CallSid}}}}</Conference>
          </Dial>
        {{{{/if}}}}""",
    "wait/queue": WAIT,
    "wait/room": WAIT,
    "status": "",
}

api = telnyx.AsyncTelnyx()  # TELNYX_API_KEY, TELNYX_BASE_URL and TELNYX_PUBLIC_KEY: `offhook env` prints them
calls = api.calls.actions
turn = asyncio.Lock()  # one request after the other: whoever answers at once is known by then
rung: dict[str, str] = {}  # by the caller's leg: the agent's leg that rings, or has rung, for it
queued: set[str] = set()  # the agents' legs that meet the queue when they are answered


async def happened(document: str, told: dict[str, str]) -> None:
    """What this app does beside giving documents."""
    caller = told["CallSid"]
    if document.startswith("wait/") and caller not in rung:
        rung[caller] = await ring_agent(caller, document.removeprefix("wait/"))
    if document == "status" and told["CallStatus"] == "completed" and caller in rung:
        await hang_up(rung.pop(caller))


async def ring_agent(caller: str, place: str) -> str:
    """Dial the agent for a queue or a room, and let it enter the room by itself; the new leg."""
    room: Any = {"conference_name": caller, "start_conference_on_enter": True, "end_conference_on_exit": True}
    more = {"conference_config": room} if place == "room" else {}
    # One session with the caller's leg: one trace, and webhooks that come in order.
    dialled = await api.calls.dial(connection_id=CONNECTION, to=AGENT, from_=LINE, link_to=caller, **more)
    agent = dialled.data.call_control_id
    if place == "queue":
        queued.add(agent)
    return agent


async def answered(agent: str) -> None:
    """An agent who was dialled for the queue meets whoever has waited longest; nobody may be there any more."""
    try:
        await calls.bridge(agent, call_control_id_to_bridge_with="", queue=QUEUE)
    except telnyx.UnprocessableEntityError:
        await hang_up(agent)


async def hang_up(leg: str) -> None:
    """End a leg. That it has ended already is no error."""
    with contextlib.suppress(telnyx.UnprocessableEntityError):
        await calls.hangup(leg)


# ---- the door ----------------------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    """Let the calls to LINE follow these documents. Done once; doing it again changes nothing."""
    known = [each.id async for each in api.texml_applications.list() if each.friendly_name == APPLICATION]
    urls = {"friendly_name": APPLICATION, "voice_url": f"{HERE}/voice", "status_callback": f"{HERE}/status"}
    made = await (api.texml_applications.update(known[0], **urls) if known else api.texml_applications.create(**urls))
    async for number in api.phone_numbers.list():
        if number.phone_number == LINE:
            await api.phone_numbers.update(number.id, connection_id=made.data.id)
    yield


app = FastAPI(lifespan=lifespan)


@app.post("/hook")
async def hook(request: Request) -> Response:
    """What becomes of the agent's leg, which follows no document."""
    body = (await request.body()).decode()
    try:
        # To be awaited, unlike elsewhere: importing `telnyx.lib` has put another method in its place.
        event: Any = (await api.webhooks.unwrap(body, headers=request.headers)).data
    except WebhookVerificationError:
        return Response(status_code=400)  # not from the platform, altered, or older than five minutes
    leg = getattr(event.payload, "call_control_id", "")
    print(event.event_type, getattr(event.payload, "call_leg_id", ""), flush=True)
    async with turn:
        if event.event_type == "call.answered" and leg in queued:
            await answered(leg)
    return Response(status_code=204)


@app.post("/{document:path}")
async def give(document: str, request: Request) -> Response:
    """A document, and what follows from its being asked for."""
    body = await request.body()
    try:
        verify_ed25519(api, body, request.headers)
    except WebhookVerificationError:
        return Response(status_code=400)
    if document not in DOCUMENTS:
        return Response(status_code=404)
    async with turn:
        with contextlib.suppress(telnyx.UnprocessableEntityError):  # the call has ended meanwhile
            await happened(document, dict(parse_qsl(body.decode())))
    return Response(f"<Response>{DOCUMENTS[document]}</Response>", media_type="application/xml")


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=PORT, access_log=False)
