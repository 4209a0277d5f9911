"""Thousands of calls between phones that behave as people do, over the real platform and the Python SDK."""

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable
from typing import Any

from benches.endurance.promise import Promise, Run
from benches.platform import Identity, Platform, running
from offhook import Call, Client, OffhookError, events
from offhook.client.script import Behaviour, answer, hang_up, ignore, reject, ring, then, wait
from offhook.client.transport import Transport, open_websocket

PHONES = 12
AT_ONCE = 8
PATIENCE_SECONDS = 1.0
LISTEN_SECONDS = 0.5
END_SECONDS = 15.0
SETTLE_SECONDS = 20.0
SPARE_FILES = 4


class Line:
    """The websocket of one phone, which can be cut."""

    def __init__(self) -> None:
        self._transport: Transport | None = None

    async def open(self, url: str) -> Transport:
        self._transport = await open_websocket(url)
        return self._transport

    async def cut(self) -> None:
        """As when a laptop is closed: the phone finds out, and comes back by itself."""
        if self._transport is not None:
            await self._transport.close()


class Person:
    """A phone whose owner does something else with every call."""

    def __init__(self, url: str, who: Identity, chance: random.Random, seen: Counter[str]) -> None:
        self.login = who.login
        self.legs: set[str] = set()
        self.stuck = 0
        self._line = Line()
        self._chance = chance
        self._seen = seen
        self.client = Client(url, login=who.login, password=who.password, transport=self._line.open)

    @contextlib.asynccontextmanager
    async def at_the_phone(self) -> AsyncGenerator["Person", None]:
        async with self.client:
            self.client.on(events.IncomingCall, self._called)
            await self.client.ready()
            yield self

    async def dial(self, destination: str) -> None:
        """One call, to whatever end it comes."""
        what = self._chance.choice(CALLER)
        self._seen[f"caller: {what}"] += 1
        try:
            call = await self.client.new_call(destination)
            await self._go_on(call, what)
            await self._expect_its_end(call)
        except OffhookError as refused:
            self._seen[type(refused).__name__] += 1
            await self.client.ready()

    async def _go_on(self, call: Call, what: str) -> None:
        if what == "cancel":
            await asyncio.sleep(self._chance.random() * 0.2)
        elif not await within(PATIENCE_SECONDS, call.answered()):
            self._seen["caller: gives up"] += 1
        elif what == "drop":
            await self._line.cut()
            return
        elif what == "listen" and await within(LISTEN_SECONDS, call.ended()):
            return
        else:
            await asyncio.sleep(self._chance.random() * 0.2)
        await call.hangup()

    async def _expect_its_end(self, call: Call) -> None:
        if not await within(END_SECONDS, call.ended()):
            self.stuck += 1
            call.abandon()
        self.legs |= {call.ids.leg} - {""}

    async def _called(self, event: events.IncomingCall) -> None:
        what = self._chance.choice(tuple(CALLED))
        self._seen[f"callee: {what}"] += 1
        self.legs |= {event.call.ids.leg} - {""}
        if what == "drop":
            await self._line.cut()
            return
        with contextlib.suppress(OffhookError):
            await CALLED[what](event.call)


CALLER = ("talk", "talk", "talk", "listen", "listen", "cancel", "drop")
CALLED: dict[str, Behaviour] = {
    "talk": then(answer(), wait(10)),
    "talk after a while": then(ring(seconds=0.1), answer(), wait(10)),
    "hang up": then(answer(), hang_up(after=0.1)),
    "hang up at once": then(answer(), hang_up()),
    "busy": reject(),
    "reject": reject("CALL_REJECTED"),
    "no answer": then(ring(seconds=0.5), reject("NO_ANSWER")),
    "let it ring": ignore(),
    "drop": ignore(),
}


async def within(seconds: float, awaited: Awaitable[object]) -> bool:
    """Whether it came in time; its error is raised."""
    try:
        async with asyncio.timeout(seconds):
            await awaited
    except TimeoutError:
        return False
    return True


async def calls(run: Run) -> list[Promise]:
    """Nothing is left of any call but one record for each of its legs."""
    seen: Counter[str] = Counter()
    async with running("--log-level", "warning") as platform, contextlib.AsyncExitStack() as stack:
        who = await platform.credentials(PHONES)
        people = [
            await stack.enter_async_context(Person(platform.ws_url, each, run.chance, seen).at_the_phone())
            for each in who
        ]
        await _play(people, run.chance, platform.domain, run.many(400, least=40))
        files, memory = platform.files(), platform.resident()
        count = run.many(4_000, least=100)
        await _play(people, run.chance, platform.domain, count)
        live = await _settled(platform)
        records = await platform.detail_records()
        grown = platform.files() - files
        stuck = sum(person.stuck for person in people)
        return [
            Promise("every call comes to its end at its phone", stuck == 0, f"{count} calls, {stuck} stuck"),
            Promise("no leg is alive after the last call", not live, f"{count} calls, {len(live)} left"),
            _one_record_each(records, set().union(*(person.legs for person in people))),
            Promise(
                "files and ports do not grow", grown <= SPARE_FILES,
                f"{grown:+d} files, {(platform.resident() - memory) / 1024 / count:+.1f} KiB a call",
            ),
            Promise("everything happened", _everything(seen), ", ".join(f"{n} {k}" for k, n in sorted(seen.items()))),
        ]  # fmt: skip


async def _play(people: list[Person], chance: random.Random, domain: str, count: int) -> None:
    """So many calls, some at once; a phone makes one at a time, and may be called meanwhile."""
    left = iter(range(count))
    async with asyncio.TaskGroup() as group:
        for caller in people[:AT_ONCE]:
            group.create_task(_dial_on(caller, people, chance, domain, left))


async def _dial_on(caller: Person, people: list[Person], chance: random.Random, domain: str, left: Any) -> None:
    for _ in left:
        callee = chance.choice([person for person in people if person is not caller])
        await caller.dial(f"{callee.login}@{domain}")


def _everything(seen: Counter[str]) -> bool:
    return all(f"callee: {what}" in seen for what in CALLED) and all(f"caller: {what}" in seen for what in CALLER)


async def _settled(platform: Platform) -> list[str]:
    """The legs that are still alive when all calls have had time to end."""
    until = asyncio.get_running_loop().time() + SETTLE_SECONDS
    while live := await platform.live_legs():
        if asyncio.get_running_loop().time() > until:
            break
        await asyncio.sleep(0.2)
    return live


def _one_record_each(records: list[dict[str, Any]], known: set[str]) -> Promise:
    written = Counter(record["telnyx_leg_id"] for record in records)
    twice = [leg for leg, times in written.items() if times > 1]
    missing = known - written.keys()
    found = f"{len(written)} records, {len(known)} legs known to phones, {len(missing)} missing, {len(twice)} twice"
    return Promise("exactly one record for every leg", not twice and not missing and bool(known), found)
