"""Category: unit. Requests with an Idempotency-Key: done once, answered alike, never mixed up."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web

from offhook.edge.rest.guard import guarded
from offhook.edge.rest.idempotency import KEPT_SECONDS, MAX_KEPT, Once


class Desk:
    """A door with one guarded operation, which counts how often it was done and can be held up."""

    http: aiohttp.ClientSession

    def __init__(self) -> None:
        self.now = 0.0
        self.done = 0
        self.open = asyncio.Event()
        self.open.set()
        self.entered = asyncio.Event()

    def monotonic(self) -> float:
        return self.now

    def wall(self) -> float:
        return self.now

    async def operation(self, _: web.Request) -> web.Response:
        self.entered.set()
        await self.open.wait()
        self.done += 1
        return web.Response(text=f"tökén {self.done}", status=201)

    async def ask(self, key: str | None = None, of: str = "a", who: str = "one") -> tuple[int, str]:
        headers = {"Authorization": f"Bearer {who}"} | ({} if key is None else {"Idempotency-Key": key})
        async with self.http.post(f"/{of}", headers=headers) as response:
            return response.status, await response.text()


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    desk = Desk()
    app = web.Application()
    app.router.add_post("/{of}", guarded(Once(desk).guarding(desk.operation), lambda key: f"account {key}"))
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with aiohttp.ClientSession(f"http://127.0.0.1:{runner.addresses[0][1]}") as desk.http:
        yield desk
    await runner.cleanup()


async def test_the_same_key_gets_the_same_answer_and_nothing_is_done_twice(desk: Desk) -> None:
    assert [await desk.ask("k") for _ in range(3)] == [(201, "tökén 1")] * 3
    assert await desk.ask("other") == (201, "tökén 2")


async def test_without_a_key_every_request_is_done(desk: Desk) -> None:
    assert [await desk.ask() for _ in range(2)] == [(201, "tökén 1"), (201, "tökén 2")]


async def test_a_key_belongs_to_one_account_and_one_operation(desk: Desk) -> None:
    await desk.ask("k")
    assert await desk.ask("k", of="b") == (201, "tökén 2")
    assert await desk.ask("k", who="two") == (201, "tökén 3")


async def test_a_key_that_is_in_use_is_a_conflict(desk: Desk) -> None:
    desk.open.clear()
    first = asyncio.create_task(desk.ask("k"))
    await desk.entered.wait()
    status, text = await desk.ask("k")
    desk.open.set()
    assert (status, '"10036"' in text) == (409, True)
    assert await first == await desk.ask("k") == (201, "tökén 1")


async def test_an_answer_is_kept_for_a_day(desk: Desk) -> None:
    await desk.ask("k")
    desk.now = KEPT_SECONDS - 1
    assert await desk.ask("k") == (201, "tökén 1")
    desk.now = KEPT_SECONDS
    assert await desk.ask("k") == (201, "tökén 2")


@pytest.mark.parametrize("key", ["", "x" * 256])
async def test_an_endless_or_empty_key_is_refused(desk: Desk, key: str) -> None:
    assert (await desk.ask(key))[0] == 400
    assert desk.done == 0


async def test_the_oldest_answers_make_room(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    assert MAX_KEPT > 2
    monkeypatch.setattr("offhook.edge.rest.idempotency.MAX_KEPT", 2)
    for key in ("a", "b", "c"):
        await desk.ask(key)
    assert await desk.ask("c") == (201, "tökén 3")
    assert await desk.ask("a") == (201, "tökén 4")
