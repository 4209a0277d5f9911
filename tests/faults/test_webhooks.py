"""Category: faults. Webhooks to endpoints that misbehave, by processes that are killed (WHK-01, WHK-04, WHK-05)."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from endpoint import OK, Answer, Endpoint, parted, says
from offhook.edge.fetch import GuardedFetch
from offhook.engine.clock import SystemChance, SystemClock
from offhook.engine.outbox import Outbox, Sending
from offhook.engine.seed import DEV_SIGNING_KEY
from offhook.engine.store import Change, Find, Row, Store, Write
from offhook.voice.delivery import Application, Target
from offhook.voice.hooks import Hooks

PROCESS = Path(__file__).parent / "outbox_process.py"
ERROR = b"HTTP/1.1 500 Oops\r\ncontent-length: 0\r\n\r\n"
QUICK = Hooks(retries={"call.answered": (1, 1, 1, 1)})


class House:
    """An outbox on a real database, with the real client."""

    def __init__(self) -> None:
        self.targets: dict[str, Target] = {}
        self.store = Store.at(None)
        self.fetch = GuardedFetch("development")
        self.outbox = Outbox(
            self.store, self.fetch, self.application, DEV_SIGNING_KEY.sign, SystemClock(), SystemChance()
        )
        self._ended = asyncio.Event()
        self.store.watch(self._wrote)
        self._told = 0

    def application(self, id: str) -> Application:
        return Application(id, None, self.targets[id])

    def _wrote(self, writes: Any) -> None:
        changes: list[Write] = [each for each in writes if isinstance(each, Change)]
        if changes:
            self._ended.set()

    async def tell(self, connection: str, order: str, hooks: Hooks = QUICK, **payload: Any) -> None:
        self._told += 1
        facts = {"n": self._told, **payload}
        told = Sending("account", connection, order, "call.answered", facts, 0.0, hooks, str(self._told))
        await self.store.write(*self.outbox.writes([told], 0.0))

    async def settled(self) -> dict[str, Row]:
        """All rows by id, once nothing is pending any more."""
        while True:
            self._ended.clear()
            rows = {row["id"]: row for row in (await self.store.find(Find("events", "account"))).rows}
            if all(row["status"] != "pending" for row in rows.values()):
                return rows
            await self._ended.wait()


@pytest.fixture
async def house() -> AsyncIterator[House]:
    made = House()
    await made.outbox.start()
    yield made
    await made.outbox.stop()
    await made.fetch.close()
    await made.store.close()


@pytest.fixture
async def endpoint() -> AsyncIterator[Endpoint]:
    made = await Endpoint().start()
    yield made
    await made.stop()


def numbers(endpoint: Endpoint) -> list[int]:
    return [json.loads(parted(request)[1])["data"]["payload"]["n"] for request in endpoint.requests]


# ---- endpoints that misbehave (WHK-01) -------------------------------------------------------------------------------


async def cuts(_request: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf")
    writer.close()


async def breaks(_request: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 2")
    writer.close()


async def drips(_request: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\na")
    await asyncio.Event().wait()


async def floods(_request: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 10485760\r\n\r\n")
    for _ in range(160):
        writer.write(bytes(65536))
        await writer.drain()


async def hangs(_request: bytes, _writer: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


@pytest.mark.parametrize(
    ("answer", "status", "attempts"),
    [(says(OK), "delivered", 1), (cuts, "delivered", 1), (drips, "delivered", 1), (floods, "delivered", 1),
     (breaks, "failed", 5), (hangs, "failed", 5), (says(ERROR), "failed", 5), (says(b"nonsense\r\n\r\n"), "failed", 5)],
)  # fmt: skip
async def test_a_status_is_an_answer_and_nothing_less_is(
    house: House, endpoint: Endpoint, answer: Answer, status: str, attempts: int
) -> None:
    endpoint.answer = answer
    house.targets["app"] = Target(endpoint.url, seconds=0.5)
    await house.tell("app", "call")
    [row] = (await house.settled()).values()
    assert row["status"] == status
    assert len(json.loads(row["attempts"])) == attempts
    assert len(row["attempts"]) < 60_000


async def test_one_of_ten_requests_fails_and_nothing_is_lost_or_turned_round(house: House, endpoint: Endpoint) -> None:
    async def flaky(_request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(ERROR if len(endpoint.requests) % 10 == 0 else OK)

    endpoint.answer = flaky
    house.targets["app"] = Target(endpoint.url)
    for n in range(200):
        await house.tell("app", f"call {n % 4}")
    rows = await house.settled()
    assert {row["status"] for row in rows.values()} == {"delivered"}
    arrived = numbers(endpoint)
    assert set(arrived) == set(range(1, 201))
    for call in range(4):
        firsts = [n for n in dict.fromkeys(arrived) if (n - 1) % 4 == call]
        assert firsts == sorted(firsts)


async def test_a_dead_endpoint_slows_no_other(house: House, endpoint: Endpoint) -> None:
    """WHK-05, with real connections: one endpoint never answers, the other has all its events meanwhile."""
    hole = await Endpoint().start()
    hole.answer = hangs
    house.targets |= {"dead": Target(hole.url, seconds=30.0), "app": Target(endpoint.url)}
    for n in range(200):
        await house.tell("dead", f"dead {n}")
    for n in range(100):
        await house.tell("app", f"call {n}")
    await endpoint.after(100)
    assert len(hole.requests) <= 20
    await hole.stop()


async def test_a_name_without_an_address_is_tried_again_and_a_forbidden_one_is_not(house: House) -> None:
    house.targets |= {"lost": Target("http://nowhere.invalid/"), "metadata": Target("http://169.254.169.254/latest")}
    await house.tell("lost", "a")
    await house.tell("metadata", "b")
    rows = await house.settled()
    assert [len(json.loads(rows[id]["attempts"])) for id in ("1", "2")] == [5, 1]
    assert {row["status"] for row in rows.values()} == {"failed"}


async def test_a_redirect_is_followed_with_its_body_and_its_signature(house: House, endpoint: Endpoint) -> None:
    async def answer(request: bytes, writer: asyncio.StreamWriter) -> None:
        moved = b"HTTP/1.1 308 Moved\r\nlocation: /new\r\ncontent-length: 0\r\n\r\n"
        writer.write(OK if request.startswith(b"POST /new") else moved)

    endpoint.answer = answer
    house.targets["app"] = Target(endpoint.url + "old")
    await house.tell("app", "call")
    [row] = (await house.settled()).values()
    assert row["status"] == "delivered"
    (first, body), (second, again) = (parted(request) for request in endpoint.requests)
    assert body == again
    assert first["telnyx-signature-ed25519"] == second["telnyx-signature-ed25519"]


# ---- what travels, and what is never logged (WHK-04) -----------------------------------------------------------------


@pytest.mark.parametrize("state", ["A" * 65536, "AAECAwT/", "not base64 at all\x00\x01\u2028", "🙂" * 1000])
async def test_a_client_state_comes_back_unchanged(house: House, endpoint: Endpoint, state: str) -> None:
    house.targets["app"] = Target(endpoint.url)
    await house.tell("app", "call", client_state=state)
    [(_, body)] = await endpoint.after(1)
    assert json.loads(body)["data"]["payload"]["client_state"] == state


async def test_no_secret_reaches_a_log_line(house: House, capfd: pytest.CaptureFixture[str]) -> None:
    house.targets["app"] = Target("http://user:pass-word@127.0.0.1:1/hook?token=to-ken")
    await house.tell(
        "app", "call", custom_headers=[{"name": "X-Secret", "value": "hea-der"}], digit="7", to="+12025550"
    )
    [row] = (await house.settled()).values()
    assert row["status"] == "failed"
    logged = "".join(capfd.readouterr())
    assert "webhook.dead" in logged
    assert not any(secret in logged for secret in ("pass-word", "to-ken", "hea-der", "+12025550", "127.0.0.1"))
    assert "pass-word" not in row["attempts"]


# ---- kill -9 ---------------------------------------------------------------------------------------------------------


class Process:
    """A process that tells events, until it is killed."""

    @classmethod
    async def start(cls, *arguments: object) -> "Process":
        made = cls()
        made.process = await asyncio.create_subprocess_exec(
            sys.executable, str(PROCESS), *map(str, arguments), stdout=asyncio.subprocess.PIPE
        )
        return made

    async def says(self) -> str:
        assert self.process.stdout is not None
        return (await self.process.stdout.readline()).decode().strip()

    async def kill(self) -> list[str]:
        """Kill it at once; what it had said by then."""
        self.process.kill()
        assert self.process.stdout is not None
        rest = (await self.process.stdout.read()).decode().split()
        await self.process.wait()
        return rest


async def test_kill_9_loses_nothing_and_turns_nothing_round(endpoint: Endpoint, tmp_path: Path) -> None:
    async def flaky(_request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(ERROR if len(endpoint.requests) % 7 == 0 else OK)

    endpoint.answer = flaky
    committed: list[int] = []
    for n, lines in enumerate((1, 13, 40, 90)):
        process = await Process.start(tmp_path / "db", endpoint.url, 1000 * n, 300)
        said = [await process.says() for _ in range(lines)] + await process.kill()
        committed += [int(each) for each in said if each.isdigit()]
    process = await Process.start(tmp_path / "db", endpoint.url, 0, 0)
    assert await process.says() == "drained"
    await process.kill()

    ids: dict[int, set[str]] = {}
    for request in endpoint.requests:
        event = json.loads(parted(request)[1])["data"]
        ids.setdefault(event["payload"]["n"], set()).add(event["id"])
    assert set(committed) <= ids.keys()
    assert all(len(found) == 1 for found in ids.values())
    for lane in range(3):
        firsts = [n for n in ids if n % 3 == lane]
        assert firsts == sorted(firsts)
