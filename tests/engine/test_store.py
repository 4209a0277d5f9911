"""Category: integration. The store on real SQLite: transactions, groups, questions, migrations, file modes."""

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from offhook.engine import sql
from offhook.engine.store import (
    Add,
    Backend,
    Change,
    Drop,
    Duplicate,
    Find,
    Forget,
    Load,
    Missing,
    Put,
    Store,
    Unavailable,
    Where,
    Write,
)


def profile(id: str, account: str = "a", **values: Any) -> dict[str, Any]:
    row = {
        "id": id, "account_id": account, "created_at": 1.0, "updated_at": 1.0, "name": id, "enabled": True,
        "settings": "{}",
        "service_plan": "global", "traffic_type": "conversational", "usage_payment_method": "rate-deck",
    }  # fmt: skip
    return row | values


def key(id: str, digest: str) -> dict[str, Any]:
    return {"id": id, "account_id": "a", "created_at": 1.0, "digest": digest}


@pytest.fixture(params=["memory", "file"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    store = Store.at(None if request.param == "memory" else tmp_path / "offhook.db")
    yield store
    await store.close()


async def names(store: Store, *where: Where, order: tuple[str, ...] = ("name",), **limits: int) -> list[str]:
    found = await store.find(Find("profiles", "a", where, order, **limits))
    return [row["name"] for row in found.rows]


async def test_the_server_loads_what_meets_conditions_and_forgets_what_is_old(store: Store) -> None:
    rows = [profile(str(n), account, created_at=float(n)) for n, account in enumerate("abab")]
    await store.write(*(Put("profiles", row) for row in rows))
    young = Load("profiles", (Where("created_at", "gte", 1.0),), ("-created_at",), limit=2)
    assert [row["id"] for row in await store.load(young)] == ["3", "2"]
    accounts = await store.load(Load("profiles", distinct=("account_id",), order=("account_id",)))
    assert accounts == [{"account_id": "a"}, {"account_id": "b"}]
    await store.write(Forget("profiles", (Where("created_at", "lt", 2.0), Where("account_id", "ne", "a"))))
    assert sorted(row["id"] for row in await store.load("profiles")) == ["0", "2", "3"]


async def test_rows_are_put_changed_and_dropped(store: Store) -> None:
    await store.write(Put("profiles", profile("1")), Put("profiles", profile("2")))
    await store.write(Put("profiles", profile("1", name="one")), Change("profiles", "a", "2", {"name": "two"}))
    assert await names(store) == ["one", "two"]
    await store.write(Drop("profiles", "a", "1"), Drop("profiles", "a", "1"))
    assert await names(store) == ["two"]


async def test_another_accounts_row_is_out_of_reach(store: Store) -> None:
    await store.write(Add("profiles", profile("1", "b")))
    with pytest.raises(Missing):
        await store.write(Change("profiles", "a", "1", {"name": "stolen"}))
    await store.write(Drop("profiles", "a", "1"))
    with pytest.raises(Duplicate):
        await store.write(Put("profiles", profile("1", "a", name="stolen")))
    assert [row["name"] for row in await store.load("profiles")] == ["1"]
    assert await names(store) == []


async def test_a_refused_transaction_leaves_no_trace_and_spoils_no_other(store: Store) -> None:
    await store.write(Add("api_keys", key("1", "same")))
    outcomes = await asyncio.gather(
        store.write(Add("profiles", profile("1"))),
        store.write(Add("profiles", profile("2")), Add("api_keys", key("2", "same"))),
        store.write(Add("profiles", profile("3"))),
        return_exceptions=True,
    )
    assert [type(outcome) for outcome in outcomes] == [type(None), Duplicate, type(None)]
    assert await names(store) == ["1", "3"]


async def test_a_change_into_a_taken_value_is_a_duplicate(store: Store) -> None:
    await store.write(Add("api_keys", key("1", "one")), Add("api_keys", key("2", "two")))
    with pytest.raises(Duplicate):
        await store.write(Change("api_keys", "a", "2", {"digest": "one"}))


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (Where("name", "contains", "AN"), ["banana", "mango"]),
        (Where("name", "contains", "%"), []),
        (Where("name", "starts_with", "Ba"), ["banana"]),
        (Where("name", "ends_with", "GO"), ["mango"]),
        (Where("name", "in", ("apple", "mango")), ["apple", "mango"]),
        (Where("name", "eq", "a'; DROP TABLE profiles; --"), []),
        (Where("created_at", "gte", 2.0), ["banana", "mango"]),
        (Where("created_at", "lt", 2.0), ["apple"]),
        (Where("settings", "ne", "{}"), []),
        (Where("name", "gt", "banana"), ["mango"]),
        (Where("name", "lte", "banana"), ["apple", "banana"]),
    ],
)
async def test_conditions(store: Store, where: Where, expected: list[str]) -> None:
    rows = [profile(name, created_at=number) for number, name in enumerate(("apple", "banana", "mango"), 1)]
    await store.write(*(Add("profiles", row) for row in rows))
    assert await names(store, where) == expected


async def test_pages_and_order(store: Store) -> None:
    await store.write(*(Add("profiles", profile(str(n), created_at=n % 2)) for n in range(5)))
    assert await names(store, order=("-created_at",)) == ["1", "3", "0", "2", "4"]
    assert await names(store, order=("-created_at",), limit=2, offset=2) == ["0", "2"]
    assert (await store.find(Find("profiles", "a", limit=1))).total == 5


async def test_observers_hear_of_commits_before_the_writer_goes_on(store: Store) -> None:
    heard: list[Sequence[Write]] = []
    store.watch(heard.append)
    added = Add("api_keys", key("1", "d"))
    await store.write(added)
    with pytest.raises(Duplicate):
        await store.write(Add("api_keys", key("2", "d")))
    assert heard == [(added,)]


async def test_an_abandoned_write_is_still_told_to_observers(store: Store) -> None:
    heard: list[Sequence[Write]] = []
    store.watch(heard.append)
    store.write(Add("profiles", profile("1"))).cancel()
    await store.load("profiles")
    assert len(heard) == 1


async def test_an_observer_that_fails_is_heard_of(store: Store) -> None:
    def fail(_: Sequence[Write]) -> None:
        raise KeyError("observer")

    store.watch(fail)
    with pytest.raises(KeyError, match="observer"):
        await store.write(Add("profiles", profile("1")))
    assert await names(store) == ["1"]


async def test_work_in_the_thread_is_reported(tmp_path: Path) -> None:
    changes: list[int] = []
    store = Store.at(None, changes.append)
    await asyncio.gather(store.load("legs"), store.write(Add("profiles", profile("1"))))
    assert changes == [1, 1, -1, -1]
    await store.close()


def modes(folder: Path) -> set[int]:
    return {file.stat().st_mode & 0o777 for file in folder.iterdir()}


async def test_a_file_keeps_its_rows_and_belongs_to_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "offhook.db"
    first = Store.at(path)
    await first.write(Add("profiles", profile("1")))
    assert modes(tmp_path) == {0o600}
    await first.close()
    second = Store.at(path)
    assert await names(second) == ["1"]
    await second.close()


async def test_a_file_has_one_server_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sql, "BUSY_MILLISECONDS", 20)
    path = tmp_path / "offhook.db"
    first = Store.at(path)
    await first.write(Add("profiles", profile("1")))
    second = Store.at(path)
    with pytest.raises(Unavailable, match="locked"):
        await second.load("profiles")
    await second.close()
    await first.close()
    third = Store.at(path)
    assert await names(third) == ["1"]
    await third.close()


async def test_a_store_that_cannot_open_says_so_to_everybody(tmp_path: Path) -> None:
    store = Store.at(tmp_path / "missing" / "offhook.db")
    with pytest.raises(Unavailable, match="missing"):
        await store.load("legs")
    await store.close()
    with pytest.raises(Unavailable, match="closed"):
        await store.load("legs")


async def test_waiting_writes_share_a_transaction() -> None:
    """While the thread is held, everything handed over gathers into one commit."""
    held, groups = threading.Event(), list[int]()

    class Slow:
        def transact(self, batch: Sequence[Sequence[Write]]) -> list[Exception | None]:
            held.wait(5)
            groups.append(len(batch))
            return [None] * len(batch)

        def close(self) -> None: ...

        find = load = None

    def opened() -> Backend:
        return Slow()  # type: ignore[return-value]

    store = Store(opened)
    first = store.write(Drop("legs", "a", "0"))
    rest: list[asyncio.Future[None]] = []
    for n in range(9):
        await asyncio.sleep(0)  # each is of a turn of its own
        rest.append(store.write(Drop("legs", "a", str(n))))
    await asyncio.sleep(0)  # the last is handed over at the end of its turn, too
    held.set()
    await asyncio.gather(first, *rest)
    assert sum(groups) == 10
    assert len(groups) <= 2
    await store.close()


async def test_what_one_turn_of_the_loop_brings_is_one_transaction() -> None:
    batches: list[int] = []

    class Noting(sql.Database):
        def transact(self, batch: Sequence[Sequence[Write]]) -> list[Exception | None]:
            batches.append(len(batch))
            return super().transact(batch)

    store = Store(lambda: Noting.sqlite(None))
    await store.load("profiles")  # the thread has nothing to do afterwards
    await asyncio.gather(*(store.write(Add("profiles", profile(str(n)))) for n in range(20)))
    last = store.write(Add("profiles", profile("last")))
    await store.close()
    await last
    assert batches == [20, 1]


def test_migrations_lead_to_the_tables_of_today() -> None:
    import sqlalchemy as sa
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext
    from alembic.script import ScriptDirectory

    from offhook.engine import migrations
    from offhook.engine.tables import metadata

    engine = sa.create_engine("sqlite://", poolclass=sa.StaticPool)
    migrations.upgrade(engine)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    folder = Path(migrations.__file__).parent
    assert ScriptDirectory(str(folder)).get_current_head() == migrations.HEAD
    engine.dispose()


def test_what_older_records_cost_is_summed_after_a_migration() -> None:
    import sqlalchemy as sa
    from alembic import command
    from alembic.config import Config

    from offhook.engine import migrations

    engine = sa.create_engine("sqlite://", poolclass=sa.StaticPool)
    with engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(Path(migrations.__file__).parent))
        config.attributes["connection"] = connection
        command.upgrade(config, "0004")
        for id, document in (("r", '{"cost": "0.004"}'), ("s", "{}")):
            row = {"id": id, "a": "a", "at": 1.0, "type": "webrtc_detail_record", "document": document}
            columns = "id, account_id, created_at, record_type, started_at, finished_at, document"
            values = ":id, :a, :at, :type, :at, :at, :document"
            connection.execute(sa.text(f"INSERT INTO detail_records ({columns}) VALUES ({values})"), row)
        connection.execute(sa.text("INSERT INTO accounts (id, account_id, created_at, name) VALUES ('a', 'a', 1, 'a')"))
    migrations.upgrade(engine)
    with engine.connect() as connection:
        costs = connection.execute(sa.text("SELECT id, micros FROM detail_records ORDER BY id")).all()
        assert costs == [("r", 4000), ("s", 0)]
        assert connection.execute(sa.text("SELECT paid_in, credit_limit FROM accounts")).all() == [(0, 10**12)]
    engine.dispose()


async def test_alike_writes_in_a_row_are_all_or_nothing_and_the_missing_one_is_named(store: Store) -> None:
    await store.write(*(Add("profiles", profile(str(n))) for n in range(5)))
    await store.write(*(Change("profiles", "a", str(n), {"name": f"new {n}"}) for n in range(5)))
    assert await names(store) == [f"new {n}" for n in range(5)]
    with pytest.raises(Missing, match="no gone in profiles"):
        await store.write(*(Change("profiles", "a", id, {"name": "never"}) for id in ("0", "gone", "1")))
    with pytest.raises(Duplicate):
        await store.write(*(Add("profiles", profile(id)) for id in ("7", "8", "1")))
    assert await names(store) == [f"new {n}" for n in range(5)]
