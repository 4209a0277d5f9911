"""What accounts and outbound voice profiles have spent, in memory, kept equal to the detail records. Micro-dollars.

It is filled once from sums that the database makes, and then told of every committed write (`Store.watch`), so that a
limit is looked up without waiting and no second number can differ from the sum of the lines.
"""

from collections import Counter
from collections.abc import Sequence

import msgspec

from offhook.engine.ports import Clock
from offhook.engine.store import Add, Change, Drop, Put, Row, Store, Sum, Where, Write
from offhook.voice.rating import MICROS

DAY = 86_400
# What a new account may owe. This platform is the account's own, and nobody sends it a bill.
CREDIT = 1_000_000 * MICROS
NEW_ACCOUNT: Row = {"paid_in": 0, "credit_limit": CREDIT}


class Account(msgspec.Struct, frozen=True):
    """An account's money: what it has, and how far it may fall below nothing."""

    balance: int
    credit_limit: int

    @property
    def available(self) -> int:
        """What may still be spent."""
        return self.balance + self.credit_limit


class Spending:
    """Implements `voice.permission.Purse`. Days begin at midnight, UTC."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._accounts: dict[str, Row] = {}
        self._spent: Counter[str] = Counter()
        self._day = self._today()
        self._of_day: Counter[str] = Counter()

    async def follow(self, store: Store) -> None:
        """Take over what is stored, then keep up with it."""
        for row in await store.load("accounts"):
            self._accounts[row["id"]] = row
        for row in await store.sum(Sum("detail_records", "micros", ("account_id",))):
            self._spent[row["account_id"]] = row["micros"]
        since = (Where("created_at", "gte", float(self._day * DAY)),)
        for row in await store.sum(Sum("detail_records", "micros", ("outbound_voice_profile_id",), since)):
            if row["outbound_voice_profile_id"] is not None:
                self._of_day[row["outbound_voice_profile_id"]] = row["micros"]
        store.watch(self.wrote)

    def wrote(self, writes: Sequence[Write]) -> None:
        """A transaction was committed. Records are never dropped but all together, when a platform is reset."""
        for write in writes:
            match write:
                case Add(table="detail_records", row=row):
                    self._add(row)
                case Drop(table="detail_records", account_id=account_id):
                    self._spent.pop(account_id, None)
                    self._of_day.clear()
                case Add(table="accounts", row=row) | Put(table="accounts", row=row):
                    self._accounts[row["id"]] = row
                case Change(table="accounts", id=id, values=values):
                    self._accounts[id] = self._accounts[id] | values
                case _:
                    pass

    def account(self, id: str) -> Account:
        """How an account stands; KeyError where there is none."""
        row = self._accounts[id]
        return Account(row["paid_in"] - self._spent[id], row["credit_limit"])

    def spent_today(self, profile_id: str) -> int:
        """What connections with this outbound voice profile have spent since midnight, UTC."""
        self._turn_over()
        return self._of_day[profile_id]

    def available(self, account_id: str) -> int:
        """What the account may still spend."""
        return self.account(account_id).available if account_id in self._accounts else 0

    def _add(self, row: Row) -> None:
        self._turn_over()
        self._spent[row["account_id"]] += row["micros"]
        profile = row.get("outbound_voice_profile_id")
        if profile is not None and row["created_at"] >= self._day * DAY:
            self._of_day[profile] += row["micros"]

    def _turn_over(self) -> None:
        """Begin a new day, if it has begun."""
        if self._day != self._today():
            self._day = self._today()
            self._of_day.clear()

    def _today(self) -> int:
        return int(self._clock.wall()) // DAY
