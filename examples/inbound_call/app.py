"""Calls from outside, on FastAPI and the official Python package.

Somebody dials LINE, and this app takes the call: it says what the keys mean. 1 lets the caller wait in a queue, 2 in a
conference that begins with the agent; both with music, while the agent's phone, a browser, rings. When the agent
answers they meet, by a bridge or because the agent joins, and hang up together. The caller's leg is recorded.
"""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import telnyx
import uvicorn
from fastapi import FastAPI, Request, Response

LINE = os.environ.get("LINE", "+12025550103")
AGENT = os.environ.get("AGENT", "sip:jane5678@sip.telnyx.com")
MUSIC = os.environ.get("MUSIC", "")
PORT = int(os.environ.get("PORT", "8080"))
CONNECTION = os.environ["OFFHOOK_CONNECTION_ID"]
MENU = "Welcome. For a person, press one. For the conference room, press two."

api = telnyx.AsyncTelnyx()  # TELNYX_API_KEY, TELNYX_BASE_URL and TELNYX_PUBLIC_KEY: `offhook env` prints them
calls = api.calls.actions
turn = asyncio.Lock()  # one webhook after the other: whoever answers at once is known by then


class Caller(NamedTuple):
    """Who waits: a leg, and the conference where it does, if that is not the queue."""

    leg: str
    room: str = ""


ringing: dict[str, Caller] = {}  # whom an agent's leg rings for


async def react(event: Any) -> None:
    """What becomes of the call: one command, or two, for each event that matters."""
    call = event.payload
    leg = getattr(call, "call_control_id", "")  # some events of a conference are about no call
    match event.event_type:
        case "call.initiated" if call.state == "parked":
            await calls.answer(leg, record="record-from-answer", record_channels="dual", command_id=event.id)
        case "call.answered" if leg in ringing:
            await meet(leg, ringing.pop(leg), event.id)
        case "call.answered":
            await calls.gather_using_speak(
                leg, payload=MENU, voice="female", maximum_digits=1, valid_digits="12", command_id=event.id
            )
        case "call.gather.ended" if call.status == "valid":
            await let_wait(leg, call.digits, event.id)
        case "call.gather.ended":
            await hang_up(leg)
        case "call.enqueued" if MUSIC:
            await calls.start_playback(leg, audio_url=MUSIC, loop="infinity", command_id=event.id)
        case "call.dequeued" if MUSIC:
            await calls.stop_playback(leg, stop="all", command_id=event.id)
        case "call.speak.ended":
            await hang_up(leg)
        case "call.hangup":
            await gone(leg)
        case _:
            pass


async def let_wait(caller: str, digit: str, command: str) -> None:
    """Put the caller where the key says, and let the agent's phone ring."""
    room = ""
    if digit == "1":
        await calls.enqueue(caller, queue_name="support")
    else:
        music: Any = {"hold_audio_url": MUSIC} if MUSIC else {}
        made = await api.conferences.create(
            call_control_id=caller, name=command, start_conference_on_create=False, **music
        )
        room = made.data.id
    # One session with the caller's leg: one trace, and webhooks that come in order.
    dialled = await api.calls.dial(connection_id=CONNECTION, to=AGENT, from_=LINE, link_to=caller, command_id=command)
    ringing[dialled.data.call_control_id] = Caller(caller, room)


async def meet(agent: str, caller: Caller, command: str) -> None:
    """From now on they hear each other; where the caller has just hung up, there is nobody to meet."""
    try:
        if caller.room:
            await api.conferences.actions.join(
                caller.room,
                call_control_id=agent,
                start_conference_on_enter=True,
                end_conference_on_exit=True,
                command_id=command,
            )
        else:
            await calls.bridge(agent, call_control_id_to_bridge_with=caller.leg, command_id=command)
    except telnyx.UnprocessableEntityError:
        await hang_up(agent)


async def gone(leg: str) -> None:
    """A caller who hangs up lets no phone ring; one whose agent did not answer is told so."""
    for agent, caller in list(ringing.items()):
        if caller.leg == leg:
            await hang_up(agent)
    if leg in ringing:
        caller = ringing.pop(leg)
        with contextlib.suppress(telnyx.UnprocessableEntityError):  # it is the caller who has hung up
            await calls.speak(caller.leg, payload="We are sorry: nobody is there.", voice="female")


async def hang_up(leg: str) -> None:
    """End a leg. That it has ended already is no error."""
    with contextlib.suppress(telnyx.UnprocessableEntityError):
        await calls.hangup(leg)


# ---- the door ----------------------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    """Let the calls to LINE come here. Done once for a number; doing it again changes nothing."""
    async for number in api.phone_numbers.list():
        if number.phone_number == LINE:
            await api.phone_numbers.update(number.id, connection_id=CONNECTION)
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
    async with turn:
        with contextlib.suppress(telnyx.UnprocessableEntityError):  # the call has ended meanwhile
            await react(event)
    return Response(status_code=204)  # only now: had this failed, the event would come again


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=PORT, access_log=False)
