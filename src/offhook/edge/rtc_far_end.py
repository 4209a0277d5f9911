"""One logged-in client between the browser SDK's protocol and the exchange: translates both ways, decides nothing."""

from collections.abc import Callable

import structlog

from offhook.engine.ports import Exchange, Headers, Invitation, Invite, LegIds, Referral, Reply
from offhook.voice.cause import Ending
from offhook.wire import rtc_c2s as c2s
from offhook.wire import rtc_s2c as s2c
from offhook.wire.rtc import Connection, LocalProtocolError, Message
from offhook.wire.rtc_values import (
    CallResult,
    Code,
    Done,
    Gateway,
    GatewayParams,
    Header,
    HeaderList,
    Result,
    Subscribed,
)

_log = structlog.get_logger("offhook.edge")


class FarEnd:
    """A client as the exchange sees it (`engine.ports.Signalling`), and the exchange as a client sees it.

    `send_soon` is called whenever the connection has frames to write; `close` when the exchange logs it off.
    """

    def __init__(
        self,
        connection: Connection,
        exchange: Exchange,
        user_agent: str,
        send_soon: Callable[[], None],
        close: Callable[[str], None],
    ) -> None:
        self.binding = ""
        self._connection = connection
        self._exchange = exchange
        self._send_soon = send_soon
        self._close = close
        self._said = _SaidHeaders()
        # Android's SDK acknowledges nothing, so it rings when its invite has left.
        self._acknowledges = not user_agent.startswith("Android")

    # ---- the exchange speaks (engine.ports.Signalling) -----------------------------------------------------

    def invite(self, dialog: str, invitation: Invitation) -> None:
        self._said.news(dialog, invitation.headers)
        self._say(
            s2c.Invite(
                call_id=dialog,
                call_control_id=invitation.ids.call_control_id,
                session_id=invitation.ids.call_session_id,
                leg_id=invitation.ids.call_leg_id,
                sdp=invitation.sdp,
                caller_id_name=invitation.caller_name,
                caller_id_number=invitation.caller_number,
                callee_id_name=invitation.callee_name,
                callee_id_number=invitation.callee_number,
                client_state=invitation.client_state,
                extras=s2c.Extras(custom_headers=_to_wire(invitation.headers)),
            )
        )
        if not self._acknowledges:
            self._exchange.rang(self.binding, dialog)

    def ringing(self, dialog: str, ids: LegIds) -> None:
        self._say(s2c.Ringing(call_id=dialog, **_ids(ids)))

    def progress(self, dialog: str, sdp: str, ids: LegIds) -> None:
        self._say(s2c.Media(call_id=dialog, sdp=sdp, **_ids(ids)))

    def answer(self, dialog: str, sdp: str | None, ids: LegIds, headers: Headers = ()) -> None:
        extras = s2c.Extras(custom_headers=_to_wire(headers))
        self._say(s2c.Answer(call_id=dialog, sdp=sdp, extras=extras, **_ids(ids)))

    def bye(self, dialog: str, ending: Ending) -> None:
        self._said.forget(dialog)
        self._say(
            s2c.Bye(
                call_id=dialog,
                cause=ending.cause,
                cause_code=ending.code,
                sip_code=ending.sip_code,
                sip_reason=_reason(ending),
                extras=s2c.Extras(bye_headers=_to_wire(ending.headers)),
            )
        )

    def refer(self, dialog: str, referral: Referral) -> None:
        """Browsers cannot be referred; nobody asks for it."""

    def inform(self, dialog: str, content_type: str, body: str) -> None:
        """Nor are they sent messages."""

    def close(self, reason: str) -> None:
        self._close(reason)

    def _say(self, message: s2c.Message) -> None:
        try:
            self._connection.send(message)
        except LocalProtocolError as error:
            _log.error("rtc.not_sent", binding=self.binding, why=str(error))
        self._send_soon()

    # ---- the client speaks ---------------------------------------------------------------------------------

    def acknowledged(self, request: Message) -> None:
        """The client has one of our requests: an invite that has arrived rings."""
        if isinstance(request, s2c.Invite):
            self._exchange.rang(self.binding, request.call_id)

    def hear(self, message: Message, ticket: int) -> None:
        """One request of the client; it is answered now or by the exchange's reply."""
        match message:
            case c2s.CallRequest():
                self._hear_call(message, ticket)
            case c2s.RingingAck():
                self._connection.answer(ticket, Done())
                self._exchange.rang(self.binding, message.call_id)
            case c2s.DisablePushNotification():
                if message.token is not None:
                    self._exchange.forget_device(self.binding, message.token)
                self._connection.answer(ticket, Done(message="disable push notification success"))
            case c2s.AiConversation() | c2s.Broadcast():
                self._connection.refuse(ticket, Code.CALL_ERROR, "nobody is there to hear it")
            case _:
                self._connection.answer(ticket, _session_result(message))

    def _hear_call(self, message: c2s.CallRequest, ticket: int) -> None:
        binding, dialog, exchange = self.binding, message.call_id, self._exchange
        reply = self._reply(ticket, message)
        match message:
            case c2s.Invite():
                headers = self._said.news(dialog, _from_wire(message.dialog.headers))
                exchange.invited(binding, _invite(message, headers), reply)
            case c2s.Answer():
                headers = self._said.news(dialog, _from_wire(message.dialog.headers))
                exchange.answered(binding, dialog, message.sdp, headers, message.trickle, reply)
            case c2s.Bye():
                headers = self._said.news(dialog, _from_wire(message.dialog.headers))
                self._said.forget(dialog)
                exchange.hung_up(binding, dialog, _ending(message, headers), reply)
            case c2s.Modify(action="updateMedia"):
                exchange.renegotiated(binding, dialog, message.sdp or "", reply)
            case c2s.Modify(action="hold" | "unhold" | "toggleHold" as action):
                exchange.asked_hold(binding, dialog, action, reply)
            case c2s.Info(dtmf=str(digits)):
                exchange.pressed(binding, dialog, digits, reply)
            case c2s.Candidate() | c2s.EndOfCandidates():
                self._connection.answer(ticket, Done())
                exchange.trickled(binding, dialog, _candidate(message))
            case _:
                reply.refuse(Code.CALL_ERROR, f"{message.method} is not possible on this call")

    def _reply(self, ticket: int, message: c2s.CallRequest) -> Reply:
        return _Reply(self._connection, ticket, message, self._said, self._send_soon)


class _SaidHeaders:
    """The custom headers that were said in each call. A browser says those of the invite and of the answer again in
    every later frame, its bye too, where they are no news."""

    def __init__(self) -> None:
        self._said: dict[str, Headers] = {}

    def news(self, dialog: str, headers: Headers) -> Headers:
        said = self._said.get(dialog, ())
        new = tuple(header for header in headers if header not in said)
        if new:
            self._said[dialog] = said + new
        return new

    def forget(self, dialog: str) -> None:
        self._said.pop(dialog, None)


class _Reply:
    """The answer owed to one request about a call (`engine.ports.Reply`)."""

    def __init__(
        self,
        connection: Connection,
        ticket: int,
        request: c2s.CallRequest,
        said: _SaidHeaders,
        send_soon: Callable[[], None],
    ) -> None:
        self._connection = connection
        self._ticket = ticket
        self._request = request
        self._said = said
        self._send_soon = send_soon

    def done(self, sdp: str | None = None, held: bool | None = None) -> None:
        self._connection.answer(self._ticket, _call_result(self._request, sdp, held))
        self._send_soon()

    def refuse(self, code: int, message: str) -> None:
        known = Code(code) if code in Code.__members__.values() else Code.CALL_ERROR
        self._connection.refuse(self._ticket, known, message)
        if isinstance(self._request, c2s.Invite):
            self._said.forget(self._request.call_id)
        self._send_soon()


_MESSAGES: dict[type[c2s.CallRequest], str] = {
    c2s.Invite: "CALL CREATED",
    c2s.Answer: "CALL ANSWERED",
    c2s.Attach: "CALL ANSWERED",
    c2s.Bye: "CALL ENDED",
}


def _call_result(request: c2s.CallRequest, sdp: str | None, held: bool | None) -> Result:
    match request:
        case c2s.Modify():
            hold_state = None if held is None else "held" if held else "active"
            return CallResult(call_id=request.call_id, action=request.action, hold_state=hold_state, sdp=sdp)
        case c2s.Bye():
            text, cause, code = "CALL ENDED", request.cause, request.cause_code
            return CallResult(call_id=request.call_id, message=text, cause=cause, cause_code=code)
        case c2s.Info():
            return Done(message="SENT")
        case _:
            return CallResult(call_id=request.call_id, message=_MESSAGES[type(request)])


def _session_result(message: Message) -> Result:
    """What is true of a server that has no channels."""
    match message:
        case c2s.AttachCalls():
            return Gateway(params=GatewayParams("ATTACHED"))
        case c2s.Unsubscribe():
            return Subscribed(unsubscribed=message.channels)
        case c2s.Subscribe():
            return Subscribed(unauthorized=message.channels)
        case _:
            return Done()


def _invite(message: c2s.Invite, headers: Headers) -> Invite:
    dialog = message.dialog
    return Invite(
        dialog=dialog.call_id,
        sdp=message.sdp,
        destination=dialog.destination_number or "",
        caller_number=dialog.caller_id_number or "",
        caller_name=dialog.caller_id_name or "",
        headers=headers,
        client_state=dialog.client_state,
        trickle=message.trickle,
        user_agent=message.user_agent,
    )


def _reason(ending: Ending) -> str | None:
    """The reason phrase with what explains it: of a bye's fields the only one for people (RFC 3261 section 7.2)."""
    return ": ".join(filter(None, (ending.sip_reason, ending.detail))) or None


def _ending(message: c2s.Bye, headers: Headers) -> Ending:
    cause, code = message.cause or "NORMAL_CLEARING", message.cause_code or 16
    return Ending(cause, code, message.sip_code, message.sip_reason, headers=headers)


def _candidate(message: c2s.Candidate | c2s.EndOfCandidates) -> str | None:
    return (message.candidate or None) if isinstance(message, c2s.Candidate) else None


def _ids(ids: LegIds) -> dict[str, str]:
    return {"call_control_id": ids.call_control_id, "session_id": ids.call_session_id, "leg_id": ids.call_leg_id}


def _to_wire(headers: Headers) -> HeaderList:
    return tuple(Header(name, value) for name, value in headers)


def _from_wire(headers: HeaderList) -> Headers:
    return tuple((header.name, header.value) for header in headers)
