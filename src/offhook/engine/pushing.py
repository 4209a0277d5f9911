"""Apps that sleep: which devices belong to a username, and the seam through which a push is offered. Sends none itself.

What sends is a plug-in: an entry point of the group `offhook.push` whose object, called without arguments, gives a
`Pusher`. None is built in, because Apple and Google take pushes from whoever made the app only.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from importlib.metadata import entry_points
from typing import Any, Protocol, cast

import msgspec
import structlog

from offhook.engine.ports import Clock, Device, Identity
from offhook.engine.store import Change, Drop, Load, Put, Row, Store, StoreError, Write
from offhook.engine.vault import Vault
from offhook.voice.directory import ConnectionCard
from offhook.voice.leg import LegIds
from offhook.voice.resources.problem import Rejected

GROUP = "offhook.push"
PUSH_SECONDS = 10.0
# Pushes under way; what comes on top is not offered.
MAX_AT_ONCE = 64
MAX_DEVICES = 8
_LOG_IN = {"password", "user_name"}
_log = structlog.get_logger("offhook.engine")


class Call(msgspec.Struct, frozen=True):
    """A call as the phone would show it, and the ids of the leg to it."""

    number: str
    name: str
    ids: LegIds


class Push(msgspec.Struct, frozen=True):
    """What a device is to be told: a call for `username` has come. `credential` is the push credential of the
    connection, with what it has of secrets, in the API's words. `ids` are those of the leg to `username`."""

    device: Device
    credential: dict[str, Any]
    username: str
    caller_number: str
    caller_name: str
    ids: LegIds


class Pusher(Protocol):
    """Sends pushes."""

    async def push(self, push: Push) -> None:
        """Send it. Whatever this raises is logged by its type, and the call goes on without; so it does after 10 s."""
        ...


class Nobody:
    """Takes no push: no plug-in is installed."""

    async def push(self, push: Push) -> None:  # noqa: ARG002
        raise NotInstalled


class NotInstalled(Exception):
    """There is no plug-in."""


def pusher() -> Pusher:
    """The first plug-in that is installed, or one that takes nothing."""
    found = list(entry_points(group=GROUP))
    return cast(Callable[[], Pusher], found[0].load())() if found else Nobody()


class Known(msgspec.Struct, frozen=True):
    """A device, and by which log-in it is known: a connection's own, or that of a telephony credential under it."""

    account_id: str
    connection_id: str
    credential_id: str | None
    username: str
    device: Device

    @property
    def id(self) -> str:
        """Of its row: the token itself is nobody's business."""
        return hashlib.sha256(f"{self.username}\n{self.device.token}".encode()).hexdigest()[:32]


class Waker:
    """The devices of all usernames, kept in the store, and what is offered to them. `load` it before any door opens."""

    def __init__(
        self,
        store: Store,
        vault: Vault,
        clock: Clock,
        connection: Callable[[str], ConnectionCard | None],
        credential: Callable[[str, str], Awaitable[dict[str, Any]]],
        pusher: Pusher,
    ) -> None:
        """`credential` is an account's push credential by its id; `Rejected` where it has none of that id."""
        self._store = store
        self._vault = vault
        self._clock = clock
        self._connection = connection
        self._credential = credential
        self._pusher = pusher
        self._known: dict[str, dict[str, Known]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        store.watch(self._wrote)

    async def load(self) -> None:
        """Know what an earlier run knew."""
        for row in await self._store.load(Load("push_devices", order=("created_at",))):
            known = msgspec.json.decode(self._vault.unseal(row["secret"], _place(row["id"])), type=Known)
            self._known.setdefault(known.username, {})[row["id"]] = known

    async def close(self) -> None:
        """Nobody is woken any more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def seen(self, who: Identity, device: Device | None) -> None:
        """Somebody has logged in, with this device; a username has the eight that were seen last."""
        if device is None:
            return
        known = Known(who.account_id, who.connection_id, who.credential_id, who.username, device)
        devices = self._known.setdefault(who.username, {})
        if list(devices.values())[-1:] == [known]:
            return
        devices.pop(known.id, None)
        devices[known.id] = known
        oldest = next(iter(devices))
        dropped = [self._dropped(devices.pop(oldest))] if len(devices) > MAX_DEVICES else []
        self._begin(self._write(Put("push_devices", self._row(known)), *dropped))

    def forget(self, username: str, token: str) -> None:
        """This device wants no pushes any more."""
        self._forget(known for known in self._known.get(username, {}).values() if known.device.token == token)

    def called(self, username: str, number: str, name: str, *, ids: LegIds, reached: bool) -> None:
        """A call comes for this username, whose sockets it has `reached`, or there are none. Its devices are offered a
        push, those that do not want one beside a socket only where there is none."""
        for known in self._known.get(username, {}).values():
            if reached and not known.device.when_active:
                continue
            if len(self._tasks) >= MAX_AT_ONCE:
                _log.warning("push not offered", username=username, why="too many are under way")
                return
            self._begin(self._offer(known, Call(number, name, ids)))

    def _wrote(self, writes: Sequence[Write]) -> None:
        """A log-in that is deleted, or whose password is another one, has no devices: a phone that was stolen is to be
        told no more who calls."""
        for write in writes:
            match write:
                case Drop(table="connections", id=id):
                    self._forget(known for known in self._all() if known.connection_id == id)
                case Change(table="connections", id=id, values=values) if values.keys() & _LOG_IN:
                    own = id, None
                    self._forget(known for known in self._all() if (known.connection_id, known.credential_id) == own)
                case Drop(table="credentials", id=id):
                    self._forget(known for known in self._all() if known.credential_id == id)
                case _:
                    pass

    def _all(self) -> Iterator[Known]:
        return (known for devices in self._known.values() for known in devices.values())

    def _forget(self, gone: Iterable[Known]) -> None:
        for known in list(gone):
            del self._known[known.username][known.id]
            self._begin(self._write(self._dropped(known)))

    async def _offer(self, known: Known, call: Call) -> None:
        outcome = await self._outcome(known, call)
        if outcome is not None:
            _log.info("push offered", username=known.username, provider=known.device.provider, outcome=outcome)

    async def _outcome(self, known: Known, call: Call) -> str | None:
        """What came of a push, in a word; None where the connection has no credential for such a device."""
        card = self._connection(known.connection_id)
        id = card and (card.ios_push_id if known.device.provider == "ios" else card.android_push_id)
        if not id:
            return None
        try:
            async with asyncio.timeout(PUSH_SECONDS):
                credential = await self._credential(known.account_id, id)
                await self._pusher.push(
                    Push(known.device, credential, known.username, call.number, call.name, call.ids)
                )
        except NotInstalled:
            return "no plug-in is installed"
        except (Rejected, StoreError):
            return "the credential is not to be had"
        except Exception as error:
            return type(error).__name__
        return "taken"

    def _row(self, known: Known) -> Row:
        sealed = self._vault.seal(msgspec.json.encode(known).decode(), _place(known.id))
        now = self._clock.wall()
        return {"id": known.id, "account_id": known.account_id, "created_at": now, "secret": sealed}

    def _dropped(self, known: Known) -> Drop:
        return Drop("push_devices", known.account_id, known.id)

    async def _write(self, *writes: Write) -> None:
        try:
            await self._store.write(*writes)
        except StoreError as error:
            _log.error("a push device was not stored", why=str(error))

    def _begin(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _place(id: str) -> str:
    return f"push_devices:{id}"
