"""The browser SDK's door: an aiohttp handler for its websocket. Knows sockets and who may stay, nothing of calls.

Put `RtcDoor.handle` on path `/` (any query; clients add a few parameters that mean nothing here), behind
`origin.guard`, and build the runner with `RUNNER_OPTIONS`: they close unfinished upgrades.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import structlog
from aiohttp import WSCloseCode, WSMsgType, hdrs, web

from offhook.edge.attempts import Attempts
from offhook.edge.rtc_far_end import FarEnd
from offhook.edge.rtc_writer import AIOHTTP_LIMIT, Writer
from offhook.edge.text import shown
from offhook.engine.ports import Authenticator, Chance, Clock, Contact, Device, Exchange, Identity, LoginRefused
from offhook.wire import rtc
from offhook.wire import rtc_c2s as c2s
from offhook.wire.rtc_liveness import CloseReason
from offhook.wire.rtc_values import Code

_log = structlog.get_logger("offhook.edge")

MAX_MESSAGE = 256 * 1024
MAX_FAILURES_PER_SOCKET = 10
CLOSE_SECONDS = 5.0
# aiohttp closes a connection that has not brought a whole request after this long, however slowly it drips.
RUNNER_OPTIONS: dict[str, Any] = {"keepalive_timeout": 10.0}

TOKEN_EXPIRED = CloseReason(WSCloseCode.POLICY_VIOLATION, "token expired")
TOO_MANY_FAILURES = CloseReason(WSCloseCode.POLICY_VIOLATION, "too many failed logins")
GOING_AWAY = CloseReason(WSCloseCode.GOING_AWAY, "server is stopping")


def wants_websocket(request: web.Request) -> bool:
    """Whether a request for `/` is for this door or for a page."""
    return request.headers.get(hdrs.UPGRADE, "").lower() == "websocket"


class RtcDoor:
    """All websockets of the browser SDK's protocol."""

    def __init__(
        self,
        exchange: Exchange,
        authenticator: Authenticator,
        clock: Clock,
        chance: Chance,
        targets: Mapping[str, Callable[[str], Identity]] | None = None,
    ) -> None:
        """`targets` lets strangers in who want to reach one thing: by `target_type`, what makes an identity of a
        `target_id` or raises LoginRefused. Without it every anonymous login is refused."""
        self.exchange = exchange
        self.authenticator = authenticator
        self.clock = clock
        self.chance = chance
        self.attempts = Attempts()
        self._targets = targets or {}
        self._sockets: set[_Socket] = set()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One client, from upgrade to close."""
        # No compression: it triples the memory of an idle client, and inflation is an attack surface (RFC 7692).
        # aiohttp refuses what reaches its limit, we what passes ours.
        websocket = web.WebSocketResponse(
            compress=False, max_msg_size=MAX_MESSAGE + 1, timeout=CLOSE_SECONDS, writer_limit=AIOHTTP_LIMIT
        )
        await websocket.prepare(request)
        socket = _Socket(self, request, websocket)
        self._sockets.add(socket)
        try:
            await socket.run()
        finally:
            self._sockets.discard(socket)
            socket.over.set()
        return websocket

    def queued(self) -> int:
        """Bytes that all clients together have not taken yet, for the metrics."""
        return sum(socket.writer.pending for socket in self._sockets)

    def anonymous(self, login: c2s.AnonymousLogin) -> Identity:
        """Whom a stranger may be; LoginRefused where nothing is registered for the target."""
        target = self._targets.get(login.target_type)
        if target is None:
            raise LoginRefused
        return target(login.target_id)

    async def stop(self) -> None:
        """Close every socket with 1001. The browser SDK comes back by itself after that; after a punt it would not."""
        await self.close_all(GOING_AWAY)

    async def close_all(self, reason: CloseReason, spared: str = "") -> None:
        """Close every socket, what is queued for it first; returns when those that were here are logged off. The
        sockets of the account `spared` stay."""
        leaving = [socket for socket in self._sockets if not spared or socket.account_id != spared]
        await asyncio.gather(*(socket.leave(reason) for socket in leaving))


class _Socket:
    """One websocket: its reading loop, its one timer, its login."""

    def __init__(self, door: RtcDoor, request: web.Request, websocket: web.WebSocketResponse) -> None:
        transport = request.transport
        assert isinstance(transport, asyncio.Transport)  # prepared a moment ago, in this same task
        self._door = door
        self._websocket = websocket
        self._transport = transport
        self._contact = _contact(request, transport)
        self._connection = rtc.Connection(
            rtc.Role.SERVER, door.chance.uuid, door.clock.monotonic(), voice_sdk_id=door.chance.uuid()
        )
        self.writer = Writer(websocket, transport, door.clock, self._overflowed)
        self.over = asyncio.Event()
        self._far_end: FarEnd | None = None
        self._identity: Identity | None = None
        self._failures = 0
        self._timer: asyncio.TimerHandle | None = None
        self._closing: asyncio.Task[object] | None = None

    @property
    def account_id(self) -> str:
        """Whose client it is; empty while nobody has logged in."""
        return "" if self._identity is None else self._identity.account_id

    async def run(self) -> None:
        self._arm()
        try:
            async for message in self._websocket:
                if message.type is not WSMsgType.TEXT:
                    await self._not_text(message.type)
                    break
                await self._receive(message.data)
        finally:
            await self._gone()

    async def close(self, reason: CloseReason) -> None:
        """Send what is queued, say why and close; waits a few seconds for the client to agree (RFC 6455 section
        7.1.1)."""
        _log.info("rtc.closed", binding=self._binding, code=int(reason.code), why=reason.text)
        try:
            async with asyncio.timeout(2 * CLOSE_SECONDS):  # aiohttp waits for the send buffer to empty
                await self.writer.flush()
                await self._websocket.close(code=reason.code, message=reason.text.encode())
        except TimeoutError:
            self._abort("does not read the close frame")

    async def leave(self, reason: CloseReason) -> None:
        """Close, and wait until the client is logged off."""
        await self.close(reason)
        await self.over.wait()

    # ---- what comes in -------------------------------------------------------------------------------------

    async def _receive(self, text: str) -> None:
        for event in self._connection.receive(text, self._now()):
            try:
                self._handle(event)
            except Exception:
                # One broken request must cost neither this client its other calls nor anybody else anything.
                _log.exception("rtc.failed", binding=self._binding)
                self._fail(event)
        self.writer.write(self._connection.frames())
        await self.writer.flush()

    def _handle(self, event: rtc.Event) -> None:
        match event:
            case rtc.Received(message=c2s.Login() | c2s.AnonymousLogin() as login, ticket=int(ticket)):
                self._login(login, ticket)
            case rtc.Received(message=message, ticket=int(ticket)) if self._far_end is not None:
                self._far_end.hear(message, ticket)
            case rtc.Succeeded(request=request) if self._far_end is not None:
                self._far_end.acknowledged(request)
            case rtc.Ignored(what=what):
                _log.debug("rtc.ignored", binding=self._binding, what=what)
            case _:
                pass

    def _fail(self, event: rtc.Event) -> None:
        if isinstance(event, rtc.Received) and event.ticket is not None and self._connection.owes(event.ticket):
            self._connection.refuse(event.ticket, Code.CALL_ERROR, "internal error")

    async def _not_text(self, kind: WSMsgType) -> None:
        if kind is WSMsgType.BINARY:
            await self.close(CloseReason(WSCloseCode.UNSUPPORTED_DATA, "text frames only"))
            return
        _log.info("rtc.closed", binding=self._binding, code=self._websocket.close_code, why="websocket error")

    # ---- who it is -----------------------------------------------------------------------------------------

    def _login(self, login: c2s.Login | c2s.AnonymousLogin, ticket: int) -> None:
        attempts, key = self._door.attempts, (_guessable(login), self._contact.address)
        if attempts.blocked(key, self._now()):
            self._refuse_login(ticket, "Too many failed logins, try again in a minute")
            return
        try:
            identity = self._authenticate(login)
        except LoginRefused as refused:
            if key[0]:
                attempts.failed(key, self._now())
            self._refuse_login(ticket, str(refused))
            return
        if self._identity is not None and _name(identity) != _name(self._identity):
            self._refuse_login(ticket, "This socket belongs to another login")
            return
        self._accept_login(login, ticket, identity)

    def _authenticate(self, login: c2s.Login | c2s.AnonymousLogin) -> Identity:
        if isinstance(login, c2s.AnonymousLogin):
            return self._door.anonymous(login)
        if login.login and login.password:
            return self._door.authenticator.authenticate_password(login.login, login.password)
        if login.token:
            return self._door.authenticator.authenticate_token(login.token)
        raise LoginRefused

    def _refuse_login(self, ticket: int, text: str) -> None:
        self._failures += 1
        _log.info("rtc.login_refused", binding=self._binding, failures=self._failures)
        self._connection.refuse(ticket, Code.LOGIN_REFUSED, text)
        if self._failures >= MAX_FAILURES_PER_SOCKET:
            self._close_soon(TOO_MANY_FAILURES)

    def _accept_login(self, login: c2s.Login | c2s.AnonymousLogin, ticket: int, identity: Identity) -> None:
        # A client that names its session keeps the name: mobile ones compare it. It gives no rights.
        session = login.session_id or self._door.chance.uuid()
        if self._far_end is None:
            self._far_end = self._register(login, identity, session)
        else:
            self._door.exchange.renewed(self._far_end.binding, identity, _device(login))
        self._identity = identity
        self._connection.log_in(ticket, session)
        self._arm()

    def _register(self, login: c2s.Login | c2s.AnonymousLogin, identity: Identity, session: str) -> FarEnd:
        agent = shown(login.user_agent)
        contact = msgspec.structs.replace(self._contact, user_agent=agent, sessid=session, device=_device(login))
        far_end = FarEnd(self._connection, self._door.exchange, agent, self._send_soon, self._logged_off)
        far_end.binding = self._door.exchange.register(identity, contact, far_end)
        _log.info("rtc.registered", binding=far_end.binding, account=identity.account_id, user_agent=agent)
        return far_end

    # ---- what goes out, and the end ------------------------------------------------------------------------

    def _send_soon(self) -> None:
        if self._websocket.closed:
            self._connection.frames()
            return
        self.writer.write(self._connection.frames())
        self.writer.flush_soon()

    def _overflowed(self) -> None:
        self._abort("send queue is full")

    def _abort(self, why: str) -> None:
        """Drop a client that does not read: a close frame would only join the queue."""
        _log.warning("rtc.dropped", binding=self._binding, why=why)
        self._transport.abort()

    def _logged_off(self, reason: str) -> None:
        self._close_soon(CloseReason(WSCloseCode.POLICY_VIOLATION, reason[:100]))

    def _close_soon(self, reason: CloseReason) -> None:
        if self._closing is None:
            self._closing = asyncio.create_task(self.close(reason))

    async def _gone(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._far_end is not None:
            self._door.exchange.unregister(self._far_end.binding)
            _log.info("rtc.gone", binding=self._binding)
        await self.writer.stop()
        if self._closing is not None:
            await asyncio.gather(self._closing, return_exceptions=True)

    # ---- time ----------------------------------------------------------------------------------------------

    def _arm(self) -> None:
        """One timer, for whatever comes first. It is not moved when deadlines move away, it looks again instead."""
        if self._timer is not None:
            self._timer.cancel()
        wait = min(self._connection.deadline(), self.writer.stuck_at()) - self._now()
        self._timer = asyncio.get_running_loop().call_later(max(0.0, min(wait, self._until_expiry())), self._tick)

    def _tick(self) -> None:
        now = self._now()
        died = [event.reason for event in self._connection.tick(now) if isinstance(event, rtc.Died)]
        if died:
            self._close_soon(died[0])
        elif self._until_expiry() <= 0:
            self._close_soon(TOKEN_EXPIRED)
        elif now >= self.writer.stuck_at():
            self._abort("nothing read for 30 s")
        else:
            self._send_soon()
            self._arm()

    def _until_expiry(self) -> float:
        if self._identity is None or self._identity.token_expires_at is None:
            return float("inf")
        return self._identity.token_expires_at - self._door.clock.wall()

    def _now(self) -> float:
        return self._door.clock.monotonic()

    @property
    def _binding(self) -> str:
        return self._far_end.binding if self._far_end is not None else ""


def _guessable(login: c2s.Login | c2s.AnonymousLogin) -> str:
    """The name whose password is tried. Tokens cannot be guessed, and one stale token must not lock out an office."""
    return (login.login or "") if isinstance(login, c2s.Login) else ""


def _name(identity: Identity) -> tuple[str, str]:
    return identity.account_id, identity.username


def _device(login: c2s.Login | c2s.AnonymousLogin) -> Device | None:
    said = login.device if isinstance(login, c2s.Login) else None
    return said and Device(said.provider, said.token, said.environment or "", said.when_active)


def _contact(request: web.Request, transport: asyncio.Transport) -> Contact:
    peer: tuple[str, int] = (transport.get_extra_info("peername") or ("", 0))[:2]
    return Contact(peer[0], peer[1], "WSS" if request.secure else "WS")
