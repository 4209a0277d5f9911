"""An account's money as the API shows it, and as its owner sets it. Knows no HTTP."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from offhook.engine.spending import Spending
from offhook.engine.store import Change, Store
from offhook.voice.rating import MICROS, dollars
from offhook.voice.resources.problem import rejected

Document = dict[str, Any]

_AMOUNT = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,6})?")
SETTABLE = ("paid_in", "credit_limit")


class Accounts:
    """Every method names the account and sees nothing of another one's. `currency` is that of the price plan."""

    def __init__(self, store: Store, spending: Spending, currency: str) -> None:
        self._store = store
        self._spending = spending
        self._currency = currency

    def balance(self, account_id: str) -> Document:
        """What was paid in less what all detail records cost together, to the micro-dollar."""
        account = self._spending.account(account_id)
        return {
            "available_credit": dollars(account.available),
            "balance": dollars(account.balance),
            "credit_limit": dollars(account.credit_limit),
            "currency": self._currency,
            "pending": "0",
            "record_type": "balance",
        }

    async def change(self, account_id: str, body: Mapping[str, Any]) -> Document:
        """Set how much was paid in altogether, and how much the account may owe; the balance that comes of it."""
        for name, value in body.items():
            if name not in SETTABLE:
                raise rejected("10015", f"Only {' and '.join(SETTABLE)} can be set.", pointer=f"/{name}")
            if not isinstance(value, str) or not _AMOUNT.fullmatch(value):
                raise rejected("10015", 'This must be an amount in quotes, such as "25.00".', pointer=f"/{name}")
        if body:
            values = {name: int(Decimal(value) * MICROS) for name, value in body.items()}
            await self._store.write(Change("accounts", account_id, account_id, values))
        return self.balance(account_id)
