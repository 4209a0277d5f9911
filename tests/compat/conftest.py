"""What the compatibility tests share: the official Python package, and the REST API in a thread of its own."""

import asyncio
import base64
import importlib
import sys
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

import pytest
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from stage import running, stage

sys.path.append(str(Path(__file__).parents[2] / "tools"))
import compat_env

sys.path.append(str(compat_env.python_packages()))

from offhook.edge.fetch import GuardedFetch
from offhook.edge.rest.app import owner_routes, rest_app
from offhook.edge.rest.webhooks import webhook_routes
from offhook.engine.active import ActiveCall
from offhook.engine.clock import SystemChance, SystemClock
from offhook.engine.outbox import Outbox, Sending
from offhook.engine.platform import Identities
from offhook.engine.store import Change, Write
from offhook.voice.binding import Bindings

# The browser stage, for the modules that want it.
__all__ = ("running", "stage")

T = TypeVar("T")


@pytest.fixture(scope="session")
def node_modules() -> Path:
    """Where the official browser SDK is installed."""
    return compat_env.node_modules()


@pytest.fixture(scope="session")
def official() -> ModuleType:
    """The official Python package, unmodified."""
    return importlib.import_module("telnyx")


class TurnedClock(SystemClock):
    """Wall time that a test can move."""

    ahead = 0.0

    def wall(self) -> float:
        return super().wall() + self.ahead


class Rest:
    """A running API with two accounts. `do` runs a coroutine function in its loop."""

    def __init__(self) -> None:
        self.clock = TurnedClock()
        self.bindings = Bindings()
        self.active: list[ActiveCall] = []
        self.logged_off: list[tuple[str, str]] = []
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name="rest")
        self._thread.start()
        self.do(self._start)

    def do(self, work: Callable[..., Awaitable[T]], *arguments: Any) -> T:
        async def run() -> T:
            return await work(*arguments)

        return asyncio.run_coroutine_threadsafe(run(), self.loop).result(20)

    def calls(self, account_id: str, connection_id: str, now: float) -> list[ActiveCall]:
        return [call for call in self.active if (call.account_id, call.connection_id) == (account_id, connection_id)]

    async def _start(self) -> None:
        self.identities = await Identities.open(None, self.clock, SystemChance(), self.bindings)
        self.identities.log_off = lambda binding, reason: self.logged_off.append((binding, reason))
        self.account = await self.identities.add_account("One")
        self.key = await self.identities.add_api_key(self.account)
        self.other_key = await self.identities.add_api_key(await self.identities.add_account("Other"))
        self.signing_key = Ed25519PrivateKey.generate()
        self._fetch = GuardedFetch("development")
        self.outbox = Outbox(
            self.identities.store,
            self._fetch,
            self.identities.directory.application,
            self.signing_key.sign,
            self.clock,
            SystemChance(),
        )
        await self.outbox.start()
        self._ended: Counter[str] = Counter()
        self._ending = asyncio.Event()
        self.identities.store.watch(self._wrote)
        more = webhook_routes(self.identities.webhook_deliveries, self.outbox)
        app = web.Application()
        app.add_routes(owner_routes(self.identities))
        app.add_subapp("/v2", rest_app(self.identities, self, self.clock, more))
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.port = self._runner.addresses[0][1]
        self.root = f"http://127.0.0.1:{self.port}"
        self.base_url = self.root + "/v2"

    def _wrote(self, writes: Sequence[Write]) -> None:
        for write in writes:
            if isinstance(write, Change) and write.values.get("status") in ("delivered", "failed"):
                self._ended[write.id] += 1
                self._ending.set()

    async def ended(self, webhook: str, times: int = 1) -> None:
        """Wait until this webhook was delivered, or given up, so many times."""
        while self._ended[webhook] < times:
            self._ending.clear()
            await self._ending.wait()

    async def tell(self, *sendings: Sending) -> None:
        """These events happened."""
        await self.identities.store.write(*self.outbox.writes(sendings, self.clock.wall()))

    @property
    def public_key(self) -> str:
        """As TELNYX_PUBLIC_KEY has it."""
        return base64.b64encode(self.signing_key.public_key().public_bytes_raw()).decode()

    async def _drain(self) -> None:
        """Connections that are still being closed must not outlive the loop."""
        rest = asyncio.all_tasks() - {asyncio.current_task()}
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)

    def stop(self) -> None:
        self.do(self._runner.cleanup)
        self.do(self.outbox.stop)
        self.do(self._fetch.close)
        self.do(self.identities.close)
        self.do(self._drain)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()


@pytest.fixture(scope="module")
def rest() -> Iterator[Rest]:
    """One API for a module's tests; they name what they make so that they do not meet."""
    running = Rest()
    yield running
    running.stop()
