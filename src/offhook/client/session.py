"""The websocket of a client: opened, logged in, kept and, when lost, opened again. Knows the protocol, no call."""

from __future__ import annotations

import asyncio
import logging
import random
import uuid
from typing import Literal, Protocol
from urllib.parse import quote

from offhook.client import events as told
from offhook.client.backoff import Backoff
from offhook.client.emitter import Tasks
from offhook.client.requests import Outcome, Requests, Settled
from offhook.client.transport import Opener, Transport
from offhook.errors import (
    ConnectFailed,
    ConnectionLost,
    LoginRefused,
    NotConnected,
    OffhookError,
    Refused,
    RequestTimedOut,
)
from offhook.wire import rtc
from offhook.wire import rtc_c2s as c2s
from offhook.wire import rtc_s2c as s2c
from offhook.wire.rtc_values import Result

Phase = Literal["idle", "open", "ready", "waiting", "closed"]

REGISTERED = frozenset({"REGED", "REGISTER"})
ASK_AGAIN = frozenset({"UNREGED", "NOREG"})
COME_BACK = frozenset({"FAILED", "FAIL_WAIT", "TIMEOUT"})
MAX_ASKED = 5

log = logging.getLogger("offhook.client")


class Owner(Protocol):
    """Whoever wants to know: the client."""

    def emit(self, event: told.Event) -> None: ...
    def received(self, message: s2c.Message) -> None: ...
    def lost(self) -> None:
        """The websocket is gone, and what hung on it."""
        ...


class Session:
    """Talks to the platform for its owner. `open` it, `ask`, and `close` it."""

    def __init__(
        self, url: str, login: c2s.Login, owner: Owner, tasks: Tasks, opener: Opener, backoff: Backoff
    ) -> None:
        self.url = url
        self.phase: Phase = "idle"
        self._login = login
        self._owner = owner
        self._tasks = tasks
        self._opener = opener
        self._backoff = backoff
        self._transport: Transport | None = None
        self._connection: rtc.Connection | None = None
        self._requests = Requests()
        self._wake = asyncio.Event()  # for the writer: there may be something to write
        self._turn = asyncio.Event()  # for the timekeeper: its deadline may have moved
        self._settled = asyncio.Event()  # ready, or never to be: `failure` says why
        self._failure: OffhookError | None = None
        self._doom: asyncio.Future[None] | None = None  # ends the present websocket from outside its tasks
        self._attempt = 0
        self._asked = 0

    # ---- what the client calls -------------------------------------------------------------------------------

    async def open(self) -> str:
        """Connect; returns our own address. `start` or `close` comes next. ConnectFailed where nobody answers."""
        self._transport = await self._opener(self.url)
        return self._transport.address

    def start(self) -> None:
        """Log in, and stay so."""
        assert self._transport is not None  # `open` made it
        self.phase = "open"
        self._tasks.spawn(self._run(self._transport), "websocket")

    async def ready(self) -> None:
        """Wait until calls can be made; LoginRefused, ConnectFailed or NotConnected where they never will."""
        if self.phase == "idle":
            raise NotConnected("not connected: use `async with Client(…)`, or call `connect`")
        while self.phase != "ready":
            if self._failure is not None:
                raise self._failure
            self._settled.clear()
            await self._settled.wait()

    def ask(
        self, request: c2s.Message, seconds: float = 10.0, owner: str | None = None, settled: Settled | None = None
    ) -> asyncio.Future[Outcome]:
        """Send `request` now. Its outcome goes to `settled` at once, then to the future."""
        ticket, outcome = self._send(request)
        waiter = self._requests.expect(ticket, request.method, seconds, owner, settled)
        if outcome is not None:
            self._requests.settle(ticket, outcome)
        return waiter

    def forget(self, owner: str, error: OffhookError) -> None:
        """Settle everything that `owner` still waits for with `error`."""
        self._requests.fail(error, owner)

    async def close(self) -> None:
        """No more of it: who waits is told so, and the websocket is closed."""
        if self.phase != "closed":
            self._fail(NotConnected("the client was closed"))
        if self._transport is not None:
            await self._transport.close()

    # ---- one websocket after the other -----------------------------------------------------------------------

    async def _run(self, first: Transport) -> None:
        transport: Transport | None = first
        while transport is not None:
            try:
                await self._converse(transport)
            except ConnectionLost as lost:
                self._lose(str(lost))
            finally:
                await transport.close()
            transport = self._transport = await self._come_back()

    async def _converse(self, transport: Transport) -> None:
        """Until the end of this websocket, which is always a ConnectionLost."""
        connection = self._connect()
        doom = self._doom = asyncio.get_running_loop().create_future()
        self._owner.emit(told.Connected(self.url))
        self.ask(self._login_again(), settled=self._login_settled)
        writer = asyncio.create_task(self._write(transport, connection), name="websocket writer")
        reader = asyncio.create_task(self._read(transport, connection), name="websocket reader")
        timekeeper = asyncio.create_task(self._keep_time(connection), name="websocket timekeeper")
        parts = (reader, writer, timekeeper, doom)
        try:
            done, _ = await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
            done.pop().result()
        finally:
            for part in parts:
                part.cancel()
            await asyncio.gather(*parts, return_exceptions=True)

    def _connect(self) -> rtc.Connection:
        before = self._connection
        self.phase, self._asked = "open", 0
        self._connection = rtc.Connection(
            rtc.Role.CLIENT,
            ids=lambda: str(uuid.uuid4()),
            now=asyncio.get_running_loop().time(),
            voice_sdk_id=before.voice_sdk_id if before else "",
            session_id=before.session_id if before else "",
        )
        return self._connection

    async def _read(self, transport: Transport, connection: rtc.Connection) -> None:
        clock = asyncio.get_running_loop().time
        while True:
            text = await transport.receive()
            self._hear(connection.receive(text, clock()))

    async def _keep_time(self, connection: rtc.Connection) -> None:
        """Tell the protocol the time when it asks for it. A task of its own: a writer may be stuck in a dead socket."""
        clock = asyncio.get_running_loop().time
        while True:
            self._turn.clear()
            try:
                async with asyncio.timeout_at(connection.deadline()):
                    await self._turn.wait()
            except TimeoutError:
                self._hear(connection.tick(clock()))

    async def _write(self, transport: Transport, connection: rtc.Connection) -> None:
        while True:
            for frame in connection.frames():
                await transport.send(frame)
            self._wake.clear()
            await self._wake.wait()

    async def _come_back(self) -> Transport | None:
        """Try again, later and later; None where that is over."""
        while self.phase != "closed":
            self._attempt += 1
            delay = self._backoff.delay(self._attempt, random.random())
            if delay is None:
                self._fail(ConnectFailed(f"gave up after {self._attempt - 1} tries to come back"))
                return None
            self._owner.emit(told.Reconnecting(self._attempt, delay))
            await asyncio.sleep(delay)
            try:
                return await self._opener(self._return_url())
            except OffhookError as error:
                log.info("try %s failed: %s", self._attempt, error)
        return None

    def _return_url(self) -> str:
        token = self._connection.voice_sdk_id if self._connection else ""
        joint = "&" if "?" in self.url else "?"
        return f"{self.url}{joint}voice_sdk_id={quote(token, safe='')}" if token else self.url

    def _lose(self, reason: str) -> None:
        if self.phase != "closed":
            self.phase = "waiting"
        self._owner.emit(told.Disconnected(reason, wanted=False))
        self._owner.lost()
        self._requests.fail(ConnectionLost(reason))

    def _fail(self, error: OffhookError) -> None:
        """It is over and will not come back."""
        self.phase = "closed"
        self._failure = error
        self._settled.set()
        self._requests.fail(error)
        self._end_websocket(str(error))
        if not isinstance(error, NotConnected):
            self._owner.emit(told.ErrorRaised(error))

    def _end_websocket(self, reason: str) -> None:
        if self._doom is not None and not self._doom.done():
            self._doom.set_exception(ConnectionLost(reason))

    # ---- what is said ----------------------------------------------------------------------------------------

    def _send(self, request: c2s.Message) -> tuple[int, Outcome | None]:
        """(ticket, outcome where that is known already)."""
        if self._connection is None or self.phase not in ("open", "ready"):
            return self._requests.spare(), self._failure or ConnectionLost("not connected at the moment")
        ticket = self._connection.send(request)
        self._stir()
        if ticket is None:  # its call is over, and there is nobody left to ask
            return self._requests.spare(), Result()
        return ticket, None

    def _login_again(self) -> c2s.Login:
        connection = self._connection
        assert connection is not None  # `_converse` has made it
        if not connection.voice_sdk_id:
            return self._login
        return c2s.Login(
            login=self._login.login,
            password=self._login.password,
            token=self._login.token,
            user_agent_raw=self._login.user_agent_raw,
            reconnection=True,
            sessid=connection.session_id or None,
        )

    def _login_settled(self, outcome: Outcome) -> None:
        if isinstance(outcome, Refused):
            self._fail(LoginRefused(outcome.code, outcome.message))
        elif isinstance(outcome, RequestTimedOut):
            self._end_websocket(str(outcome))

    def _stir(self) -> None:
        """The protocol may have something to write now, and another deadline."""
        self._wake.set()
        self._turn.set()

    # ---- what is heard ---------------------------------------------------------------------------------------

    def _hear(self, happened: list[rtc.Event]) -> None:
        for event in happened:
            self._heard(event)
        self._stir()

    def _heard(self, event: rtc.Event) -> None:
        match event:
            case rtc.Received(message=message):
                if isinstance(message, s2c.Message):
                    self._received(message)
            case rtc.Succeeded(ticket=ticket, result=result):
                self._requests.settle(ticket, result)
            case rtc.Refused(ticket=ticket, request=request, code=code, text=text):
                call_id = request.call_id if isinstance(request, c2s.CallRequest) else ""
                self._requests.settle(ticket, Refused(call_id, code, text))
            case rtc.GatewayReported(params=params):
                self._registered(params.state)
            case rtc.Ignored(what=what):
                log.debug("ignored: %s", what)
            case rtc.Died(reason=reason):
                raise ConnectionLost(reason.text)

    def _received(self, message: s2c.Message) -> None:
        if isinstance(message, s2c.Punt) and message.call_id is None:
            self._fail(ConnectionLost("the platform logged this client off"))
            return
        self._owner.received(message)

    def _registered(self, state: str) -> None:
        if state in REGISTERED and self.phase == "open":
            self.phase, self._attempt = "ready", 0
            self._settled.set()
            self._owner.emit(told.Ready(self._connection.session_id if self._connection else ""))
        elif state in COME_BACK:
            raise ConnectionLost(f"the platform's gateway reports {state}")
        elif state in ASK_AGAIN:
            self._asked += 1
            if self._asked > MAX_ASKED:
                self._fail(LoginRefused(-32004, f"the platform keeps reporting {state}"))
            else:
                self._tasks.spawn(self._ask_later(), "registration")

    async def _ask_later(self) -> None:
        await asyncio.sleep(random.uniform(2, 6))
        if self.phase == "open" and self._connection is not None:
            self._connection.send(c2s.AskGatewayState())
            self._stir()
