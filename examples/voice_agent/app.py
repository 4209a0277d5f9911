"""A voice agent, on FastAPI and the official Python package: calls are answered and streamed to its websocket.

What it says is up to parrot.py; put speech recognition, a language model and a voice in its place. Whoever presses #
is hung up.
"""

import base64
import contextlib
import os
from collections.abc import AsyncIterator
from typing import Any

import telnyx
import uvicorn
from fastapi import FastAPI, Request, Response, WebSocket, WebSocketDisconnect
from parrot import Parrot

CALLER = os.environ.get("CALLER", "john1234")
PORT = int(os.environ.get("PORT", "8080"))
AGENT_URL = os.environ.get("AGENT_URL", f"ws://127.0.0.1:{PORT}/agent")

api = telnyx.AsyncTelnyx()  # TELNYX_API_KEY, TELNYX_BASE_URL and TELNYX_PUBLIC_KEY: `offhook env` prints them


async def react(event: Any) -> None:
    """Take every call, and let it be streamed both ways from its answer on."""
    if event.event_type == "call.initiated" and event.payload.state == "parked":
        await api.calls.actions.answer(
            event.payload.call_control_id,
            command_id=event.id,
            stream_url=AGENT_URL,
            stream_bidirectional_mode="rtp",
            stream_bidirectional_codec="PCMU",
        )


class Conversation:
    """One call's stream, and the parrot at its end."""

    def __init__(self, websocket: WebSocket) -> None:
        self._websocket = websocket
        self._parrot = Parrot()
        self._leg = ""

    async def take(self, frame: dict[str, Any]) -> None:
        """One frame of the platform's."""
        match frame["event"]:
            case "start":
                self._leg = frame["start"]["call_control_id"]
                await self._say(self._parrot.greet())
            case "media":
                for said in self._parrot.hear(base64.b64decode(frame["media"]["payload"])):
                    await (self._websocket.send_json({"event": "clear"}) if said == "hush" else self._say(said))
            case "mark":
                self._parrot.finished()
            case "dtmf" if frame["dtmf"]["digit"] == "#":
                await api.calls.actions.hangup(self._leg)
            case _:
                pass

    async def _say(self, audio: bytes) -> None:
        """Send audio; the mark after it comes back when it has been heard."""
        await self._websocket.send_json({"event": "media", "media": {"payload": base64.b64encode(audio).decode()}})
        await self._websocket.send_json({"event": "mark", "mark": {"name": "said"}})


# ---- the doors ---------------------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    """Let what CALLER dials be parked. Done once for a connection; doing it again changes nothing."""
    async for connection in api.credential_connections.list():
        if connection.user_name == CALLER:
            await api.credential_connections.update(connection.id, outbound={"call_parking_enabled": True})
    yield


app = FastAPI(lifespan=lifespan)


@app.websocket("/agent")
async def agent(websocket: WebSocket) -> None:
    await websocket.accept()
    conversation = Conversation(websocket)
    with contextlib.suppress(WebSocketDisconnect):  # the call is over
        while True:
            await conversation.take(await websocket.receive_json())


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
