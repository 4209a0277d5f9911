"""A platform and a media core in memory, for the client's tests: honest about the protocol, no sockets, no audio."""

import asyncio
import itertools
import uuid
from collections.abc import Callable
from typing import Any, TypeVar

from offhook.errors import ConnectFailed, ConnectionLost
from offhook.media import commands, events
from offhook.wire import rtc
from offhook.wire import rtc_c2s as c2s
from offhook.wire import rtc_s2c as s2c
from offhook.wire.rtc_values import CallResult, Code, Done

M = TypeVar("M")

SDP = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\n"
WITH_CANDIDATE = SDP + "a=candidate:1 1 udp 1 127.0.0.1 5000 typ host\r\na=end-of-candidates\r\n"
BAD_SDP = "v=0\r\ns=refused by the core\r\n"


class LoopbackCore:
    """Grants every request whose SDP is not BAD_SDP and remembers every command. `tell` makes an event happen."""

    def __init__(self) -> None:
        self.sent: list[commands.Command] = []
        self.open: set[int] = set()
        self.closed = False
        self._ports = itertools.count(1)
        self._handlers: dict[int, Callable[[events.Event], None]] = {}

    def new_port(self) -> int:
        return next(self._ports)

    def attach(self, port: int, handler: Callable[[events.Event], None]) -> None:
        self._handlers[port] = handler

    def detach(self, port: int) -> None:
        self._handlers.pop(port, None)

    def ask(self, request: commands.Request) -> events.Reply:
        match request:
            case commands.AnswerPort(port=port, offer=offer):
                return self._granted(port, offer, events.Described(WITH_CANDIDATE, "opus"), opens=True)
            case commands.OfferPort(port=port):
                return self._granted(port, "", events.Described(WITH_CANDIDATE), opens=True)
            case commands.AcceptAnswer(port=port, answer=answer):
                return self._granted(port, answer, events.Done("opus"))
            case commands.AnswerReoffer(port=port, offer=offer):
                return self._granted(port, offer, events.Described(SDP))
            case commands.Reoffer(port=port):
                return self._granted(port, "", events.Described(SDP))
            case commands.ReadStats(port=port):
                return self._granted(port, "", no_stats(port))

    def _granted(self, port: int, sdp: str, reply: events.Reply, opens: bool = False) -> events.Reply:
        if sdp == BAD_SDP:
            return events.Refused("no_audio", "no audio in it")
        if opens:
            self.open.add(port)
        return reply if port in self.open else events.Refused("unknown_port", str(port))

    def send(self, *batch: commands.Command) -> None:
        self.sent += batch
        for command in batch:
            if isinstance(command, commands.ClosePort):
                self.open.discard(command.port)

    def close(self) -> None:
        self.closed = True

    def tell(self, event: Any) -> None:
        if handler := self._handlers.get(event.port):
            handler(event)

    def connect(self, port: int = 1) -> None:
        self.tell(events.PortConnected(port, "udp", "127.0.0.1:1", "127.0.0.1:2"))

    def of(self, kind: type[M]) -> list[M]:
        return [command for command in self.sent if isinstance(command, kind)]

    def play_fed(self, port: int = 1) -> None:
        """Every chunk fed and not yet played has been sent now."""
        fed = self.of(commands.Feed)
        played = 0.0
        for chunk in fed:
            played += len(chunk.pcm) / 2 / chunk.rate * 1000
            self.tell(events.FeedPlayed(port, chunk.mark, round(played)))


def no_stats(port: int) -> events.PortStats:
    return events.PortStats(port, "opus", None, events.Direction(), events.Direction())


class Pipe:
    """One websocket in memory, seen from the client."""

    address = "127.0.0.1"

    def __init__(self, platform: "LoopbackPlatform") -> None:
        self._platform = platform
        self._texts: asyncio.Queue[bytes | None] = asyncio.Queue()

    async def send(self, text: bytes) -> None:
        self._platform.receive(text)

    async def receive(self) -> str:
        text = await self._texts.get()
        if text is None:
            raise ConnectionLost("the pipe broke")
        return text.decode()

    async def close(self) -> None:
        self._platform.pipe_closed(self)

    def deliver(self, text: bytes | None) -> None:
        self._texts.put_nowait(text)


class LoopbackPlatform:
    """The server's end. It logs everybody in and grants every request, unless `refuses` has an error for its class;
    `mute` are the classes it does not answer at all."""

    def __init__(self) -> None:
        self.said: list[Any] = []
        self.refuses: dict[type[Any], tuple[Code, str]] = {}
        self.mute: set[type[Any]] = set()
        self.urls: list[str] = []
        self.down = False
        self.silent = False  # hears nothing on this websocket any more; the next one is well again
        self.survivors: tuple[str, ...] = ()
        self.held = False
        self.sdp = SDP
        self.connection: rtc.Connection
        self.pipe: Pipe | None = None
        self._ids = itertools.count(1)
        self._waiters: list[tuple[type[Any], asyncio.Future[Any]]] = []

    async def open(self, url: str) -> Pipe:
        """The opener to give to a client."""
        self.urls.append(url)
        self.silent = False
        if self.down:
            raise ConnectFailed("the platform is down")
        self.connection = rtc.Connection(
            rtc.Role.SERVER, lambda: f"server-{next(self._ids)}", 0.0, voice_sdk_id=str(uuid.uuid4())
        )
        self.pipe = Pipe(self)
        return self.pipe

    def receive(self, text: bytes) -> None:
        if self.silent:
            return
        for event in self.connection.receive(text, 0.0):
            if isinstance(event, rtc.Received):
                self._received(event.message, event.ticket)
        self.flush()

    def _received(self, message: Any, ticket: int | None) -> None:
        self.said.append(message)
        if ticket is not None and type(message) not in self.mute:
            self._answer(message, ticket)
        for kind, waiter in tuple(self._waiters):
            if isinstance(message, kind) and not waiter.done():
                waiter.set_result(message)

    def _answer(self, message: Any, ticket: int) -> None:
        if type(message) in self.refuses:
            self.connection.refuse(ticket, *self.refuses[type(message)])
        elif isinstance(message, c2s.Login):
            self.connection.log_in(ticket, "session-1", self.survivors)
        elif isinstance(message, c2s.Modify):
            self.held = {"hold": True, "unhold": False}.get(message.action, not self.held)
            hold_state = "held" if self.held else "active"
            self.connection.answer(ticket, CallResult(action=message.action, hold_state=hold_state, sdp=self.sdp))
        elif message.result_type is CallResult:
            self.connection.answer(ticket, CallResult(message="OK"))
        else:
            self.connection.answer(ticket, Done())

    async def heard(self, kind: type[M]) -> M:
        """The first message of that class, said already or to come."""
        for message in self.said:
            if isinstance(message, kind):
                return message
        waiter: asyncio.Future[M] = asyncio.get_running_loop().create_future()
        self._waiters.append((kind, waiter))
        return await waiter

    def all(self, kind: type[M]) -> list[M]:
        return [message for message in self.said if isinstance(message, kind)]

    def say(self, message: s2c.Message) -> None:
        self.connection.send(message)
        self.flush()

    def deliver(self, text: bytes) -> None:
        """Any text at all, the protocol not asked."""
        assert self.pipe is not None
        self.pipe.deliver(text)

    def call(self, sdp: str = SDP, **more: Any) -> None:
        call_id = f"in-{next(self._ids)}"
        self.say(s2c.Invite(call_id=call_id, sdp=sdp, caller_id_number="+15550100", caller_id_name="Ann", **more))

    def flush(self) -> None:
        for frame in self.connection.frames():
            if self.pipe is not None:
                self.pipe.deliver(frame)

    def drop(self) -> None:
        """The websocket breaks."""
        if self.pipe is not None:
            self.pipe.deliver(None)

    def pipe_closed(self, pipe: Pipe) -> None:
        if self.pipe is pipe:
            self.pipe = None


async def settle(turns: int = 20) -> None:
    """Let everything that can run do so (no time passes)."""
    for _ in range(turns):
        await asyncio.sleep(0)
