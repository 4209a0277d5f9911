"""Category: engine. Live legs as rows: what a call leaves behind, what a crash leaves behind, and what it costs."""

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from offhook.engine.idle import Idle
from offhook.engine.shadow import StoredShadow
from offhook.engine.store import Add, Find, Store, Unavailable, Write
from offhook.testing.clock import TurnedLoop
from offhook.voice.cause import ending
from offhook.voice.delivery import Application
from offhook.voice.effect import Close, Save
from offhook.voice.event import About, Event
from offhook.voice.leg import LegIds, Party
from offhook.voice.rating import STANDARD, PricePlan
from offhook.voice.usage import Usage

ALICE = Party("alice", "account", "connection", "alice", "+15550100001", "Alice", "sess")
BOB = Party("bob", "account", "connection", "bob", "bob")
START = 1_800_000_000.0


class SetClock:
    def __init__(self) -> None:
        self.at = START

    def monotonic(self) -> float:
        return self.at

    def wall(self) -> float:
        return self.at


def saved(n: int, answered: float | None = None) -> Save:
    ids = LegIds(f"v3:{n}", "session", f"leg {n}")
    stage = "trying" if answered is None else "answered"
    return Save(
        ids, ALICE, ALICE, "incoming", "sip:bob@sip.test", stage, "bridge", "call-id", START, answered, "c3RhdGU="
    )


def closed(n: int, seconds: float) -> Close:
    ids = LegIds(f"v3:{n}", "session", f"leg {n}")
    answered = START + 10 if seconds else None
    return Close(
        ids, BOB, ALICE, "outgoing", "sip:bob@sip.test", "call-id", START, answered, START + 10 + seconds, seconds,
        ending("NORMAL_CLEARING"),
    )  # fmt: skip


async def records(store: Store) -> list[dict[str, Any]]:
    found = await store.find(Find("detail_records", "account", order=("id",)))
    return [msgspec.json.decode(row["document"]) for row in found.rows]


async def legs(store: Store) -> dict[str, dict[str, Any]]:
    found = await store.find(Find("legs", "account"))
    return {row["id"]: row for row in found.rows}


@pytest.fixture
async def store() -> Any:
    made = Store.at(None)
    yield made
    await made.close()


async def test_a_live_leg_has_a_row_that_follows_it_and_goes_with_it(store: Store) -> None:
    clock = SetClock()
    shadow = StoredShadow(store, clock)
    await shadow.commit([saved(1)])
    row = (await legs(store))["v3:1"]
    assert (row["stage"], row["place"], row["answered_at"]) == ("trying", "bridge", None)
    assert (row["client_state"], row["heartbeat_at"]) == ("c3RhdGU=", START)
    await shadow.commit([saved(1, START + 3)])
    assert (await legs(store))["v3:1"]["answered_at"] == START + 3
    clock.at += 5
    await shadow.heartbeat(["v3:1", "v3:unknown"])
    assert (await legs(store))["v3:1"]["heartbeat_at"] == START + 5
    await shadow.commit([closed(1, 60)])
    assert await legs(store) == {}


async def test_a_beat_that_crosses_an_end_is_passed_over(store: Store) -> None:
    shadow = StoredShadow(store, SetClock())
    await shadow.commit([saved(1), saved(2)])
    ending_now = asyncio.ensure_future(shadow.commit([closed(1, 60)]))
    await asyncio.sleep(0)
    await shadow.heartbeat(["v3:1", "v3:2"])
    await ending_now
    assert set(await legs(store)) == {"v3:2"}


@pytest.mark.parametrize(
    ("seconds", "call_sec", "billed_sec", "cost"),
    [(0, 0, 0, "0"), (0.3, 1, 60, "0.002"), (50, 50, 60, "0.002"), (102, 102, 120, "0.004")],
)
async def test_the_detail_record_in_the_documented_form(
    store: Store, seconds: float, call_sec: int, billed_sec: int, cost: str
) -> None:
    shadow = StoredShadow(store, SetClock(), application=lambda id: Application(f"name of {id}"))
    await shadow.commit([closed(1, seconds)])
    [record] = await records(store)
    assert (record["call_sec"], record["billed_sec"], record["cost"]) == (call_sec, billed_sec, cost)
    assert (record["rate"], record["currency"]) == ("0.002", "USD")
    assert (record["direction"], record["auth_username"], record["connection_name"]) == (
        "inbound", "bob", "name of connection",
    )  # fmt: skip
    assert (record["cli"], record["caller_name"], record["cld"]) == ("+15550100001", "Alice", "sip:bob@sip.test")
    assert (record["telnyx_leg_id"], record["telnyx_session_id"], record["call_id"]) == ("leg 1", "session", "call-id")
    assert record["started_at"] == "2027-01-15T08:00:00.000Z"
    assert record["record_type"] == "webrtc_detail_record"


async def test_a_leg_has_one_record_and_a_second_is_refused_as_a_whole(store: Store) -> None:
    shadow = StoredShadow(store, SetClock())
    await shadow.commit([closed(1, 60)])
    with pytest.raises(Exception, match="duplicate"):
        await shadow.commit([saved(2), closed(1, 60)])
    assert len(await records(store)) == 1
    assert await legs(store) == {}


async def test_what_a_crash_left_gets_its_end_once_billed_to_the_last_heartbeat(store: Store) -> None:
    clock = SetClock()
    before = StoredShadow(store, clock)
    await before.commit([saved(1, START), saved(2)])
    clock.at += 61
    await before.heartbeat(["v3:1", "v3:2"])
    clock.at += 1000
    after = StoredShadow(store, clock)
    assert await after.recover() == 2
    assert await after.recover() == 0
    answered, unanswered = await records(store)
    assert (answered["call_sec"], answered["billed_sec"], answered["cost"]) == (61, 120, "0.004")
    assert answered["finished_at"] == "2027-01-15T08:01:01.000Z"
    assert (unanswered["call_sec"], unanswered["cost"]) == (0, "0")
    assert await legs(store) == {}


async def test_a_leg_whose_record_was_written_before_the_crash_gets_no_second_one(store: Store) -> None:
    clock = SetClock()
    shadow = StoredShadow(store, clock)
    await shadow.commit([closed(1, 60)])
    await shadow.commit([saved(1, START)])
    assert await shadow.recover() == 1
    [record] = await records(store)
    assert record["call_sec"] == 60
    assert await legs(store) == {}


class Told:
    """An outbox that only notes what it was given."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def prepared(self, events: Sequence[Event]) -> tuple[Sequence[Event], Sequence[Write]]:
        self.events += events
        return events, ()

    def told(self, events: Sequence[Event]) -> None: ...


async def test_what_a_crash_cut_off_is_charged_by_the_plan_that_was_agreed_add_ons_included(store: Store) -> None:
    clock, told = SetClock(), Told()
    agreed = PricePlan("dear", [msgspec.structs.replace(rate, micros=rate.micros * 10) for rate in STANDARD.rates])
    use = Usage("recording", "r", START).running(0, START)
    about = About(saved(1).ids, ALICE, "+15550100001", "bob", "Alice", "outgoing", START)
    before = StoredShadow(store, clock, lambda _: agreed)
    await before.commit([saved(1)])
    await before.commit([msgspec.structs.replace(saved(1, START), usages=(use,), about=about)])
    clock.at += 61
    await before.heartbeat(["v3:1"])
    after = StoredShadow(store, clock, application=lambda _: Application(tells_costs=True), outbox=told)
    assert await after.recover() == 1
    assert await after.recover() == 0
    found = await records(store)
    assert sorted((each["record_type"], each["billed_sec"], each["cost"]) for each in found) == [
        ("recording_detail_record", 120, "0.04"),
        ("webrtc_detail_record", 120, "0.04"),
    ]
    [hangup, cost] = told.events
    assert (hangup.type, hangup.fields()["hangup_cause"], hangup.at) == ("call.hangup", "unspecified", START + 61)
    assert (cost.type, cost.fields()["total_cost"]) == ("call.cost", "0.08")


async def test_the_cost_is_told_with_the_end_where_the_connection_wants_it_and_only_there(store: Store) -> None:
    told = Told()
    wants = {"connection": False}
    shadow = StoredShadow(store, SetClock(), application=lambda id: Application(tells_costs=wants[id]), outbox=told)
    about = About(closed(1, 1).ids, BOB, "+15550100001", "bob", "Alice", "incoming", START)
    await shadow.commit([msgspec.structs.replace(closed(1, 61), about=about)])
    wants["connection"] = True
    await shadow.commit([msgspec.structs.replace(closed(2, 61), about=about)])
    [cost] = told.events
    assert cost.fields() == {
        "billed_duration_secs": 120,
        "billing_group_id": None,
        "cost_parts": [
            {"billed_duration_secs": 120, "call_part": "webrtc", "cost": "0.004", "currency": "USD", "rate": "0.002"}
        ],
        "occurred_at": "2027-01-15T08:01:11.000000Z",
        "status": "success",
        "total_cost": "0.004",
    }


async def test_a_database_that_refuses_while_recovering_keeps_the_leg_for_the_next_start(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    shadow = StoredShadow(store, SetClock())
    await shadow.commit([saved(1, START)])
    write = store.write

    def refuses_records(*writes: Any) -> "asyncio.Future[None]":
        if not any(isinstance(each, Add) for each in writes):
            return write(*writes)
        refused: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        refused.set_exception(Unavailable("database or disk is full"))
        return refused

    with monkeypatch.context() as patched:
        patched.setattr(store, "write", refuses_records)
        with pytest.raises(Unavailable):
            await StoredShadow(store, SetClock()).recover()
    assert set(await legs(store)) == {"v3:1"}
    assert await StoredShadow(store, SetClock()).recover() == 1
    assert len(await records(store)) == 1
    assert await legs(store) == {}


async def test_what_cannot_be_written_is_told() -> None:
    store = Store.at(None)
    shadow = StoredShadow(store, SetClock())
    await shadow.commit([saved(1)])
    await store.close()
    with pytest.raises(Unavailable):
        await shadow.commit([saved(2)])
    with pytest.raises(Unavailable):
        await shadow.heartbeat(["v3:1"])


def test_the_turned_clock_waits_for_the_store() -> None:
    idle = Idle()

    async def main() -> float:
        store = Store.at(None, idle.report)
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(1):  # of turned time: passes at once if the clock does not wait
            for n in range(20):
                await StoredShadow(store, SetClock()).commit([saved(n)])
            await store.close()
        return loop.time()

    with asyncio.Runner(loop_factory=lambda: TurnedLoop(idle)) as runner:
        assert runner.run(main()) == 0.0
