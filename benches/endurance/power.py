"""`offhook dev` on one database file, killed at random moments under a load of calls, commands and webhooks.

What must be true afterwards is checked against the database and what a webhook receiver was sent: every command that
was acknowledged took effect once, every event arrived under one id and in order, every leg has one end and one record.
"""

import asyncio
import base64
import contextlib
import itertools
import json
import random
import sqlite3
import tempfile
from collections import Counter, defaultdict
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
from aiohttp import web

from benches.crowd import CannedAudio, FarEnd, crowd
from benches.endurance.promise import Promise, Run
from benches.platform import Platform, start
from offhook.voice.bill import LEG_RECORDS

CALLERS = 4
UPDATES = 3
LIVE_SECONDS = 1.2
SETTLE_SECONDS = 60.0

Document = dict[str, Any]


class Order(NamedTuple):
    """One command, to be repeated word for word; `answer` is what it was told, if that came."""

    method: str
    path: str
    body: Document
    answer: Document | None


class Receiver:
    """Takes webhooks on a port that outlives the platform. `told` has each event once, in the order of arrival."""

    def __init__(self) -> None:
        self.told: dict[str, Document] = {}
        self.again = 0
        self._at: dict[tuple[str, str], asyncio.Event] = defaultdict(asyncio.Event)

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncGenerator[str, None]:
        """The URL, while the block runs."""
        app = web.Application()
        app.router.add_post("/", self._take)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
        finally:
            await runner.cleanup()

    async def heard(self, leg: str, event_type: str) -> None:
        """Wait until the receiver was told this of a leg."""
        await self._at[leg, event_type].wait()

    async def _take(self, request: web.Request) -> web.Response:
        data = (await request.json())["data"]
        self.again += data["id"] in self.told
        self.told.setdefault(data["id"], data)
        self._at[data["payload"].get("call_control_id", ""), data["event_type"]].set()
        return web.Response()


class Power:
    """One database file through many cuts. `broken` are the promises that did not hold, in words.

    The running platform has the file for itself, so it is read when the power is off: what is looked at then are the
    calls that had settled before.
    """

    def __init__(self, folder: Path, url: str, receiver: Receiver, chance: random.Random) -> None:
        self.broken: list[str] = []
        self.acknowledged = 0
        self._folder = folder
        self._options = ("--db", str(folder / "offhook.db"), "--webhook-url", url, "--log-level", "error")
        self._receiver = receiver
        self._chance = chance
        self._orders: list[Order] = []
        self._states: dict[str, set[str]] = defaultdict(set)
        self._settled: dict[str, Document] = {}
        self._numbers = itertools.count(1)

    async def cut(self, times: int) -> None:
        """So many rounds: load, kill, check what was over by then, start again, repeat what was ordered, settle."""
        platform = await start(self._folder, *self._options)
        try:
            for _ in range(times):
                await self._load_and_kill(platform)
                self._check()
                platform = await start(self._folder, *self._options)
                await self._repeat(platform)
                await self._settle(platform)
        finally:
            await platform.kill()
        self._check()

    # ---- the load ------------------------------------------------------------------------------------------------

    async def _load_and_kill(self, platform: Platform) -> None:
        async with crowd(platform.ws_url) as gathered, aiohttp.ClientSession() as http:
            audio = CannedAudio(gathered.core)
            john, jane = platform.identities
            phone = await gathered.join(john, audio)
            await gathered.join(jane, audio)
            callers = [self._keep_ordering(platform, http, jane.login) for _ in range(CALLERS)]
            tasks = [asyncio.create_task(each) for each in (*callers, self._keep_dialling(phone, platform))]
            await asyncio.sleep(self._chance.uniform(0.02, LIVE_SECONDS))
            await platform.kill()
            for task in tasks:
                task.cancel()
            for outcome in await asyncio.gather(*tasks, return_exceptions=True):
                if isinstance(outcome, AssertionError):
                    self.broken.append(str(outcome))

    async def _keep_dialling(self, phone: FarEnd, platform: Platform) -> None:
        """A client calls another one: two legs of one session."""
        while True:
            call = await phone.call(f"{platform.identities[1].login}@{platform.domain}")
            await phone.hang_up(call)

    async def _keep_ordering(self, platform: Platform, http: aiohttp.ClientSession, login: str) -> None:
        """A backend dials, tells the leg this and that once it is answered, and hangs up most of the time."""
        while True:
            to, state = f"sip:{login}@{platform.domain}", self._state()
            body = {"connection_id": platform.application, "to": to, "from": "+12025550100", "client_state": state}
            leg = (await self._order(platform, http, "POST", "/calls", body))["call_control_id"]
            self._states[leg].add(state)
            await self._receiver.heard(leg, "call.answered")
            for _ in range(UPDATES):
                state = self._state()
                self._states[leg].add(state)
                update = {"client_state": state}
                await self._order(platform, http, "PUT", f"/calls/{leg}/actions/client_state_update", update)
                self._states[leg] = {state}
            await self._order(platform, http, "POST", f"/calls/{leg}/actions/send_dtmf", {"digits": "1"})
            await self._chance.choice((self._queue, self._confer, self._speak))(platform, http, leg)
            if self._chance.random() < 0.7:
                await self._order(platform, http, "POST", f"/calls/{leg}/actions/hangup", {})

    async def _queue(self, platform: Platform, http: aiohttp.ClientSession, leg: str) -> None:
        """The leg waits in a queue of its own for a moment."""
        name = f"queue {next(self._numbers)}"
        await self._order(platform, http, "POST", f"/calls/{leg}/actions/enqueue", {"queue_name": name})
        await self._order(platform, http, "POST", f"/calls/{leg}/actions/leave_queue", {})

    async def _confer(self, platform: Platform, http: aiohttp.ClientSession, leg: str) -> None:
        """The leg is in a conference of its own for a moment."""
        body = {"call_control_id": leg, "name": f"conference {next(self._numbers)}"}
        id = (await self._order(platform, http, "POST", "/conferences", body))["id"]
        await self._order(platform, http, "POST", f"/conferences/{id}/actions/mute", {}, named=False)
        await self._order(platform, http, "POST", f"/conferences/{id}/actions/leave", {"call_control_id": leg})

    async def _speak(self, platform: Platform, http: aiohttp.ClientSession, leg: str) -> None:
        """The leg hears something, and hears it no more."""
        words = {"payload": "One moment, please.", "voice": "female"}
        await self._order(platform, http, "POST", f"/calls/{leg}/actions/speak", words)

    def _state(self) -> str:
        return base64.b64encode(f"state {next(self._numbers)}".encode()).decode()

    async def _order(
        self,
        platform: Platform,
        http: aiohttp.ClientSession,
        method: str,
        path: str,
        body: Document,
        *,
        named: bool = True,
    ) -> Document:
        """Order it; one that has a name is ordered again after the cut."""
        if not named:
            status, document = await platform.ask(http, method, path, body)
            assert status == 200, f"{path}: {status} {document}"
            return document["data"]
        body = body | {"command_id": f"command {next(self._numbers)}"}
        place = len(self._orders)
        self._orders.append(Order(method, path, body, None))
        status, document = await platform.ask(http, method, path, body)
        assert status == 200, f"{path}: {status} {document}"
        self._orders[place] = Order(method, path, body, document["data"])
        self.acknowledged += 1
        return document["data"]

    # ---- the morning after ---------------------------------------------------------------------------------------

    async def _repeat(self, platform: Platform) -> None:
        """Order everything again, as a backend does that got no answer, or lost its memory too."""
        async with aiohttp.ClientSession() as http:
            for order in self._orders:
                status, document = await platform.ask(http, order.method, order.path, order.body)
                if order.answer is not None and (status, document.get("data")) != (200, order.answer):
                    self.broken.append(f"{order.path}: acknowledged {order.answer}, then {status} {document}")
                elif status >= 500:
                    self.broken.append(f"{order.path}: {status} {document}")

    async def _settle(self, platform: Platform) -> None:
        """Wait until no leg lives and the receiver was told all there is to tell."""
        async with asyncio.timeout(SETTLE_SECONDS):
            # It is another process: there is nothing to wait on but time.
            while await platform.live_legs() or await _pending(platform):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        self._settled = dict(self._receiver.told)
        self._orders.clear()

    def _rows(self, table: str) -> list[sqlite3.Row]:
        with contextlib.closing(sqlite3.connect(f"file:{self._folder / 'offhook.db'}?mode=ro", uri=True)) as database:
            database.row_factory = sqlite3.Row
            return database.execute(f"select * from {table}").fetchall()

    # ---- what must be true ---------------------------------------------------------------------------------------

    def _check(self) -> None:
        told = list(self._settled.values())
        story: dict[str, list[str]] = defaultdict(list)
        for event in told:
            if event["event_type"].startswith("call."):  # those of conferences are in an order of their own
                story[event["payload"]["call_control_id"]].append(event["event_type"])
        for leg, types in story.items():
            self._expect(max(Counter(types).values()) == 1, f"{leg} was told of twice, under two ids: {types}")
            self._expect(types[0] == "call.initiated" and types[-1] == "call.hangup", f"{leg} has the story {types}")
        self._check_order(told)
        self._check_records(set(story))
        for event in told:
            leg, state = event["payload"]["call_control_id"], event["payload"]["client_state"]
            if event["event_type"] == "call.hangup" and leg in self._states:
                self._expect(state in self._states[leg], f"{leg} ended as {state}, not as {self._states[leg]}")

    def _check_order(self, told: list[Document]) -> None:
        """Within a session, and within a conference, events arrive in the order in which they were written; what was
        delivered has arrived, and nothing is given up."""
        rows = {row["id"]: row for row in self._rows("events")}
        last: dict[str, int] = {}
        for event in told:
            whose, number = rows[event["id"]]["order_key"], rows[event["id"]]["sequence"]
            self._expect(number > last.get(whose, -1), f"{event['event_type']} of {whose} came out of order")
            last[whose] = number
        delivered = {id for id, row in rows.items() if row["status"] == "delivered"}
        self._expect(delivered <= self._receiver.told.keys(), "something counts as delivered and never arrived")
        self._expect(not any(row["status"] == "failed" for row in rows.values()), "a delivery was given up")

    def _check_records(self, legs: set[str]) -> None:
        """One leg was dialled by each command, and each has one record."""
        records = Counter(row["call_control_id"] for row in self._rows("detail_records") if _is_leg(row))
        self._expect(legs <= records.keys(), f"legs without a record: {legs - records.keys()}")
        self._expect(max(records.values(), default=1) == 1, f"more than one record: {records.most_common(3)}")
        kept = {row["id"] for row in self._rows("legs")} & legs
        self._expect(not kept, f"legs that are over are still kept as live: {kept}")

    def _expect(self, held: bool, otherwise: str) -> None:
        if not held:
            self.broken.append(otherwise)


def _is_leg(row: sqlite3.Row) -> bool:
    return json.loads(row["document"])["record_type"] in LEG_RECORDS or row["record_type"] in LEG_RECORDS


async def _pending(platform: Platform) -> int:
    """How many webhooks are not delivered yet."""

    async def count(**query: str) -> int:
        found = await platform.rest("GET", "/webhook_deliveries", params={"page[size]": "1"} | query)
        return found["meta"]["total_results"]

    over = [await count(**{"filter[status][eq]": status}) for status in ("delivered", "failed")]
    return await count() - sum(over)


async def cuts(times: int, chance: random.Random, folder: Path) -> tuple[Power, Receiver]:
    """So many cuts of one database's platform; see `Power.broken`."""
    receiver = Receiver()
    async with receiver.listening() as url:
        power = Power(folder, url, receiver, chance)
        await power.cut(times)
    return power, receiver


async def power(run: Run) -> list[Promise]:
    """The server is killed at random moments under calls, commands and webhooks, and what it promised still holds."""
    times = run.many(200)
    with tempfile.TemporaryDirectory(prefix="offhook-soak-") as folder:
        cut, receiver = await cuts(times, run.chance, Path(folder))
    found = f"{times} cuts, {cut.acknowledged} commands, {len(receiver.told)} events, {receiver.again} of them again"
    promise = "a killed server loses nothing it acknowledged and does nothing twice"
    return [Promise(promise, not cut.broken, "; ".join([found, *cut.broken[:3]]))]
