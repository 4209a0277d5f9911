"""The backend of a parked call, on the official Python package.

A client dials and its call is parked: this app hears of it by a signed webhook, answers, lets an agent's phone ring,
and bridges the two when the agent answers. It keeps nothing in memory. Each leg carries the other's id in its
`client_state`, and a command carries the id of the event that it follows from, so that an event that is delivered
twice does nothing twice.
"""

import base64
import contextlib
import os
from collections.abc import AsyncIterator
from typing import Any

import telnyx
import uvicorn
from fastapi import FastAPI, Request, Response

CALLER = os.environ.get("CALLER", "john1234")
AGENT = os.environ.get("AGENT", "sip:jane5678@sip.telnyx.com")
PORT = int(os.environ.get("PORT", "8080"))

api = telnyx.AsyncTelnyx()  # TELNYX_API_KEY, TELNYX_BASE_URL and TELNYX_PUBLIC_KEY: `offhook env` prints them
calls = api.calls.actions


async def react(event: Any) -> None:
    """What becomes of the call: one command, or two, for each event that matters."""
    leg, call = event.payload.call_control_id, event.payload
    other = base64.b64decode(call.client_state or "").decode()
    match event.event_type:
        case "call.initiated" if call.state == "parked":
            await calls.answer(leg, command_id=event.id)
        case "call.answered" if not other:
            await ring_agent(leg, call.from_, event.id)
        case "call.answered":
            await meet(leg, other, event.id)
        case "call.hangup" if other:
            await hang_up(other, event.id)
        case _:
            pass


async def ring_agent(caller: str, number: str, command: str) -> None:
    """Dial the second leg, and let the first one know of it."""
    dialled = await api.calls.dial(
        connection_id=os.environ["OFFHOOK_CONNECTION_ID"],
        to=AGENT,
        from_=number,
        link_to=caller,  # one session: one trace, and webhooks that come in order
        client_state=state(caller),
        command_id=command,
    )
    agent = dialled.data.call_control_id
    try:
        await calls.update_client_state(caller, client_state=state(agent))
    except telnyx.UnprocessableEntityError:
        await hang_up(agent, command)  # the caller has just hung up


async def meet(agent: str, caller: str, command: str) -> None:
    """From now on they hear each other; where the caller has just hung up, there is nobody to meet."""
    try:
        await calls.bridge(caller, call_control_id_to_bridge_with=agent, command_id=command)
    except telnyx.UnprocessableEntityError:
        await hang_up(agent, command)


async def hang_up(leg: str, command: str) -> None:
    """End a leg. That it has ended already is no error: a bridge takes both with it."""
    with contextlib.suppress(telnyx.UnprocessableEntityError):
        await calls.hangup(leg, command_id=command)


def state(leg: str) -> str:
    return base64.b64encode(leg.encode()).decode()


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
    print(event.event_type, event.payload.call_leg_id, flush=True)
    with contextlib.suppress(telnyx.UnprocessableEntityError):  # the call has ended meanwhile
        await react(event)
    return Response(status_code=204)  # only now: had this failed, the event would come again


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=PORT, access_log=False)
