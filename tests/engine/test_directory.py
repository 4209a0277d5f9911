"""Category: property. The directory in memory never differs from what is stored, whatever is done in which order."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from offhook.engine.clock import SystemChance, SystemClock
from offhook.engine.directory import MemoryDirectory
from offhook.engine.platform import Identities
from offhook.engine.store import Change, StoreError
from offhook.engine.vault import Vault
from offhook.voice.binding import Bindings
from offhook.voice.resources.problem import Rejected

NAMES = ("user1", "user2", "user3")
NUMBERS = ("+13125550100", "+13125550101")
Step = tuple[str, int, int]


class Model:
    """One platform, and steps that pick among what there is."""

    def __init__(self, identities: Identities) -> None:
        self.identities = identities
        self.connections: list[str] = []
        self.credentials: list[str] = []
        self.numbers: list[str] = []

    async def connect(self, name: int, secret: int) -> None:
        body = {"connection_name": "c", "user_name": NAMES[name % 3], "password": f"long secret {secret}"}
        self.connections.append((await self.identities.credential_connections.create("a", body))["id"])

    async def rename(self, which: int, name: int) -> None:
        id = picked(self.connections, which)
        body = {"user_name": NAMES[name % 3], "active": bool(name % 2), "inbound": {"channel_limit": name + 1}}
        await self.identities.credential_connections.update("a", id, body)

    async def disconnect(self, which: int, _: int) -> None:
        await self.identities.credential_connections.delete("a", picked(self.connections, which))

    async def issue(self, which: int, _: int) -> None:
        body = {"connection_id": picked(self.connections, which)}
        self.credentials.append((await self.identities.telephony_credentials.create("a", body))["id"])

    async def expire(self, which: int, _: int) -> None:
        body = {"expires_at": "2020-01-01"}
        await self.identities.telephony_credentials.update("a", picked(self.credentials, which), body)

    async def withdraw(self, which: int, _: int) -> None:
        await self.identities.telephony_credentials.delete("a", picked(self.credentials, which))

    async def number(self, which: int, _: int) -> None:
        self.numbers.append((await self.identities.phone_numbers.add("a", NUMBERS[which % 2]))["id"])

    async def assign(self, which: int, connection: int) -> None:
        body = {"connection_id": picked(self.connections, connection) if connection % 3 else ""}
        await self.identities.phone_numbers.update("a", picked(self.numbers, which), body)

    async def release(self, which: int, _: int) -> None:
        await self.identities.phone_numbers.delete("a", picked(self.numbers, which))

    async def fail(self, which: int, _: int) -> None:
        """A transaction whose first write would have been seen."""
        seen = Change("connections", "a", picked(self.connections, which), {"connection_name": "never"})
        await self.identities.store.write(seen, Change("accounts", "a", "nobody", {"name": "x"}))


def picked(ids: list[str], which: int) -> str:
    return ids[which % len(ids)] if ids else "1" * 19


STEPS = ("connect", "rename", "disconnect", "issue", "expire", "withdraw", "number", "assign", "release", "fail")
steps = st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 5), st.integers(0, 5)), max_size=25)


@settings(max_examples=60, deadline=None)
@given(steps, st.booleans())
def test_memory_equals_what_is_stored(todo: list[Step], at_once: bool) -> None:
    asyncio.run(_compare(todo, at_once))


async def _compare(todo: list[Step], at_once: bool) -> None:
    vault = Vault(bytes(32))
    identities = await Identities.open(None, SystemClock(), SystemChance(), Bindings(), vault=vault)
    await identities.add_account("a", "a")
    model = Model(identities)
    try:
        if at_once:
            await asyncio.gather(*(_do(model, step) for step in todo))
        else:
            for step in todo:
                await _do(model, step)
        fresh = MemoryDirectory(vault)
        await fresh.follow(identities.store)
        for look in looks(model):
            assert look(identities.directory) == look(fresh)
    finally:
        await identities.close()


async def _do(model: Model, step: Step) -> None:
    with contextlib.suppress(Rejected, StoreError):
        await getattr(model, step[0])(step[1], step[2])


def looks(model: Model) -> list[Callable[[MemoryDirectory], Any]]:
    """Everything that can be asked of a directory about what the steps made."""
    found: list[Callable[[MemoryDirectory], Any]] = []
    for name in NAMES:
        found += [lambda d, name=name: d.connection_of_username(name), lambda d, name=name: d.secret(name)]
    for id in model.connections:
        found += [lambda d, id=id: d.connection(id), lambda d, id=id: sorted(d.credentials_of(id), key=lambda c: c.id)]
        found += [lambda d, id=id: sorted(d.numbers_of(id), key=lambda card: card.id)]
    for id in model.credentials:
        found += [lambda d, id=id: d.credential(id)]
    for number in NUMBERS:
        found += [lambda d, number=number: d.number(number)]
    return found
