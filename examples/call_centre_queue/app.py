"""A call centre, on Flask and the official Python package: callers wait in a queue, free agents are rung for them.

The platform knows who waits and in which order; this app knows only who of the agents is free. It takes one webhook
after the other, so that no two of them ring the same agent.
"""

import contextlib
import os
from collections import deque
from typing import Any

import telnyx
from flask import Flask, Response, request

CALLER = os.environ.get("CALLER", "john1234")
AGENTS = os.environ.get("AGENTS", "sip:jane5678@sip.telnyx.com").split(",")
LINE = os.environ.get("LINE", "+12025550101")
MAX_WAIT = int(os.environ.get("MAX_WAIT", "600"))
PORT = int(os.environ.get("PORT", "8080"))
QUEUE = "support"

api = telnyx.Telnyx()  # TELNYX_API_KEY, TELNYX_BASE_URL and TELNYX_PUBLIC_KEY: `offhook env` prints them
calls = api.calls.actions


class Agents:
    """Who is free, whose phone rings or is in a call (by its leg), and who did not answer."""

    def __init__(self, addresses: list[str]) -> None:
        self.free = deque(addresses)
        self.ringing: dict[str, str] = {}
        self.talking: dict[str, str] = {}
        self.away: list[str] = []

    def ring(self) -> None:
        """Let a phone ring for everybody who waits, as far as agents are free."""
        while self.free and len(self.ringing) < waiting():
            agent = self.free.popleft()
            dialled = api.calls.dial(connection_id=os.environ["OFFHOOK_CONNECTION_ID"], to=agent, from_=LINE)
            self.ringing[dialled.data.call_control_id] = agent

    def answered(self, leg: str) -> None:
        """Give the one who has waited longest to an agent; nobody may be there any more."""
        self.talking[leg] = self.ringing.pop(leg)
        try:
            calls.bridge(leg, call_control_id_to_bridge_with="", queue=QUEUE)
        except telnyx.UnprocessableEntityError:
            hang_up(leg)

    def gone(self, leg: str) -> None:
        """An agent is free again, or, having not answered, away until the next caller comes."""
        if leg in self.talking:
            self.free.append(self.talking.pop(leg))
        else:
            self.away.append(self.ringing.pop(leg))

    def back(self) -> None:
        self.free.extend(self.away)
        self.away.clear()


agents = Agents(AGENTS)


def react(event: Any) -> None:
    """What becomes of the call."""
    leg, call = event.payload.call_control_id, event.payload
    match event.event_type:
        case "call.initiated" if call.state == "parked":
            calls.answer(leg, command_id=event.id)
        case "call.answered" if leg in agents.ringing:
            agents.answered(leg)
        case "call.answered":
            calls.enqueue(leg, queue_name=QUEUE, max_wait_time_secs=MAX_WAIT, command_id=event.id)
        case "call.enqueued":
            agents.back()
            agents.ring()
        case "call.dequeued" if call.reason == "timeout":
            calls.speak(leg, payload="We are sorry: nobody can take your call.", voice="female", command_id=event.id)
        case "call.speak.ended":
            hang_up(leg)
        case "call.hangup" if leg in agents.ringing or leg in agents.talking:
            agents.gone(leg)
            agents.ring()
        case _:
            pass


def waiting() -> int:
    """How many callers wait. A queue that was not made by hand goes with its last call."""
    try:
        return api.queues.retrieve(QUEUE).data.current_size
    except telnyx.NotFoundError:
        return 0


def hang_up(leg: str) -> None:
    """End a leg. That it has ended already is no error."""
    with contextlib.suppress(telnyx.UnprocessableEntityError):
        calls.hangup(leg)


# ---- the door ----------------------------------------------------------------------------------------------

app = Flask(__name__)


@app.post("/hook")
def hook() -> Response:
    try:
        event = api.webhooks.unwrap(request.get_data(as_text=True), headers=request.headers).data
    except ValueError:
        return Response(status=400)  # not from the platform, altered, or older than five minutes
    print(event.event_type, event.payload.call_leg_id, flush=True)
    with contextlib.suppress(telnyx.UnprocessableEntityError):  # the call has ended: its call.hangup is on the way
        react(event)
    return Response(status=204)


def park() -> None:
    """Let what CALLER dials be parked. Done once for a connection; doing it again changes nothing."""
    for connection in api.credential_connections.list():
        if connection.user_name == CALLER:
            api.credential_connections.update(connection.id, outbound={"call_parking_enabled": True})


if __name__ == "__main__":
    park()
    app.run(host="127.0.0.1", port=PORT, threaded=False)
