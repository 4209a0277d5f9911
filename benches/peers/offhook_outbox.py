"""The platform's outbox in a process of its own: calls that are over and over answered, each a webhook.

`{"url": …, "calls": n, "each": m}` lets n calls tell m events each, every one in a transaction of its own and a call's
next when its last was delivered, and is answered once all are: with the CPU seconds that this took.
"""

import asyncio
import contextlib
import time
import uuid
from collections.abc import AsyncGenerator, Sequence

from benches.peers.lines import cpu, questions, tell
from offhook.cli.dev import rarely_collect_garbage
from offhook.edge.fetch import GuardedFetch
from offhook.engine.clock import SystemChance, SystemClock
from offhook.engine.outbox import Outbox
from offhook.engine.seed import DEV_ACCOUNT, DEV_APPLICATION, DEV_SIGNING_KEY
from offhook.engine.store import Change, Store, Write
from offhook.engine.telling import Teller
from offhook.voice.delivery import Application, Target
from offhook.voice.event import About, CallAnswered
from offhook.voice.leg import LegIds, Party


class Calls:
    """Tells events and hears of their delivery as the rest of the platform does: by committed transactions."""

    def __init__(self, store: Store, teller: Teller) -> None:
        self._store = store
        self._teller = teller
        self._delivered: dict[str, asyncio.Future[None]] = {}
        store.watch(self._wrote)

    async def tell(self, calls: int, each: int) -> None:
        await asyncio.gather(*(self._call(number, each) for number in range(calls)))

    async def _call(self, number: int, events: int) -> None:
        about = _about(number)
        for _ in range(events):
            _, rows = self._teller.prepared([CallAnswered(about, time.time())])
            delivered = self._delivered[_id(rows[0])] = asyncio.get_running_loop().create_future()
            await self._store.write(*rows)
            await delivered

    def _wrote(self, writes: Sequence[Write]) -> None:
        for write in writes:
            if isinstance(write, Change) and write.values.get("status") == "delivered":
                self._delivered.pop(write.id).set_result(None)


def _about(number: int) -> About:
    """A browser's call, with headers and a client state, as a parked one has them."""
    ids = LegIds(f"v3:{uuid.uuid4().hex}{uuid.uuid4().hex}", str(uuid.uuid4()), str(uuid.uuid4()))
    party = Party("john1234", DEV_ACCOUNT, DEV_APPLICATION, "john1234", "+12025550101", "John", str(uuid.uuid4()))
    return About(
        ids=ids,
        party=party,
        caller="+12025550101",
        called=f"+1202555{number:04}",
        caller_name="John",
        direction="outgoing",
        started_at=time.time(),
        client_state="eyJzdGVwIjoiZ3JlZXRpbmciLCJsYW5ndWFnZSI6ImVuIn0=",
        headers=(("X-RTC-CALLID", str(uuid.uuid4())), ("X-RTC-SESSID", party.sessid)),
    )


def _id(write: Write) -> str:
    assert not isinstance(write, Change)
    return write.row["id"]


@contextlib.asynccontextmanager
async def opened(url: str) -> AsyncGenerator[Calls, None]:
    """Calls whose webhooks go to this URL, with a database in memory as `offhook dev` has it."""
    clock, chance, store = SystemClock(), SystemChance(), Store.at(None)
    fetch = GuardedFetch("development")
    application = Application("bench", target=Target(url))
    outbox = Outbox(store, fetch, lambda _: application, DEV_SIGNING_KEY.sign, clock, chance)
    await outbox.start()
    try:
        yield Calls(store, Teller(outbox, clock, chance, "sip.telnyx.com"))
    finally:
        await outbox.stop()
        await fetch.close()
        await store.close()


async def main() -> None:
    rarely_collect_garbage()  # as the platform's process does
    async for question in questions():
        async with opened(question["url"]) as calls:
            await calls.tell(question["calls"], 2)  # what is used for the first time is not measured
            before = cpu()
            await calls.tell(question["calls"], question["each"])
            tell({"cpu": cpu() - before})


if __name__ == "__main__":
    asyncio.run(main())
