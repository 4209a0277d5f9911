"""A meeting room, on FastAPI and the official Python package: who calls is answered and joins the others.

Whoever comes first opens the room, and the guests are rung. It closes when the last one has left.
"""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from typing import Any

import telnyx
import uvicorn
from fastapi import FastAPI, Request, Response

CALLER = os.environ.get("CALLER", "john1234")
GUESTS = os.environ.get("GUESTS", "sip:jane5678@sip.telnyx.com").split(",")
LINE = os.environ.get("LINE", "+12025550101")
PORT = int(os.environ.get("PORT", "8080"))
ROOM = "meeting"

api = telnyx.AsyncTelnyx()  # TELNYX_API_KEY, TELNYX_BASE_URL and TELNYX_PUBLIC_KEY: `offhook env` prints them
door = asyncio.Lock()  # two who come at once shall not open two rooms


async def react(event: Any) -> None:
    """What becomes of the call. Not every event of a conference is about one: `conference.floor.changed` comes, too."""
    match event.event_type:
        case "call.initiated" if event.payload.state == "parked":
            await api.calls.actions.answer(event.payload.call_control_id, command_id=event.id)
        case "call.answered":
            async with door:
                await enter(event.payload.call_control_id, event.id)
        case _:
            pass


async def enter(leg: str, command: str) -> None:
    """Join the room if it is open; otherwise open it, and ring the guests."""
    async for room in api.conferences.list(filter={"name": ROOM, "status": "in_progress"}):
        await api.conferences.actions.join(room.id, call_control_id=leg, command_id=command)
        return
    await api.conferences.create(call_control_id=leg, name=ROOM, command_id=command)
    for guest in GUESTS:
        await api.calls.dial(connection_id=os.environ["OFFHOOK_CONNECTION_ID"], to=guest, from_=LINE)


# ---- the door ----------------------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    """Let what CALLER dials be parked. Done once for a connection; doing it again changes nothing."""
    async for connection in api.credential_connections.list():
        if connection.user_name == CALLER:
            await api.credential_connections.update(connection.id, outbound={"call_parking_enabled": True})
    yield


app = FastAPI(lifespan=lifespan)


@app.post("/hook")
async def hook(request: Request) -> Response:
    body = (await request.body()).decode()  # as it came: the signature is over these very bytes
    try:
        event = api.webhooks.unwrap(body, headers=request.headers).data
    except ValueError:
        return Response(status_code=400)  # not from the platform, altered, or older than five minutes
    print(event.event_type, getattr(event.payload, "call_leg_id", ""), flush=True)
    with contextlib.suppress(telnyx.UnprocessableEntityError):  # the call has ended meanwhile
        await react(event)
    return Response(status_code=204)


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=PORT, access_log=False)
