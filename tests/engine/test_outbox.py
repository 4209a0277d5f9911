"""Category: engine. Webhooks in turned time: order, retries, failover, bounds, dead letters and what survives."""

import asyncio
import base64
import itertools
from collections.abc import Awaitable, Callable, Coroutine
from functools import wraps
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from offhook.engine.clock import SystemChance
from offhook.engine.idle import Idle
from offhook.engine.outbox import Limits, Outbox, Sending
from offhook.engine.ports import FetchFailed, FetchRequest
from offhook.engine.store import Find, Row, Store
from offhook.testing import clock as turned
from offhook.testing.clock import LoopClock
from offhook.testing.fetch import ScriptedFetch, read
from offhook.voice.delivery import DEFAULT_WAITS, Application, Target
from offhook.voice.hooks import Hooks

START = 1_800_000_000.0
KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
APP = "http://app.test/hook"
SPARE = "http://spare.test/hook"


def in_turned_time(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run a test on a loop whose time jumps; `idle` is its counter."""

    @wraps(test)
    def run(**fixtures: Any) -> None:
        idle = Idle()
        turned.run(test(idle=idle, **fixtures), idle)

    del run.__wrapped__
    return run


class House:
    """An outbox with its database, and endpoints in memory."""

    def __init__(self, idle: Idle, limits: Limits | None = None, path: Path | None = None) -> None:
        self.clock = LoopClock(START)
        self.fetch = ScriptedFetch()
        self.targets: dict[str, Target] = {"app": Target(APP)}
        self.limits = limits
        self.store = Store.at(path, idle.report)
        self.outbox = self.made()
        self._ids = itertools.count(1)

    def made(self) -> Outbox:
        return Outbox(self.store, self.fetch, self.application, KEY.sign, self.clock, SystemChance(), self.limits)

    def application(self, id: str) -> Application:
        return Application("My app", "profile", self.targets.get(id, Target()))

    def sending(self, order: str = "call", type: str = "call.answered", **facts: Any) -> Sending:
        n = next(self._ids)
        known: dict[str, Any] = {
            "account_id": "account", "connection_id": "app", "payload": {"call_session_id": order, "n": n},
            "occurred_at": START, "hooks": Hooks(), "id": f"{n:08}",
        }  # fmt: skip
        return Sending(order=order, event_type=type, **(known | facts))

    async def tell(self, *sendings: Sending) -> None:
        await self.store.write(*self.outbox.writes(sendings, self.clock.wall()))

    async def rows(self, **wanted: Any) -> list[Row]:
        found = await self.store.find(Find("events", "account", order=("sequence",)))
        return [row for row in found.rows if all(row[name] == value for name, value in wanted.items())]

    async def settled(self) -> list[Row]:
        """All rows, once nothing is pending any more."""
        while await self.rows(status="pending"):  # noqa: ASYNC110 -- time is turned
            await asyncio.sleep(1)
        return await self.rows()

    async def __aenter__(self) -> "House":
        await self.outbox.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.outbox.stop()
        await self.store.close()


def numbers(fetch: ScriptedFetch, url: str = "") -> list[int]:
    return [each["data"]["payload"]["n"] for each in fetch.webhooks(url)]


def failing(until: float, status: int = 500) -> Callable[[FetchRequest], Awaitable[int]]:
    async def answer(_request: FetchRequest) -> int:
        return status if asyncio.get_running_loop().time() < until else 200

    return answer


# ---- what is sent --------------------------------------------------------------------------------------------------


@in_turned_time
async def test_an_event_arrives_signed_in_its_envelope(idle: Idle) -> None:
    async with House(idle) as house:
        await house.tell(house.sending())
        [row] = await house.settled()
        [request] = house.fetch.requests
        assert (request.url, request.method, request.seconds) == (APP, "POST", 2.0)
        assert read(request) == {
            "data": {
                "event_type": "call.answered",
                "id": "00000001",
                "occurred_at": "2027-01-15T08:00:00.000000Z",
                "payload": {"call_session_id": "call", "n": 1},
                "record_type": "event",
            },
            "meta": {"attempt": 1, "delivered_to": APP},
        }
        headers = dict(request.headers)
        assert headers["telnyx-timestamp"] == str(int(START))
        KEY.public_key().verify(
            base64.b64decode(headers["telnyx-signature-ed25519"]), f"{int(START)}|".encode() + request.body
        )
        assert (row["status"], row["application_name"], row["outbound_voice_profile_id"]) == (
            "delivered", "My app", "profile",
        )  # fmt: skip


@in_turned_time
async def test_an_event_without_a_url_is_kept_and_goes_nowhere(idle: Idle) -> None:
    async with House(idle) as house:
        await house.tell(house.sending(connection_id="silent"))
        [row] = await house.rows()
        assert row["status"] == "unaddressed"
        assert house.fetch.requests == []


@in_turned_time
async def test_each_url_of_an_event_gets_a_webhook_of_its_own(idle: Idle) -> None:
    hooks = Hooks(urls={"call.hangup": ("http://one.test/", "http://two.test/")})
    async with House(idle) as house:
        await house.tell(house.sending(type="call.hangup", hooks=hooks))
        await house.settled()
        assert {each.url for each in house.fetch.requests} == {"http://one.test/", "http://two.test/"}
        assert len({row["id"] for row in await house.rows()}) == 2


@in_turned_time
async def test_a_commands_urls_come_before_the_connections(idle: Idle) -> None:
    hooks = Hooks("http://leg.test/", "GET", {"call.hangup": ("http://hangup.test/",)}, "POST")
    async with House(idle) as house:
        await house.tell(house.sending(hooks=hooks), house.sending(type="call.hangup", hooks=hooks))
        await house.settled()
        leg, hangup = sorted(house.fetch.requests, key=lambda each: each.url, reverse=True)
        assert (leg.method, leg.body) == ("GET", b"")
        assert leg.url.startswith("http://leg.test/?")
        assert (read(leg)["event_type"], read(leg)["n"]) == ("call.answered", "1")
        assert (hangup.url, hangup.method) == ("http://hangup.test/", "POST")


@in_turned_time
async def test_where_it_goes_is_settled_when_it_happens(idle: Idle) -> None:
    async with House(idle) as house:
        house.fetch.answer = failing(until=10)
        await house.tell(house.sending())
        house.targets["app"] = Target("http://elsewhere.test/")
        await house.settled()
        assert {request.url for request in house.fetch.requests} == {APP}


# ---- retries -------------------------------------------------------------------------------------------------------


@in_turned_time
async def test_ten_bad_minutes_lose_nothing_and_turn_nothing_round(idle: Idle) -> None:
    """WHK-01: 500 for ten minutes, then 200."""
    async with House(idle) as house:
        house.fetch.answer = failing(until=600)
        await house.tell(*(house.sending(f"call {n % 3}") for n in range(30)))
        rows = await house.settled()
        assert {row["status"] for row in rows} == {"delivered"}
        for call in range(3):
            lane = [n for n in dict.fromkeys(numbers(house.fetch)) if (n - 1) % 3 == call]
            assert lane == sorted(lane)
            assert len(lane) == 10
        ids: dict[int, set[str]] = {}
        for each in house.fetch.webhooks():
            ids.setdefault(each["data"]["payload"]["n"], set()).add(each["data"]["id"])
        assert all(len(found) == 1 for found in ids.values())


@in_turned_time
async def test_every_attempt_is_signed_anew_and_counted(idle: Idle) -> None:
    async with House(idle) as house:
        house.fetch.answer = failing(until=20)
        await house.tell(house.sending())
        await house.settled()
        stamps = [int(dict(each.headers)["telnyx-timestamp"]) for each in house.fetch.requests]
        assert stamps == sorted(stamps)
        assert stamps[-1] - stamps[0] >= 20
        assert [each["meta"]["attempt"] for each in house.fetch.webhooks()] == list(range(1, len(stamps) + 1))
        for each in house.fetch.requests:
            headers = dict(each.headers)
            signed = headers["telnyx-timestamp"].encode() + b"|" + each.body
            KEY.public_key().verify(base64.b64decode(headers["telnyx-signature-ed25519"]), signed)


@in_turned_time
async def test_waits_grow_and_are_spread(idle: Idle) -> None:
    async with House(idle) as house:
        house.fetch.answer = failing(until=10_000)
        await house.tell(house.sending("one"), house.sending("two"))
        rows = await house.settled()
        assert {row["status"] for row in rows} == {"failed"}
        times: dict[int, list[float]] = {1: [], 2: []}
        for at, n in zip(house.fetch.times, numbers(house.fetch), strict=True):
            times[n].append(at)
        waits = [[later - at for at, later in itertools.pairwise(times[n])] for n in (1, 2)]
        assert [len(each) for each in waits] == [len(DEFAULT_WAITS)] * 2
        for each in waits:
            assert all(0.8 * wait <= seen <= 1.2 * wait for seen, wait in zip(each, DEFAULT_WAITS, strict=True))
        assert waits[0] != waits[1]


@in_turned_time
async def test_two_failed_attempts_then_the_failover_url(idle: Idle) -> None:
    async with House(idle) as house:
        house.targets["app"] = Target(APP, SPARE)

        async def answer(request: FetchRequest) -> int:
            return 200 if request.url == SPARE else 503

        house.fetch.answer = answer
        await house.tell(house.sending())
        await house.settled()
        assert [each.url for each in house.fetch.requests] == [APP, APP, SPARE]
        assert house.fetch.webhooks()[-1]["meta"] == {"attempt": 3, "delivered_to": SPARE}


@in_turned_time
async def test_the_customers_own_retries_are_kept_to_the_millisecond(idle: Idle) -> None:
    async with House(idle) as house:
        house.fetch.answer = failing(until=10_000)
        hooks = Hooks(retries={"call.answered": (250, 1000)})
        await house.tell(house.sending(hooks=hooks))
        [row] = await house.settled()
        assert row["status"] == "failed"
        assert [round(later - at, 6) for at, later in itertools.pairwise(house.fetch.times)] == [0.25, 1.0]


@pytest.mark.parametrize(
    ("status", "attempts"), [(204, 1), (400, 1), (404, 1), (410, 1), (408, 2), (429, 2), (500, 2), (503, 2), (302, 2)]
)
def test_which_answers_are_tried_again(status: int, attempts: int) -> None:
    async def test(idle: Idle) -> None:
        async with House(idle) as house:
            house.fetch.answer = failing(until=0.5, status=status)
            await house.tell(house.sending())
            await house.settled()
            assert len(house.fetch.requests) == attempts

    idle = Idle()
    turned.run(test(idle), idle)


@in_turned_time
async def test_a_url_that_refuses_is_left_for_the_failover_url(idle: Idle) -> None:
    async with House(idle) as house:
        house.targets["app"] = Target(APP, SPARE)

        async def answer(request: FetchRequest) -> int:
            return 200 if request.url == SPARE else 404

        house.fetch.answer = answer
        await house.tell(house.sending())
        [row] = await house.settled()
        assert row["status"] == "delivered"
        assert [each.url for each in house.fetch.requests] == [APP, SPARE]
        assert house.fetch.times[1] - house.fetch.times[0] < 0.1


@in_turned_time
async def test_what_prevents_an_answer_is_tried_again_but_a_forbidden_address_is_not(idle: Idle) -> None:
    async with House(idle) as house:
        faults = iter(("connect", "timeout", "name", "tls", "protocol"))

        async def answer(request: FetchRequest) -> int:
            if request.url == SPARE:
                raise FetchFailed("address", "not there")
            if (fault := next(faults, None)) is not None:
                raise FetchFailed(fault, "")  # pyright: ignore[reportArgumentType]
            return 200

        house.fetch.answer = answer
        await house.tell(
            house.sending(),
            house.sending("other", hooks=Hooks(SPARE)),
            house.sending("x", hooks=Hooks("http://[x", "GET")),
        )
        good, refused, broken = await house.settled()
        assert (good["status"], refused["status"], broken["status"]) == ("delivered", "failed", "failed")
        assert [each["errors"] for each in msgspec.json.decode(good["attempts"])] == [[], [8], [6], [4], [2], [3]]
        assert [each["errors"] for each in msgspec.json.decode(refused["attempts"])] == [[5]]
        assert [each["errors"] for each in msgspec.json.decode(broken["attempts"])] == [[9]]


@in_turned_time
async def test_a_bug_in_one_attempt_stops_nothing(idle: Idle) -> None:
    async with House(idle) as house:

        async def answer(request: FetchRequest) -> int:
            if read(request)["meta"]["attempt"] == 1:
                raise RuntimeError("a bug")
            return 200

        house.fetch.answer = answer
        await house.tell(house.sending(), house.sending())
        assert {row["status"] for row in await house.settled()} == {"delivered"}


# ---- who waits for whom --------------------------------------------------------------------------------------------


@in_turned_time
async def test_a_head_that_fails_holds_up_its_own_call_only(idle: Idle) -> None:
    async with House(idle) as house:

        async def answer(request: FetchRequest) -> int:
            n = read(request)["data"]["payload"]["n"]
            return 500 if n == 1 and asyncio.get_running_loop().time() < 60 else 200

        house.fetch.answer = answer
        await house.tell(house.sending("a"), house.sending("a"), house.sending("b"), house.sending("b"))
        await house.settled()
        arrived = [(n, at) for n, at in zip(numbers(house.fetch), house.fetch.times, strict=True) if n != 1]
        assert [n for n, _ in arrived] == [3, 4, 2]
        assert arrived[1][1] < 1 < 60 <= arrived[2][1]


@in_turned_time
async def test_a_black_hole_swallows_nobody_else(idle: Idle) -> None:
    """WHK-05: an endpoint that never answers, with many more events than may be under way, beside one that does."""
    async with House(idle, Limits(under_way=20, held=100)) as house:
        house.targets |= {"hole": Target("http://hole.test/"), "path": Target("http://app.test/hole")}

        async def answer(request: FetchRequest) -> int:
            if request.url != APP:
                await asyncio.sleep(request.seconds)
                raise FetchFailed("timeout", "")
            return 200

        house.fetch.answer = answer
        for connection in ("hole", "path"):
            await house.tell(*(house.sending(f"{connection} {n}", connection_id=connection) for n in range(150)))
        await asyncio.sleep(0.5)
        assert house.fetch.under_way == 8
        house.targets["b"] = Target(APP)
        began = asyncio.get_running_loop().time()
        await house.tell(*(house.sending(f"b {n}", connection_id="b") for n in range(20)))
        while len(house.fetch.webhooks(APP)) < 20:  # noqa: ASYNC110 -- time is turned
            await asyncio.sleep(0.01)
        assert asyncio.get_running_loop().time() - began < 1
        assert house.fetch.most <= 60


@in_turned_time
async def test_an_application_whose_calls_name_many_dead_urls_slows_no_other_one(idle: Idle) -> None:
    async with House(idle) as house:

        async def answer(request: FetchRequest) -> int:
            if request.url != APP:
                await asyncio.sleep(request.seconds)
                raise FetchFailed("timeout", "")
            return 200

        house.fetch.answer = answer
        house.targets["dead"] = Target(seconds=10)
        for n in range(11):
            hooks = Hooks(f"http://hole-{n}.test/")
            await house.tell(*(house.sending(f"{n} {call}", connection_id="dead", hooks=hooks) for call in range(20)))
        await asyncio.sleep(1)
        await house.tell(*(house.sending(f"call {n}") for n in range(20)))
        await asyncio.sleep(0.5)
        assert len(house.fetch.webhooks(APP)) == 20


@in_turned_time
async def test_few_attempts_are_made_at_a_time_where_none_has_succeeded(idle: Idle) -> None:
    """And one alone after a failure; with every success more are, up to the limit."""
    async with House(idle, Limits(under_way=20)) as house:

        async def answer(_request: FetchRequest) -> int:
            await asyncio.sleep(1)
            if asyncio.get_running_loop().time() < 3:
                raise FetchFailed("timeout", "")
            return 200

        house.fetch.answer = answer
        await house.tell(*(house.sending(f"call {n}") for n in range(400)))
        await asyncio.sleep(0.5)
        assert house.fetch.under_way == 4
        await asyncio.sleep(1)
        assert house.fetch.under_way == 1
        await house.settled()
        assert house.fetch.most == 20


@in_turned_time
async def test_what_is_beyond_memory_waits_in_the_database(idle: Idle) -> None:
    async with House(idle, Limits(under_way=3, held=8)) as house:

        async def answer(request: FetchRequest) -> int:
            await asyncio.sleep(0.1)
            return 200

        house.fetch.answer = answer
        for n in range(100):
            await house.tell(house.sending(f"call {n % 7}"))
            held = sum(len(lane) for each in house.outbox._backlogs.values() for lane in each.lanes.values())  # pyright: ignore
            assert held <= 8
        rows = await house.settled()
        assert {row["status"] for row in rows} == {"delivered"}
        assert house.fetch.most <= 3
        arrived = numbers(house.fetch)
        assert sorted(arrived) == list(range(1, 101))
        for call in range(7):
            lane = [n for n in arrived if (n - 1) % 7 == call]
            assert lane == sorted(lane)


@in_turned_time
async def test_an_account_with_many_dead_endpoints_leaves_room_for_others(idle: Idle) -> None:
    async with House(idle, Limits(under_way=4, under_way_of_account=10, under_way_overall=12)) as house:

        async def answer(request: FetchRequest) -> int:
            if request.url != APP:
                await asyncio.sleep(request.seconds)
            return 200

        house.fetch.answer = answer
        for n in range(10):
            house.targets[f"hole {n}"] = Target(f"http://hole-{n}.test/", seconds=30)
            await house.tell(*(house.sending(f"{n} {call}", connection_id=f"hole {n}") for call in range(10)))
        await asyncio.sleep(1)
        assert house.fetch.under_way == 10
        await house.tell(*(house.sending(f"b {n}", account_id="other") for n in range(20)))
        await asyncio.sleep(0.5)
        assert len(house.fetch.webhooks(APP)) == 20


# ---- dead letters --------------------------------------------------------------------------------------------------


@in_turned_time
async def test_a_dead_letter_is_kept_and_sent_again_to_where_the_connection_says_today(idle: Idle) -> None:
    async with House(idle) as house:
        house.fetch.answer = failing(until=10, status=404)
        await house.tell(house.sending(), house.sending("b", hooks=Hooks("http://leg.test/")))
        dead, of_leg = await house.settled()
        assert (dead["status"], of_leg["status"]) == ("failed", "failed")
        [attempt] = msgspec.json.decode(dead["attempts"])
        assert (attempt["status"], attempt["errors"]) == ("failed", [1])
        assert attempt["http"]["request"]["url"] == APP
        assert attempt["http"]["response"]["status"] == 404
        house.targets["app"] = Target(SPARE)
        await asyncio.sleep(10)
        await house.outbox.redeliver(dead)
        await house.outbox.redeliver(of_leg)
        rows = await house.settled()
        assert {row["status"] for row in rows} == {"delivered"}
        again = house.fetch.webhooks(SPARE)
        assert [(each["data"]["id"], each["meta"]["attempt"]) for each in again] == [(dead["id"], 2)]
        assert len(house.fetch.webhooks("http://leg.test/")) == 2


@in_turned_time
async def test_what_is_old_is_forgotten_but_never_what_is_not_delivered(idle: Idle) -> None:
    async with House(idle, Limits(kept_seconds=100)) as house:
        await house.tell(house.sending())
        await asyncio.sleep(3450)
        assert [row["status"] for row in await house.rows()] == ["delivered"]
        house.fetch.answer = failing(until=10_000)
        await house.tell(house.sending())
        await asyncio.sleep(300)
        assert [(row["id"], row["status"]) for row in await house.rows()] == [("00000002", "pending")]


# ---- what survives -------------------------------------------------------------------------------------------------


def crashed(house: House) -> None:
    """The process is gone: nothing of the outbox happens any more, and nothing in memory is left."""
    outbox = house.outbox
    outbox.discard("account")
    outbox._sweeping.cancel()  # pyright: ignore
    outbox._marks.forget()  # pyright: ignore
    house.store._observers.clear()  # pyright: ignore


@pytest.mark.parametrize("requests", range(1, 24, 2))
def test_a_crash_at_any_attempt_loses_nothing(requests: int) -> None:
    async def test(idle: Idle) -> None:
        async with House(idle, Limits(held=4)) as house:
            died = asyncio.Event()

            async def flaky(request: FetchRequest) -> int:
                if len(house.fetch.requests) == requests:
                    died.set()
                    await asyncio.Event().wait()
                return 500 if read(request)["meta"]["attempt"] == 1 else 200

            house.fetch.answer = flaky
            await house.tell(*(house.sending(f"call {n % 2}") for n in range(12)))
            await died.wait()
            crashed(house)
            house.outbox = house.made()
            await house.outbox.start()
            rows = await house.settled()
            assert {row["status"] for row in rows} == {"delivered"}
            seen = numbers(house.fetch)
            assert set(seen) == set(range(1, 13))
            for call in range(2):
                lane = [n for n in dict.fromkeys(seen) if (n - 1) % 2 == call]
                assert lane == sorted(lane)

    idle = Idle()
    turned.run(test(idle), idle)


@in_turned_time
async def test_the_next_process_goes_on_with_the_count_and_without_a_wait(idle: Idle) -> None:
    async with House(idle) as house:
        house.fetch.answer = failing(until=100)
        await house.tell(house.sending())
        await asyncio.sleep(100)
        crashed(house)
        before = len(house.fetch.requests)
        at = asyncio.get_running_loop().time()
        house.outbox = house.made()
        await house.outbox.start()
        await house.settled()
        assert house.fetch.webhooks()[before]["meta"]["attempt"] == before + 1
        assert house.fetch.times[before] - at < 1


@pytest.mark.parametrize("held", [4, 1000])
def test_the_next_process_keeps_the_order_of_a_call_whichever_applications_its_legs_are_of(held: int) -> None:
    async def test(idle: Idle) -> None:
        async with House(idle, Limits(held=held)) as house:
            house.targets["other"] = Target(APP)
            house.fetch.answer = failing(until=10)
            for n in range(6):
                await house.tell(house.sending(f"call {n % 2}", connection_id=("other", "app")[n // 2 % 2]))
            crashed(house)
            await asyncio.sleep(10)
            before = len(house.fetch.requests)
            house.outbox = house.made()
            await house.outbox.start()
            await house.settled()
            seen = numbers(house.fetch)[before:]
            for call in range(2):
                lane = [n for n in seen if (n - 1) % 2 == call]
                assert lane == sorted(lane)

    idle = Idle()
    turned.run(test(idle), idle)


@in_turned_time
async def test_stopping_makes_first_attempts_and_waits_for_no_second(idle: Idle) -> None:
    house = House(idle)
    await house.outbox.start()
    house.fetch.answer = failing(until=1000)
    await house.tell(house.sending("failing"))
    await asyncio.sleep(5)
    house.fetch.answer = failing(until=0)
    await house.tell(house.sending("last"))
    at = asyncio.get_running_loop().time()
    await house.outbox.stop()
    assert asyncio.get_running_loop().time() - at < 1
    assert [row["status"] for row in await house.rows()] == ["pending", "delivered"]
    await house.store.close()


@in_turned_time
async def test_a_discarded_accounts_events_go_nowhere_any_more(idle: Idle) -> None:
    async with House(idle) as house:
        house.fetch.answer = failing(until=1000)
        await house.tell(house.sending(), house.sending(account_id="other"))
        await asyncio.sleep(2)
        house.outbox.discard("account")
        before = numbers(house.fetch).count(1)
        await asyncio.sleep(600)
        assert numbers(house.fetch).count(1) == before
        assert numbers(house.fetch).count(2) > before
