"""Category: compatibility. Commands that come a hundred times, or in the wrong state (API-03, API-04)."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote, urlsplit

import aiohttp
import pytest
from tests.compat.desk import JOHN, Desk, opened

from offhook import Call, Client

TIMES = 100


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with opened() as made:
        yield made


@pytest.fixture
async def http(desk: Desk) -> AsyncIterator[aiohttp.ClientSession]:
    headers = {"Authorization": f"Bearer {desk.platform.env['TELNYX_API_KEY']}"}
    async with aiohttp.ClientSession(headers=headers, connector=aiohttp.TCPConnector(limit=0)) as session:
        yield session


class Asking:
    """Raw REST: what the official package would not send."""

    def __init__(self, desk: Desk, http: aiohttp.ClientSession) -> None:
        self._base = desk.platform.env["TELNYX_BASE_URL"]
        self._key = desk.platform.env["TELNYX_API_KEY"]
        self._http = http

    async def post(self, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        async with self._http.post(self._base + path, json=body) as response:
            return response.status, await response.json()

    async def act(self, call: Call, name: str, **body: Any) -> tuple[int, Any]:
        return await self.post(f"/calls/{quote(call.ids.call_control, safe=':')}/actions/{name}", body)

    async def post_and_cut(self, path: str, body: str) -> None:
        """Send a request and close the connection before any of its answer is read."""
        parts = urlsplit(self._base)
        assert parts.hostname is not None
        _, writer = await asyncio.open_connection(parts.hostname, parts.port)
        head = f"POST {parts.path}{path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self._key}\r\n"
        writer.write(f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
        await writer.drain()
        writer.close()
        await writer.wait_closed()


@pytest.fixture
def asking(desk: Desk, http: aiohttp.ClientSession) -> Asking:
    return Asking(desk, http)


@pytest.fixture
async def john(desk: Desk) -> AsyncIterator[Client]:
    async with desk.phone(JOHN) as phone:
        yield phone


async def told(desk: Desk, event_type: str) -> int:
    return len([each async for each in desk.api.call_events.list() if each.name == event_type])


async def test_a_command_id_that_comes_a_hundred_times_at_once_acts_once(
    desk: Desk, john: Client, asking: Asking
) -> None:
    call = await desk.answered(john)
    body = {"queue_name": "support", "command_id": "once"}
    answers = await asyncio.gather(*(asking.act(call, "enqueue", **body) for _ in range(TIMES)))
    assert [status for status, _ in answers] == [200] * TIMES
    assert len({str(document) for _, document in answers}) == 1
    assert await told(desk, "call.enqueued") == 1


async def test_a_dial_that_comes_a_hundred_times_is_one_call_though_its_first_answer_was_lost(
    desk: Desk, asking: Asking
) -> None:
    body = {"connection_id": desk.connection, "to": "+12025550199", "from": "+12025550101", "command_id": "once"}
    text = "{" + ",".join(f'"{name}":"{value}"' for name, value in body.items()) + "}"
    await asking.post_and_cut("/calls", text)
    answers = await asyncio.gather(*(asking.post("/calls", body) for _ in range(TIMES)))
    assert [status for status, _ in answers] == [200] * TIMES
    assert len({document["data"]["call_control_id"] for _, document in answers}) == 1
    assert await told(desk, "call.initiated") == 1


async def test_commands_in_the_wrong_state_are_refused_by_their_codes(desk: Desk, john: Client, asking: Asking) -> None:
    call = await desk.answered(john)
    own = call.ids.call_control
    dead = await desk.answered(john)
    assert (await asking.act(dead, "hangup"))[0] == 200
    for name, body, code in (
        ("answer", {}, "10027"),
        ("bridge", {"call_control_id": own}, "10015"),
        ("bridge", {"call_control_id": dead.ids.call_control}, "90018"),
        ("bridge", {"call_control_id": "v3:nobody"}, "90018"),
        ("playback_stop", {}, "10027"),
        ("gather_stop", {}, "10027"),
        ("leave_queue", {}, "90035"),
        ("send_dtmf", {"digits": "Z"}, "90026"),
        ("send_dtmf", {"digits": "1" * 10_000}, "10033"),
        ("switch_supervisor_role", {"role": "barge"}, "10027"),
        ("refer", {"sip_address": "sip:somebody@example.test"}, "10027"),
        ("send_sip_info", {"body": "x", "content_type": "text/plain"}, "10027"),
    ):
        status, document = await asking.act(call, name, **body)
        assert (status in (400, 422), document["errors"][0]["code"]) == (True, code), (name, document)
    for name in ("hangup", "answer", "speak"):
        body = {"payload": "x", "voice": "female"} if name == "speak" else {}
        status, document = await asking.act(dead, name, **body)
        assert (status, document["errors"][0]["code"]) == (422, "90018"), name
    assert (await asking.act(call, "client_state_update", client_state="bmV3"))[0] in (404, 405)
