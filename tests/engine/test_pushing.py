"""Category: engine. Devices that are woken when their username is called: kept, forgotten, offered a push."""

import asyncio
from typing import Any

import pytest

from offhook.engine import pushing
from offhook.engine.clock import SystemClock
from offhook.engine.ports import Device, Identity
from offhook.engine.pushing import MAX_DEVICES, Push, Waker
from offhook.engine.store import Change, Drop, Find, Store, Write
from offhook.engine.vault import Vault
from offhook.voice.directory import ConnectionCard
from offhook.voice.leg import LegIds

WHO = Identity("account", "1", "anna")
PHONE = Device("android", "token-1", "debug")
IDS = LegIds("v3:control", "session", "leg")
BOTH = {"android_push_id": "credential-a", "ios_push_id": "credential-i"}


class Plugin:
    """Notes what it is offered; fails or hangs if it is told to."""

    def __init__(self) -> None:
        self.offered: asyncio.Queue[Push] = asyncio.Queue()
        self.failure: Exception | None = None
        self.hangs = False

    async def push(self, push: Push) -> None:
        self.offered.put_nowait(push)
        if self.failure is not None:
            raise self.failure
        if self.hangs:
            await asyncio.Event().wait()


class Room:
    """A waker over a store in memory, for a connection with credentials for both kinds of phones."""

    def __init__(self, store: Store | None = None, vault: Vault | None = None, **card: Any) -> None:
        self.store = store or Store.at(None)
        self.vault = vault or Vault.fresh()
        self.plugin = Plugin()
        self.cards = {"1": ConnectionCard("1", "account", "Desk", "desk", **(card or BOTH))}
        self.waker = Waker(self.store, self.vault, SystemClock(), self.cards.get, self._credential, self.plugin)

    async def _credential(self, account_id: str, id: str) -> dict[str, Any]:
        return {"id": id, "account_id": account_id}

    async def anew(self) -> "Room":
        """After a restart."""
        await self.settled()
        await self.waker.close()
        made = Room(self.store, self.vault)
        await made.waker.load()
        return made

    async def settled(self) -> None:
        """What was begun is done."""
        await asyncio.gather(*self.waker._tasks)  # pyright: ignore[reportPrivateUsage]

    async def rows(self) -> list[Any]:
        return (await self.store.find(Find("push_devices", "account"))).rows

    async def close(self) -> None:
        await self.waker.close()
        await self.store.close()


async def test_a_device_survives_a_restart_sealed_and_is_forgotten_when_it_says_so() -> None:
    room = Room()
    room.waker.seen(WHO, PHONE)
    room = await room.anew()
    assert b"token-1" not in (await room.rows())[0]["secret"]
    room.waker.called("anna", "+12025550100", "Carol", ids=IDS, reached=False)
    push = await room.plugin.offered.get()
    assert push == Push(PHONE, {"id": "credential-a", "account_id": "account"}, "anna", "+12025550100", "Carol", IDS)
    room.waker.forget("anna", "token-1")
    room = await room.anew()
    room.waker.called("anna", "", "", ids=IDS, reached=False)
    await room.settled()
    assert room.plugin.offered.empty()
    await room.close()


@pytest.mark.parametrize(
    ("device", "reached", "card", "offered"),
    [
        (PHONE, False, BOTH, 1),
        (PHONE, True, BOTH, 0),
        (Device("ios", "t", when_active=True), True, BOTH, 1),
        (Device("ios", "t"), False, {"android_push_id": "credential-a"}, 0),
    ],
)
async def test_who_is_offered_a_push(device: Device, reached: bool, card: dict[str, str], offered: int) -> None:
    room = Room(**card)
    room.waker.seen(WHO, device)
    room.waker.called("anna", "", "", ids=IDS, reached=reached)
    room.waker.called("somebody", "", "", ids=IDS, reached=reached)
    await room.settled()
    assert room.plugin.offered.qsize() == offered
    await room.close()


async def test_a_username_has_the_devices_that_were_seen_last() -> None:
    room = Room()
    for number in range(MAX_DEVICES):
        room.waker.seen(WHO, Device("ios", f"token-{number}"))
    for number in (0, MAX_DEVICES, MAX_DEVICES + 1):
        room.waker.seen(WHO, Device("ios", f"token-{number}"))
        room.waker.seen(WHO, Device("ios", f"token-{number}"))
    room = await room.anew()
    room.waker.called("anna", "", "", ids=IDS, reached=False)
    await room.settled()
    tokens = [room.plugin.offered.get_nowait().device.token for _ in range(MAX_DEVICES)]
    assert tokens == [f"token-{number}" for number in (*range(3, MAX_DEVICES), 0, MAX_DEVICES, MAX_DEVICES + 1)]
    assert len(await room.rows()) == MAX_DEVICES
    await room.close()


@pytest.mark.parametrize(
    ("write", "left"),
    [
        (Drop("connections", "account", "1"), []),
        (Change("connections", "account", "1", {"password": b"another"}), ["bob"]),
        (Change("connections", "account", "1", {"active": True}), ["anna", "bob"]),
        (Drop("credentials", "account", "k"), ["anna"]),
    ],
)
async def test_a_log_in_that_is_deleted_or_has_another_password_has_no_devices(write: Write, left: list[str]) -> None:
    room = Room()
    room.waker.seen(WHO, PHONE)
    room.waker.seen(Identity("account", "1", "bob", credential_id="k"), PHONE)
    room.waker._wrote([write])  # pyright: ignore[reportPrivateUsage]
    room = await room.anew()
    for username in ("anna", "bob"):
        room.waker.called(username, "", "", ids=IDS, reached=False)
    await room.settled()
    assert [room.plugin.offered.get_nowait().username for _ in range(room.plugin.offered.qsize())] == left
    assert len(await room.rows()) == len(left)
    await room.close()


async def test_a_plug_in_that_fails_or_hangs_harms_nobody_and_is_told_without_the_token(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(pushing, "PUSH_SECONDS", 0.01)
    room = Room()
    room.waker.seen(WHO, PHONE)
    room.plugin.failure = OSError("token-1 was refused")
    room.waker.called("anna", "", "", ids=IDS, reached=False)
    await room.settled()
    room.plugin.failure, room.plugin.hangs = None, True
    room.waker.called("anna", "", "", ids=IDS, reached=False)
    await room.settled()
    told = capsys.readouterr().out
    assert [word for word in ("OSError", "TimeoutError") if word not in told] == []
    assert "token-1" not in told
    await room.close()
