"""A process that tells events and is killed: `python outbox_process.py FILE URL FIRST COUNT`.

Prints each number once its event is committed, `drained` once nothing is pending any more, then waits for its end.
"""

import asyncio
import sys
from pathlib import Path

from offhook.cli.logs import log_to_stderr
from offhook.edge.fetch import GuardedFetch
from offhook.engine.clock import SystemChance, SystemClock
from offhook.engine.outbox import Outbox, Sending
from offhook.engine.seed import DEV_SIGNING_KEY
from offhook.engine.store import Change, Store
from offhook.voice.delivery import Application, Target
from offhook.voice.hooks import Hooks

LANES = 3
HOOKS = Hooks(retries={"call.answered": (10, 20, 40, 80, 160)})


async def main(file: Path, url: str, first: int, count: int) -> None:
    store, clock, chance = Store.at(file), SystemClock(), SystemChance()
    application = Application("app", None, Target(url))
    outbox = Outbox(store, GuardedFetch("development"), lambda _: application, DEV_SIGNING_KEY.sign, clock, chance)
    ended = asyncio.Event()
    store.watch(lambda writes: ended.set() if any(isinstance(each, Change) for each in writes) else None)
    await outbox.start()
    for n in range(first, first + count):
        told = Sending("account", "app", str(n % LANES), "call.answered", {"n": n}, clock.wall(), HOOKS, chance.uuid())
        await store.write(*outbox.writes([told], clock.wall()))
        print(n, flush=True)
    while ended.clear() or any(row["status"] == "pending" for row in await store.load("events")):
        await ended.wait()
    print("drained", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    log_to_stderr("error")
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
