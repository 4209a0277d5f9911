"""The browser SDK's JSON-RPC over a websocket, both roles: text in, events out; messages in, frames out.

It knows the protocol's order, timers and owed answers. It does not know sockets, clocks, chance or what a call is
for. Time is an argument (monotonic seconds), ids come from the callable given at the start.

You must hand every text frame to `receive`, write what `frames` returns after each call of any method, and call
`tick` when `deadline` has come; any call may bring the deadline nearer. A `Died` event means: close the socket with
its reason.

    server = Connection(Role.SERVER, ids=new_uuid, now=0.0, voice_sdk_id="…")
    for event in server.receive(text, now): ...
        Received(c2s.Login(), ticket) -> server.log_in(ticket, session_id) or server.refuse(ticket, code, text)
        Received(c2s.Invite(), ticket) -> server.answer(ticket, CallResult(message="CALL CREATED"))
    server.send(s2c.Ringing(call_id=…))

    client = Connection(Role.CLIENT, ids=new_uuid, now=0.0)
    ticket = client.send(c2s.Login(login="john1234", password="…"))
        Succeeded(ticket, request, result) or Refused(ticket, request, code, text) tells how it went
        GatewayReported("REGED") says that calls may be made
        Received(s2c.Invite()) and the like are acknowledged already

Duplicate keys of a JSON object: the last one counts, here and in every layer, because only here JSON is read.
"""

from collections.abc import Callable
from enum import Enum

import msgspec

from offhook.wire import rtc_c2s as c2s
from offhook.wire import rtc_frames as wire
from offhook.wire import rtc_liveness as liveness
from offhook.wire import rtc_s2c as s2c
from offhook.wire.rtc_dialog import Dialogs, IllegalMove, Stage
from offhook.wire.rtc_events import (
    Died,
    Event,
    GatewayReported,
    Ignored,
    LocalProtocolError,
    Message,
    Received,
    Refused,
    Succeeded,
)
from offhook.wire.rtc_liveness import CloseReason, Liveness
from offhook.wire.rtc_owed import Debt, Owed
from offhook.wire.rtc_speed import SpeedTest
from offhook.wire.rtc_values import Acknowledged, CallResult, Code, Done, Gateway, GatewayParams, LoggedIn, Result

__all__ = [
    "MAX_DIALOGS",
    "MAX_OWED",
    "Connection",
    "Died",
    "Event",
    "GatewayReported",
    "Ignored",
    "LocalProtocolError",
    "Message",
    "Received",
    "Refused",
    "Role",
    "Succeeded",
]

MAX_OWED = 256  # in either direction
MAX_DIALOGS = 1000
_REMEMBERED_PINGS = 8


class Role(Enum):
    """Which end of the socket this is."""

    CLIENT = "client"
    SERVER = "server"


class Connection:
    """One socket's conversation, from one of its two ends."""

    def __init__(
        self,
        role: Role,
        ids: Callable[[], str],
        now: float,
        *,
        voice_sdk_id: str = "",
        session_id: str = "",
    ) -> None:
        """`ids` gives a fresh UUID text at each call. A server gives `voice_sdk_id`, any opaque text that brings a
        client back to it; a client that returns gives the `voice_sdk_id` and `session_id` of its last socket."""
        self.role = role
        self.voice_sdk_id = voice_sdk_id
        self.session_id = session_id
        self.logged_in = False
        self.dialogs = Dialogs()
        self._ids = ids
        self._now = now
        self._liveness = Liveness(liveness.SERVER if role is Role.SERVER else liveness.CLIENT, now)
        self._hears = wire.HEARD_BY_SERVER if role is Role.SERVER else wire.HEARD_BY_CLIENT
        self._frames: list[bytes] = []
        self._tickets = 0
        self._owed = Owed()
        self._asked: dict[wire.Id, tuple[int, Message]] = {}
        self._pings: list[wire.Id] = []
        self._gateway_is_stale = False
        self._speed = SpeedTest()
        self._dead = False

    # ---- what the shell calls ------------------------------------------------------------------------------

    def receive(self, text: str | bytes, now: float) -> list[Event]:
        """One text frame of the far end. Whatever it holds, no exception leaves here."""
        if self._dead:
            return []
        self._now = now
        self._liveness.heard(now)
        if isinstance(text, str) and text.startswith("#SP") and self.role is Role.SERVER:
            return self._speed_frame(text)
        try:
            frame = wire.decode(text)
        except wire.BadFrame as bad:
            return self._reject(None, bad.code, str(bad))
        if frame.name is not None:
            return self._request(frame, frame.name)
        if frame.has_answer:
            return self._response(frame)
        return self._reject(frame.id, Code.INVALID_REQUEST, "neither a request nor a response")

    def frames(self) -> list[bytes]:
        """What must be written now, in this order, each as one text frame."""
        frames, self._frames = self._frames, []
        return frames

    def deadline(self) -> float:
        """Call `tick` at this time, if not before."""
        return float("inf") if self._dead else self._liveness.deadline()

    def tick(self, now: float) -> list[Event]:
        """Time has passed: pings, or finds the connection dead."""
        self._now = now
        if self._dead:
            return []
        due = self._liveness.due(now)
        if due == "ping":
            self._ping()
        if isinstance(due, CloseReason):
            self._dead = True
            return [Died(due)]
        return []

    def send(self, message: Message) -> int | None:
        """Say something, unasked. The ticket comes back in `Succeeded` or `Refused`; None where the message is about
        a call that is over already (its end may have crossed this message), and nothing is sent.

        LocalProtocolError where the call's stage does not allow it.
        """
        call_id = _call_of(message)
        if call_id is not None and not self._may_send(call_id, message):
            return None
        if isinstance(message, c2s.CallRequest):
            message = msgspec.structs.replace(message, sessid=self.session_id)
        if isinstance(message, s2c.ClientReady):
            self.dialogs.adopt(message.reattached_sessions or ())
        return self._send(message, call_id)

    def owes(self, ticket: int) -> bool:
        """Whether a request of the far end still waits for its answer."""
        return ticket in self._owed

    def answer(self, ticket: int, result: Result) -> None:
        """Answer a request of a client. `result` must be of the kind that its method names."""
        request = self._owed.debt(ticket).request
        if not isinstance(result, request.result_type):
            raise LocalProtocolError(f"{request.method} is not answered by {type(result).__name__}")
        if result.sessid is None:
            result = msgspec.structs.replace(result, sessid=self.session_id)
        debt = self._owed.settle(ticket)
        self._settled(debt, wire.encode_result(debt.id, result, self.voice_sdk_id))

    def refuse(self, ticket: int, code: Code, text: str) -> None:
        """Refuse a request of a client. A refused invite or attach ends its call."""
        code = Code(code)
        debt = self._owed.settle(ticket)
        if isinstance(debt.request, _MADE_BY):
            self.dialogs.forget(debt.request.call_id)
            self._owed.forget(debt.request.call_id)
        self._settled(debt, wire.encode_error(debt.id, code, text, self.voice_sdk_id))

    def log_in(self, ticket: int, session_id: str, reattached: tuple[str, ...] | None = ()) -> None:
        """Accept a login: its result, then `clientReady`. On a live socket it renews the login: the session and its
        calls stay, and `clientReady`, which could end them, is not said again."""
        request = self._owed.debt(ticket).request
        if self.logged_in:
            self.answer(ticket, LoggedIn(sessid=self.session_id))
            return
        self.answer(ticket, LoggedIn(sessid=session_id))
        self.session_id = session_id
        self.logged_in = True
        self._liveness.logged_in()
        self._gateway_is_stale = isinstance(request, c2s.Login) and request.reconnection
        self.send(s2c.ClientReady(reattached_sessions=reattached))

    # ---- sending -------------------------------------------------------------------------------------------

    def _may_send(self, call_id: str, message: Message) -> bool:
        try:
            self.dialogs.move(call_id, type(message))
        except IllegalMove as illegal:
            if illegal.stage is Stage.NONE:
                return False
            raise LocalProtocolError(str(illegal)) from illegal
        return True

    def _send(self, message: Message, call_id: str | None) -> int:
        ticket, frame_id = self._new_ticket(), self._ids()
        if self.role is Role.CLIENT or isinstance(message, s2c.Invite):
            self._remember(frame_id, ticket, message)
        if self.role is Role.CLIENT and isinstance(message, c2s.Ping | c2s.Modify | c2s.Bye):
            self._liveness.await_answer(ticket)
        if isinstance(message, s2c.Ping):
            self._pings = [*self._pings[-_REMEMBERED_PINGS + 1 :], frame_id]
        frame = wire.encode_request(frame_id, message, self._stamp(message))
        self._write(frame, call_id)
        return ticket

    def _new_ticket(self) -> int:
        self._tickets += 1
        return self._tickets

    def _remember(self, frame_id: wire.Id, ticket: int, message: Message) -> None:
        self._asked[frame_id] = (ticket, message)
        if len(self._asked) > MAX_OWED:  # some clients acknowledge nothing
            self._asked.pop(next(iter(self._asked)))

    def _stamp(self, message: Message) -> str:
        """The browser puts its `voice_sdk_id` on these two frames only; a server puts its own on all."""
        stamped = self.role is Role.SERVER or isinstance(message, c2s.Ping | c2s.AskGatewayState)
        return self.voice_sdk_id if stamped else ""

    def _write(self, frame: bytes, call_id: str | None = None) -> None:
        if call_id is not None and self._owed.hold_back(call_id, frame):
            return
        self._frames.append(frame)
        self._liveness.sent(self._now)

    def _ping(self) -> None:
        self._liveness.pinged(self._now)
        self._send(s2c.Ping() if self.role is Role.SERVER else c2s.Ping(), None)

    def _settled(self, debt: Debt, frame: bytes) -> None:
        self._write(frame)
        self._frames += self._owed.release(debt.request)

    def _speed_frame(self, text: str) -> list[Event]:
        load = self._speed.hear(text, self._now) if self.logged_in else []
        if load:
            self._frames += load
            self._ping()
        return []

    # ---- requests that come in -----------------------------------------------------------------------------

    def _request(self, frame: wire.Frame, name: str) -> list[Event]:
        if frame.id in self._pings and name == s2c.Ping.method:
            return []  # Android and iOS answer a ping by sending it back
        heard = self._hears.get(name)
        if heard is None:
            return self._reject(frame.id, Code.UNKNOWN_METHOD, "unknown method")
        try:
            message = heard.decode(frame.params)
        except wire.BadFrame as bad:
            return self._reject(frame.id, bad.code, str(bad))
        if isinstance(message, s2c.Message):
            return self._heard_by_client(frame, message)
        return self._heard_by_server(frame, message)

    def _heard_by_server(self, frame: wire.Frame, message: c2s.Message) -> list[Event]:
        if not isinstance(frame.id, str | int):
            return self._notified(frame, message)
        if self._owed.uses(frame.id) or len(self._owed) >= MAX_OWED:
            return self._reject(frame.id, Code.INVALID_REQUEST, "id in use, or too many requests unanswered")
        ticket = self._new_ticket()
        self._owed.add(ticket, frame.id, message)
        if not self.logged_in and not isinstance(message, _BEFORE_LOGIN):
            self.refuse(ticket, Code.LOGIN_REFUSED, "Authentication Required")
            return [Ignored(f"{message.method} before login")]
        call_id = _call_of(message)
        if call_id is not None and not self._admit(ticket, call_id, message):
            return [Ignored(f"{message.method} about a call where it cannot be")]
        return self._reflex(ticket, message)

    def _notified(self, frame: wire.Frame, message: c2s.Message) -> list[Event]:
        if frame.id is None:
            return self._reject(None, Code.INVALID_REQUEST, "id is null")
        if isinstance(message, c2s.AiConversation) and self.logged_in:
            return [Received(message)]
        return [Ignored(f"{message.method} without an id")]

    def _admit(self, ticket: int, call_id: str, message: c2s.Message) -> bool:
        known = self.dialogs.stage(call_id) is not Stage.NONE
        if isinstance(message, c2s.Bye) and not known:
            # It crossed ours, or follows an invite that we refused: an error would only alarm the application.
            cause, code = message.cause, message.cause_code
            self.answer(ticket, CallResult(call_id=call_id, message="CALL ENDED", cause=cause, cause_code=code))
            return False
        if isinstance(message, c2s.Invite) and len(self.dialogs) >= MAX_DIALOGS:
            self._turn_away(ticket, "TOO MANY CALLS")
            return False
        try:
            self.dialogs.move(call_id, type(message))
        except IllegalMove as illegal:
            self._turn_away(ticket, str(illegal) if known else "CALL DOES NOT EXIST")
            return False
        return True

    def _turn_away(self, ticket: int, text: str) -> None:
        """Refuse a request without touching the call that it names, which may be alive and owed another answer."""
        debt = self._owed.settle(ticket)
        self._settled(debt, wire.encode_error(debt.id, Code.CALL_ERROR, text, self.voice_sdk_id))

    def _reflex(self, ticket: int, message: c2s.Message) -> list[Event]:
        match message:
            case c2s.Ping():
                self.answer(ticket, Done(message="PONG"))
                self._frames += self._speed.pong(self._now)
            case c2s.DebugReport():
                self.answer(ticket, Done())
            case c2s.AskGatewayState():
                self._report_gateway(ticket)
            case _:
                return [Received(message, ticket)]
        return []

    def _report_gateway(self, ticket: int) -> None:
        """A browser client that was disconnected and connected again has kept the state REGED and takes no notice of
        another; TRYING before it makes it ready. Other clients make nothing of TRYING."""
        if self._gateway_is_stale:
            self._gateway_is_stale = False
            self._send(s2c.GatewayState(state="TRYING"), None)
        self.answer(ticket, Gateway(params=GatewayParams("REGED")))

    def _heard_by_client(self, frame: wire.Frame, message: s2c.Message) -> list[Event]:
        self.voice_sdk_id = frame.voice_sdk_id or self.voice_sdk_id
        call_id = _call_of(message)
        if call_id is not None:
            known = self.dialogs.stage(call_id) is not Stage.NONE
            try:
                self.dialogs.move(call_id, type(message))
            except IllegalMove as illegal:
                if known:
                    self._acknowledge(frame, message)
                return [Ignored(str(illegal))]
        self._acknowledge(frame, message)
        match message:
            case s2c.Ping():
                self._send(c2s.Ping(), None)
                return []
            case s2c.GatewayState():
                return [GatewayReported(GatewayParams(message.state))]
            case s2c.ClientReady():
                self.dialogs.adopt(message.reattached_sessions or ())
                self._send(c2s.AskGatewayState(), None)
            case _:
                pass
        return [Received(message)]

    def _acknowledge(self, frame: wire.Frame, message: s2c.Message) -> None:
        if type(message) in s2c.ACKNOWLEDGED and isinstance(frame.id, str | int):
            self._write(wire.encode_result(frame.id, Acknowledged(message.method), ""))

    def _reject(self, frame_id: wire.Id | msgspec.UnsetType | None, code: Code, text: str) -> list[Event]:
        """A server answers what it cannot take, unless it is a notification; a client stays silent."""
        if self.role is Role.SERVER and frame_id is not msgspec.UNSET:
            self._write(wire.encode_error(frame_id, code, text, self.voice_sdk_id))
        return [Ignored(f"frame refused with {code}")]

    # ---- answers that come in ------------------------------------------------------------------------------

    def _response(self, frame: wire.Frame) -> list[Event]:
        if self.role is Role.CLIENT:
            self.voice_sdk_id = frame.voice_sdk_id or self.voice_sdk_id
        asked = self._asked.pop(frame.id, None) if isinstance(frame.id, str | int) else None
        if asked is None:
            return []  # an acknowledgement; many of ours get none, so none is waited for
        ticket, request = asked
        self._liveness.answered(ticket)
        if frame.error:
            return self._failed(ticket, request, wire.decode_error(frame))
        result = wire.decode_result(frame, getattr(request, "result_type", Acknowledged))
        return self._succeeded(ticket, request, result)

    def _failed(self, ticket: int, request: Message, error: wire.Error) -> list[Event]:
        if isinstance(request, _MADE_BY):
            self.dialogs.forget(request.call_id)
        return [Refused(ticket, request, error.code, error.message)]

    def _succeeded(self, ticket: int, request: Message, result: Result | Acknowledged) -> list[Event]:
        if isinstance(result, LoggedIn):
            self.logged_in = True
            self.session_id = result.sessid or self.session_id
        if isinstance(result, Gateway):
            return [GatewayReported(result.params)]
        if isinstance(request, c2s.Ping):
            return []
        return [Succeeded(ticket, request, result)]


# Without their result there is no call. An attach may meet a call that is over: it crossed the client's bye.
_MADE_BY = (c2s.Invite, c2s.Attach)
_BEFORE_LOGIN = (c2s.Login, c2s.AnonymousLogin, c2s.Ping, c2s.DebugReport)


def _call_of(message: Message) -> str | None:
    if isinstance(message, c2s.CallRequest | s2c.CallParams | c2s.RingingAck):
        return message.call_id
    return None
