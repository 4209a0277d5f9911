"""Category: engine. Balances and days: always the sums of the detail records, before a restart and after it."""

from collections.abc import AsyncIterator
from itertools import count

import pytest

from offhook.engine.accounts import Accounts
from offhook.engine.spending import CREDIT, DAY, Spending
from offhook.engine.store import Add, Change, Drop, Store, Write
from offhook.voice.resources.problem import Rejected

NOON = 1_800_000_000.0 // DAY * DAY + DAY / 2


class SetClock:
    def __init__(self) -> None:
        self.at = NOON

    def monotonic(self) -> float:
        return self.at

    def wall(self) -> float:
        return self.at


_ids = count()


def record(micros: int, at: float, profile: str | None = None, account: str = "a") -> Write:
    row = {
        "id": f"r{next(_ids)}", "account_id": account, "created_at": at, "record_type": "webrtc_detail_record",
        "started_at": at, "finished_at": at, "outbound_voice_profile_id": profile, "micros": micros, "document": "{}",
    }  # fmt: skip
    return Add("detail_records", row)


@pytest.fixture
async def store() -> AsyncIterator[Store]:
    made = Store.at(None)
    row = {"id": "a", "account_id": "a", "created_at": 0.0, "name": "a", "paid_in": 10_000_000, "credit_limit": 5}
    await made.write(Add("accounts", row))
    yield made
    await made.close()


async def following(store: Store, clock: SetClock) -> Spending:
    spending = Spending(clock)
    await spending.follow(store)
    return spending


async def test_the_balance_is_what_was_paid_in_less_the_sum_of_all_lines(store: Store) -> None:
    clock = SetClock()
    spending = await following(store, clock)
    await store.write(record(2_000, NOON), record(1, NOON), record(7, NOON, account="b"))
    for each in (spending, await following(store, clock)):
        assert each.account("a").balance == 10_000_000 - 2_001
        assert each.available("a") == 10_000_000 - 2_001 + 5
        assert each.available("nobody") == 0


async def test_a_day_ends_at_midnight_utc_and_a_restart_knows_what_it_has_seen(store: Store) -> None:
    clock = SetClock()
    spending = await following(store, clock)
    await store.write(record(1, NOON - DAY, "p"), record(20, NOON, "p"), record(300, NOON, "q"), record(4000, NOON))
    for each in (spending, await following(store, clock)):
        assert (each.spent_today("p"), each.spent_today("q"), each.spent_today("r")) == (20, 300, 0)
    clock.at += DAY / 2
    assert spending.spent_today("p") == 0
    await store.write(record(5, clock.at, "p"))
    assert (spending.spent_today("p"), (await following(store, clock)).spent_today("p")) == (5, 5)
    assert spending.account("a").balance == 10_000_000 - 4_326


async def test_a_reset_begins_anew(store: Store) -> None:
    spending = await following(store, SetClock())
    written = record(9, NOON, "p")
    await store.write(written)
    assert isinstance(written, Add)
    await store.write(Drop("detail_records", "a", written.row["id"]))
    assert (spending.account("a").balance, spending.spent_today("p")) == (10_000_000, 0)


async def test_the_owner_sets_what_was_paid_in_and_what_may_be_owed(store: Store) -> None:
    spending = await following(store, SetClock())
    accounts = Accounts(store, spending, "USD")
    await store.write(record(2_000, NOON))
    assert await accounts.change("a", {"paid_in": "25.00", "credit_limit": "0.5"}) == {
        "available_credit": "25.498", "balance": "24.998", "credit_limit": "0.5", "currency": "USD", "pending": "0",
        "record_type": "balance",
    }  # fmt: skip
    for wrong in ({"paid_in": 25}, {"paid_in": "-1"}, {"credit_limit": "1e3"}, {"name": "x"}):
        with pytest.raises(Rejected):
            await accounts.change("a", wrong)
    assert accounts.balance("a")["balance"] == "24.998"
    await store.write(Change("accounts", "a", "a", {"credit_limit": CREDIT}))
    assert spending.available("a") == 24_998_000 + CREDIT
