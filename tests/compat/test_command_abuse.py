"""Category: compatibility. Commands that come a hundred times (API-03), in the wrong state (API-04), in bodies that are
none (API-01), or with names that are traps (API-05)."""

import asyncio
import gzip
import io
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote, urlsplit

import aiohttp
import pytest
from tests.compat.desk import JOHN, Desk, opened
from yarl import URL

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
        head = f"POST {parts.path}{path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {self._key}\r\n"
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
        ("bridge", {"call_control_id": "v3:nobody"}, "90015"),
        ("transfer", {"to": own}, "10015"),
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


# ---- bodies (API-01) -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        b"{", b"[]", b"\xff\xfe", b"[" * 100_000, b'{"to":' * 100_000, b'{"from": 1}', b'{"unknown": 1}',
        b'{"timeout_secs": NaN}', b'{"timeout_secs": 1e999}', b'{"timeout_secs": ' + b"9" * 5000 + b"}", b'{"to": []}',
        b'{"to": [[]]}', b'{"to": "\\ud800"}', b'{"custom_headers": [{"name": "X\\r\\nY", "value": "z"}]}',
        b'{"to": "+1' + b"5" * 900_000 + b'"}', b" " * (10 << 20), gzip.compress(b" " * (64 << 20)),
    ],
)  # fmt: skip
async def test_a_body_that_is_no_dial_is_refused(desk: Desk, http: aiohttp.ClientSession, body: bytes) -> None:
    headers = {"Content-Type": "application/json"} | ({"Content-Encoding": "gzip"} if body[:2] == b"\x1f\x8b" else {})
    async with http.post(
        desk.platform.env["TELNYX_BASE_URL"] + "/calls", data=io.BytesIO(body), headers=headers
    ) as response:
        assert response.status in (400, 413, 422)
        assert all(each["code"] and each["title"] for each in (await response.json())["errors"])


# ---- names (API-05) --------------------------------------------------------------------------------------------

NAMES = (
    "../../etc/passwd", "%2e%2e%2f", "line\nbreak", "x" * 255, "\N{TELEPHONE RECEIVER}" * 64, "CON", "{{template}}",
    "'; DROP TABLE queues; --", "*\r\nSET a 1", "a?b#c", " ",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
async def test_queues_conferences_and_recordings_have_any_name(
    desk: Desk, john: Client, asking: Asking, http: aiohttp.ClientSession, capfd: pytest.CaptureFixture[str], name: str
) -> None:
    base = desk.platform.env["TELNYX_BASE_URL"]
    status, made = await asking.post("/queues", {"queue_name": name})
    assert (status, made["data"]["name"]) == (200, name)
    call = await desk.answered(john)
    assert (await asking.act(call, "enqueue", queue_name=name))[0] == 200
    async with http.get(URL(f"{base}/queues/{quote(name, safe='')}", encoded=True)) as response:
        shown = (await response.json())["data"]
    assert (shown["id"], shown["current_size"]) == (made["data"]["id"], 1)
    assert (await asking.act(call, "leave_queue"))[0] == 200
    status, made = await asking.post("/conferences", {"call_control_id": call.ids.call_control, "name": name})
    assert (status, made["data"]["name"]) == (200, name)
    assert [each.id async for each in desk.api.conferences.list(filter={"name": name})] == [made["data"]["id"]]
    logged = capfd.readouterr().out
    assert "enqueued" in logged
    assert name not in logged or len(name.splitlines()) == 1


@pytest.mark.parametrize("name", ["nul\0", "x" * 256, "x" * 10_240, ""])
async def test_a_name_that_nothing_can_have_is_refused(asking: Asking, name: str) -> None:
    for path, body in (("/queues", {"queue_name": name}), ("/conferences", {"name": name, "call_control_id": "v3:x"})):
        status, document = await asking.post(path, body)
        assert (status, document["errors"][0]["code"]) in ((400, "10015"), (422, "10033")), path
