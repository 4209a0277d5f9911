"""Calls that follow TeXML documents: each has a task that lets its verbs run. Knows no verb and no rule of calls.

Verbs are generators (`voice.verbs`); what they ask for is done here: a command ordered, a document fetched, an event
waited for. Everything they order goes the way of every customer's commands.
"""

import asyncio
import base64
import contextlib
from collections import deque
from collections.abc import Callable, Generator, Sequence
from functools import partial
from typing import Any, Literal

import structlog

from offhook.engine.conference_orders import ConferenceOrders
from offhook.engine.courier import Signer
from offhook.engine.orders import Orders
from offhook.engine.places import queue_of
from offhook.engine.ports import Clock, Fetch, FetchFailed, FetchRequest, Ladders
from offhook.engine.switchboard import Switchboard
from offhook.voice.callbacks import Page
from offhook.voice.cause import Ending, ending
from offhook.voice.commands import CALL_COMMANDS, CONFERENCE_COMMANDS
from offhook.voice.commands.verb import RING, VERB_COMMANDS
from offhook.voice.event import About, CallAnswered, CallHungUp, CallInitiated, Event
from offhook.voice.ladder import Line
from offhook.voice.leg import Moment
from offhook.voice.resources.problem import Rejected
from offhook.voice.verbs import documents, steps
from offhook.voice.verbs.steps import Call, Failed, Fetched, Gone, QueueSeen, Redirected, Step
from offhook.voice.verbs.table import VERBS
from offhook.wire import texml, webhook

_log = structlog.get_logger("offhook.texml")

FETCH_SECONDS = 10.0
# So many events of a call may wait for its verbs.
MAX_EVENTS = 1000

_COMMANDS = CALL_COMMANDS | VERB_COMMANDS
_FAILED = ending("NORMAL_TEMPORARY_FAILURE", "internal error")


class Documents:
    """All calls of this platform that follow documents. `heard` takes every event once it is safe; `domain` is the SIP
    domain in which parties are named, `sign` makes an Ed25519 signature of 64 bytes."""

    def __init__(
        self,
        switchboard: Switchboard,
        orders: Orders,
        conferences: ConferenceOrders,
        fetch: Fetch,
        sign: Signer,
        clock: Clock,
        ladders: Ladders,
        domain: str,
    ) -> None:
        self.switchboard = switchboard
        self.orders = orders
        self.conferences = conferences
        self.clock = clock
        self.ladders = ladders
        self.domain = domain
        self._fetch = fetch
        self._sign = sign
        self._by_leg: dict[str, Follower] = {}
        self._by_session: dict[str, list[Follower]] = {}

    def heard(self, events: Sequence[Event]) -> None:
        """Something has happened to legs: those that follow documents begin, or go on."""
        for event in events:
            self._begin_if_due(event)
            for follower in tuple(self._by_session.get(event.about.ids.call_session_id, ())):
                follower.heard(event)

    def redirect(self, about: About, page: Page) -> None:
        """Let a live leg follow another document from now on."""
        follower = self._by_leg.get(about.ids.call_control_id)
        if follower is not None:
            follower.redirect(page)
        else:
            self._begin(about, page, "taken over")

    async def stop(self) -> None:
        """No document is followed any more; the calls are over."""
        followers = tuple(self._by_leg.values())
        for follower in followers:
            follower.task.cancel()
        await asyncio.gather(*(follower.task for follower in followers), return_exceptions=True)

    def listen(self, session: str, follower: "Follower") -> None:
        """Let a call hear of this session's events, too."""
        followers = self._by_session.setdefault(session, [])
        if follower not in followers:
            followers.append(follower)
            follower.sessions.append(session)

    async def fetch(self, it: steps.Fetch) -> Fetched | Failed:
        """Ask for a document, signed as webhooks are."""
        try:
            answer = await self._fetch.fetch(self._request(it))
        except FetchFailed as failed:
            return Failed(str(failed))
        except ValueError:
            return Failed("this is no URL")
        if not 200 <= answer.status < 300:
            return Failed(f"the answer was {answer.status}")
        return Fetched(answer.body, answer.url)

    def _request(self, it: steps.Fetch) -> FetchRequest:
        sent, timestamp = webhook.form(it.parameters), int(self.clock.wall())
        signature = base64.b64encode(self._sign(webhook.signed(timestamp, sent.encode()))).decode()
        return FetchRequest(
            url=webhook.with_query(it.url, sent) if it.method == "GET" else it.url,
            method=it.method,
            headers=webhook.headers(timestamp, signature, "texml"),
            body=sent.encode() if it.method == "POST" else b"",
            seconds=FETCH_SECONDS,
            limit=texml.MAX_BYTES,
        )

    def _begin_if_due(self, event: Event) -> None:
        """A leg that dialled follows its document at once, one that was dialled for one from its answer on."""
        callbacks, leg = event.about.hooks.callbacks, event.about.ids.call_control_id
        if callbacks is None or callbacks.page is None or leg in self._by_leg:
            return
        if isinstance(event, CallInitiated) and event.state == "parked":
            self._begin(event.about, callbacks.page, "dialled here")
        elif isinstance(event, CallAnswered):
            self._begin(event.about, callbacks.page, "answered")

    def _begin(self, about: About, page: Page, how: "How") -> None:
        follower = Follower(self, about, page, how, self._over)
        self._by_leg[about.ids.call_control_id] = follower
        self.listen(about.ids.call_session_id, follower)

    def _over(self, follower: "Follower") -> None:
        self._by_leg.pop(follower.call.leg, None)
        for session in follower.sessions:
            self._by_session[session].remove(follower)
            if not self._by_session[session]:
                del self._by_session[session]


# How a call comes to follow a document: it has dialled, and is answered first; it has answered; or it did something
# else until now.
How = Literal["dialled here", "answered", "taken over"]


class Follower:
    """One call that follows documents, and its task. `over` is called when that has ended."""

    def __init__(
        self, shell: Documents, about: About, page: Page, how: How, over: Callable[["Follower"], None]
    ) -> None:
        self.call = Call(about, VERBS, domain=shell.domain)
        self.sessions: list[str] = []
        self._shell = shell
        self._over = over
        self._events: deque[Event] = deque()
        self._ended: CallHungUp | None = None
        self._elsewhere: Page | None = None
        self._news = asyncio.Event()
        self.task = asyncio.get_running_loop().create_task(self._run(page, how), name=f"document {self.call.leg}")

    def heard(self, event: Event) -> None:
        """An event of a session that it hears of."""
        if isinstance(event, CallHungUp) and self.call.is_about(event):
            self._ended = event
        elif len(self._events) == MAX_EVENTS:
            self._events.popleft()  # nobody has waited for it
        self._events.append(event)
        self._news.set()

    def redirect(self, page: Page) -> None:
        """Another document takes the place of the one at hand."""
        self._elsewhere = page
        self._news.set()

    # ---- the course of the call ----------------------------------------------------------------------------------

    async def _run(self, page: Page, how: How) -> None:
        try:
            await self._take_up(how)
            self._hang_up(await self._follow(documents.follow(self.call, page, {})))
        except Exception:
            _log.exception("a document failed", session=self.call.about.ids.call_session_id)
            self._hang_up(_FAILED)
        finally:
            self._over(self)

    async def _take_up(self, how: How) -> None:
        if how == "dialled here":
            await self._order(steps.Order("answer", self.call.leg, {}))
        elif how == "taken over":
            await self._order(steps.Order("withdraw", self.call.leg, {}))

    async def _follow(self, verbs: Generator[Step, Any, Ending]) -> Ending:
        """Do what the verbs ask for, step by step; why the call then hangs up."""
        go_on: Callable[[], Step] = partial(next, verbs)
        while True:
            try:
                step = go_on()
            except StopIteration as over:
                return over.value
            except Gone as gone:
                return gone.event.ending
            try:
                go_on = partial(verbs.send, await self._do(step))
            except (Gone, Redirected) as news:
                go_on = partial(verbs.throw, news)

    async def _do(self, step: Step) -> Any:
        """Do one step; the answer. `Redirected` where the call was given another document meanwhile."""
        self._turn_aside()
        match step:
            case steps.Order():
                return await self._order(step)
            case steps.Fetch():
                return await self._fetched(step)
            case steps.Wait(until=until):
                return await self._waited(until)
            case steps.Look():
                return self._look(step)
            case steps.Listen(call_session_id=session):
                self._shell.listen(session, self)
            case steps.Clock():
                return self._shell.clock.monotonic()
            case steps.Note(text=text):
                self._note(text)
        return None

    def _turn_aside(self) -> None:
        if self._elsewhere is not None:
            page, self._elsewhere = self._elsewhere, None
            raise Redirected(page)

    # ---- steps -----------------------------------------------------------------------------------------------------

    async def _order(self, it: steps.Order) -> Any:
        account, orders = self.call.about.party.account_id, self._shell.orders
        try:
            if it.name == RING.name:
                return await orders.dial(account, it.body, RING)
            if it.place:
                rule = CONFERENCE_COMMANDS[it.name]
                return await self._shell.conferences.order(account, it.place, rule, it.body)
            return await orders.order(account, it.leg, _COMMANDS[it.name], it.body)
        except Rejected as why:
            return why

    async def _fetched(self, it: steps.Fetch) -> Fetched | Failed:
        """A document takes its time: meanwhile the call may be given another one, or end."""
        self._write("fetches a document", it.url)
        fetching = asyncio.ensure_future(self._shell.fetch(it))
        try:
            while not fetching.done():
                self._turn_aside()
                if self._ended is not None:
                    raise Gone(self.call, self._ended)
                self._news.clear()
                news = asyncio.ensure_future(self._news.wait())
                await asyncio.wait((fetching, news), return_when=asyncio.FIRST_COMPLETED)
                news.cancel()
            return fetching.result()
        finally:
            fetching.cancel()

    async def _waited(self, until: float | None) -> Event | None:
        """The next event, or None when it is time."""
        while not self._events:
            self._news.clear()
            left = None if until is None else until - self._shell.clock.monotonic()
            if left is not None and left <= 0:
                return None
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), left)
            self._turn_aside()
        return self._events.popleft()

    def _look(self, it: steps.Look) -> QueueSeen | None:
        queue = queue_of(self._shell.switchboard.queues.find(self.call.about.party.account_id, it.queue))
        if queue is None:
            return None
        now = Moment(self._shell.clock.monotonic(), self._shell.clock.wall())
        own = queue.turns.get(it.leg)
        return QueueSeen(
            id=queue.card.id,
            size=queue.size,
            position=queue.position(it.leg) if own else 0,
            waited=own.waited(now) if own else 0,
            average_wait=queue.average_wait(now),
            first=next((turn.about for turn in queue.turns.values() if turn.presence == "waiting"), None),
        )

    def _hang_up(self, why: Ending) -> None:
        if self._ended is None:
            self._shell.switchboard.hang_up_leg(self.call.leg, why)

    def _note(self, text: str) -> None:
        _log.warning("texml.note", session=self.call.about.ids.call_session_id, note=text)
        self._write(f"document: {text}")

    def _write(self, what: str, private: str = "") -> None:
        about = self.call.about
        line = Line(self._shell.clock.wall(), about.party.label, "", what, private, "quoted")
        self._shell.ladders.wrote(about.ids.call_session_id, [line])
