"""What a client says in the browser SDK's protocol, a class for each method, and which result it is owed. No I/O.

Clients differ: session ids come under three spellings, call ids under two, booleans as text, the user agent as
text or object. All are accepted; what we send ourselves is spelt as the browser SDK does.
"""

from typing import Annotated, ClassVar, Literal

import msgspec

from offhook.wire import sdp as sdp_check
from offhook.wire.rtc_values import (
    CallId,
    CallResult,
    ClientState,
    Digits,
    Done,
    Gateway,
    HeaderList,
    LoggedIn,
    Params,
    Result,
    Subscribed,
    Text,
)

NOTHING = msgspec.Raw()


class Request(Params, frozen=True, kw_only=True):
    """Something a client asks; `result_type` is what it is answered with."""

    result_type: ClassVar[type[Result]] = Done


# ---- the session -------------------------------------------------------------------------------------------


PushToken = Annotated[str, msgspec.Meta(min_length=1, max_length=4096)]


class PushDevice(msgspec.Struct, frozen=True):
    """What a mobile app says of its phone: the token by which Apple or Google reach it."""

    token: PushToken = msgspec.field(name="push_device_token")
    provider: Literal["android", "ios"] = msgspec.field(name="push_notification_provider")
    environment: Text | None = msgspec.field(default=None, name="push_notification_environment")
    when_active: bool = msgspec.field(default=False, name="push_when_active")

    def __repr__(self) -> str:
        return f"PushDevice({self.provider})"


class LoginParams(msgspec.Struct, frozen=True, omit_defaults=True):
    """Wishes that go with a login."""

    early_sdp_answer: bool = False
    attach_call: bool = False
    decline_push: bool = False


class _SessionRequest(Request, frozen=True, kw_only=True):
    sessid: Text | None = None
    ios_session_id: Text | None = msgspec.field(default=None, name="sessionId")
    ios_sess_id: Text | None = msgspec.field(default=None, name="sessId")
    reconnection: bool = False
    user_agent_raw: msgspec.Raw = msgspec.field(default=NOTHING, name="User-Agent")

    @property
    def session_id(self) -> str:
        """The session that the client believes in; empty for a new one."""
        return self.sessid or self.ios_session_id or self.ios_sess_id or ""

    @property
    def user_agent(self) -> str:
        """What the client says it is, unbounded and untrusted: cut and escape it before it is shown."""
        return _agent_text(self.user_agent_raw)


class Login(_SessionRequest, frozen=True, kw_only=True):
    """Log in with a username and password or, where they are missing, with a token. Sent again on a live socket it
    renews the login and touches no call."""

    method: ClassVar[str] = "login"
    result_type: ClassVar[type[Result]] = LoggedIn
    login: Text | None = None
    password: Annotated[str, msgspec.Meta(max_length=1024)] | None = msgspec.field(default=None, name="passwd")
    token: Annotated[str, msgspec.Meta(max_length=8192)] | None = msgspec.field(default=None, name="login_token")
    login_params: LoginParams = msgspec.field(default_factory=LoginParams, name="loginParams")
    user_variables: msgspec.Raw = msgspec.field(default=NOTHING, name="userVariables")

    @property
    def device(self) -> "PushDevice | None":
        """What the app can be woken by; None where it has said nothing of the kind."""
        return _device(self.user_variables)

    def __repr__(self) -> str:
        return f"Login(by={'password' if self.login and self.password else 'token'})"


class AnonymousLogin(_SessionRequest, frozen=True, kw_only=True):
    """Log in as nobody, to call one target: an assistant."""

    method: ClassVar[str] = "anonymous_login"
    result_type: ClassVar[type[Result]] = LoggedIn
    target_type: Text = ""
    target_id: Text = ""
    target_version_id: Text | None = None


class AskGatewayState(Request, frozen=True, kw_only=True):
    """How does my registration stand?"""

    method: ClassVar[str] = "telnyx_rtc.gatewayState"
    result_type: ClassVar[type[Result]] = Gateway


class Ping(Request, frozen=True, kw_only=True):
    """Are you there? Also what a client says when the server asked."""

    method: ClassVar[str] = "telnyx_rtc.ping"


class AttachCalls(Request, frozen=True, kw_only=True):
    """A phone woken by a push asks for the call that woke it."""

    method: ClassVar[str] = "telnyx_rtc.attachCalls"
    result_type: ClassVar[type[Result]] = Gateway


class DisablePushNotification(Request, frozen=True, kw_only=True):
    """Send this device no pushes any more."""

    method: ClassVar[str] = "telnyx_rtc.disable_push_notification"
    user_agent_raw: msgspec.Raw = msgspec.field(default=NOTHING, name="User-Agent")

    @property
    def token(self) -> str | None:
        """That of the device; None where it is not said. Some clients do not say whose it is."""
        return _token(self.user_agent_raw)

    def __repr__(self) -> str:
        return "DisablePushNotification()"


class Subscribe(Request, frozen=True, kw_only=True):
    """Tell me what happens on these channels."""

    method: ClassVar[str] = "telnyx_rtc.subscribe"
    result_type: ClassVar[type[Result]] = Subscribed
    event_channel: str | Annotated[tuple[str, ...], msgspec.Meta(max_length=50)] = msgspec.field(
        default=(), name="eventChannel"
    )

    @property
    def channels(self) -> tuple[str, ...]:
        return (self.event_channel,) if isinstance(self.event_channel, str) else self.event_channel


class Unsubscribe(Subscribe, frozen=True, kw_only=True):
    """Tell me no more about these channels."""

    method: ClassVar[str] = "telnyx_rtc.unsubscribe"


class Broadcast(Subscribe, frozen=True, kw_only=True):
    """Tell everybody on a channel."""

    method: ClassVar[str] = "telnyx_rtc.broadcast"
    result_type: ClassVar[type[Result]] = Done


class AiConversation(Request, frozen=True, kw_only=True):
    """An item of a conversation with an assistant; function outputs come without an id and are owed nothing."""

    method: ClassVar[str] = "ai_conversation"
    type: str = ""
    item: msgspec.Raw = NOTHING


class DebugReport(Request, frozen=True, kw_only=True):
    """A diagnosis of the client's own. Its frames have `type` where others have `method`; unanswered, the call that
    it is about never starts."""

    method: ClassVar[str] = ""


# ---- calls -------------------------------------------------------------------------------------------------


class DialogParams(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`dialogParams`: which call, who calls whom. Of the many things that browsers add (their ICE servers with
    passwords among them) nothing else is looked at."""

    browser_call_id: CallId = msgspec.field(default="", name="callID")
    mobile_call_id: CallId = msgspec.field(default="", name="callId")
    destination_number: Text | None = None
    remote_caller_id_name: Text | None = None
    remote_caller_id_number: Text | None = None
    caller_id_name: Text | None = None
    caller_id_number: Text | None = None
    custom_headers: HeaderList | None = None
    bye_headers: HeaderList | None = msgspec.field(default=None, name="customHeaders")
    client_state: ClientState | None = msgspec.field(default=None, name="clientState")
    call_control_id: Text | None = msgspec.field(default=None, name="telnyxCallControlId")
    session_id: Text | None = msgspec.field(default=None, name="telnyxSessionId")
    leg_id: Text | None = msgspec.field(default=None, name="telnyxLegId")
    recovered_call_id: Text | None = msgspec.field(default=None, name="recoveredCallId")
    attach: bool | None = None
    audio: msgspec.Raw = NOTHING
    video: msgspec.Raw = NOTHING

    def __post_init__(self) -> None:
        if not self.call_id:
            raise ValueError("callID is missing")

    @property
    def call_id(self) -> str:
        return self.browser_call_id or self.mobile_call_id

    @property
    def headers(self) -> HeaderList:
        return (self.custom_headers or ()) + (self.bye_headers or ())


class CallRequest(Request, frozen=True, kw_only=True):
    """Something a client asks about one call."""

    sessid: Text | None = None
    dialog: DialogParams = msgspec.field(name="dialogParams")

    @property
    def call_id(self) -> str:
        return self.dialog.call_id


class _Described(CallRequest, frozen=True, kw_only=True):
    sdp: str
    trickle: bool = False
    user_agent_raw: msgspec.Raw = msgspec.field(default=NOTHING, name="User-Agent")

    def __post_init__(self) -> None:
        sdp_check.check(self.sdp)

    @property
    def user_agent(self) -> str:
        return _agent_text(self.user_agent_raw)


class Invite(_Described, frozen=True, kw_only=True):
    """The client dials, with its SDP offer."""

    method: ClassVar[str] = "telnyx_rtc.invite"
    result_type: ClassVar[type[Result]] = CallResult


class Answer(_Described, frozen=True, kw_only=True):
    """The client answers our invite, with its SDP answer."""

    method: ClassVar[str] = "telnyx_rtc.answer"
    result_type: ClassVar[type[Result]] = CallResult


class Attach(_Described, frozen=True, kw_only=True):
    """The client takes a live call again, with its SDP answer to our attach."""

    method: ClassVar[str] = "telnyx_rtc.attach"
    result_type: ClassVar[type[Result]] = CallResult


class Bye(CallRequest, frozen=True, kw_only=True):
    """The client hangs up, rejects or cancels: browsers say USER_BUSY for the last two."""

    method: ClassVar[str] = "telnyx_rtc.bye"
    result_type: ClassVar[type[Result]] = CallResult
    cause: Text | None = None
    cause_code: int | None = msgspec.field(default=None, name="causeCode")
    sip_code: int | None = msgspec.field(default=None, name="sipCode")
    sip_reason: Text | None = msgspec.field(default=None, name="sipReason")
    sip_call_id: Text | None = None


class Modify(CallRequest, frozen=True, kw_only=True):
    """Hold, unhold or toggle (the SDP stays), or `updateMedia`: an ICE restart with a new offer."""

    method: ClassVar[str] = "telnyx_rtc.modify"
    result_type: ClassVar[type[Result]] = CallResult
    action: Literal["hold", "unhold", "toggleHold", "updateMedia"]
    again_call_id: CallId | None = msgspec.field(default=None, name="callID")
    sdp: str | None = None
    trickle: bool = False

    def __post_init__(self) -> None:
        if self.action == "updateMedia":
            sdp_check.check(self.sdp or "")


class TextMessage(msgspec.Struct, frozen=True):
    """A text message, inside `Info`."""

    from_: Text = msgspec.field(default="", name="from")
    to: Text = ""
    body: str = ""


class Info(CallRequest, frozen=True, kw_only=True):
    """Digits pressed (one message may hold several, `w` and `W` are pauses), or a text message."""

    method: ClassVar[str] = "telnyx_rtc.info"
    dtmf: Digits | None = None
    msg: TextMessage | None = None

    def __post_init__(self) -> None:
        if self.dtmf is None and self.msg is None:
            raise ValueError("dtmf or msg is missing")

    def __repr__(self) -> str:
        return f"Info(call_id={self.call_id!r})"


class Candidate(CallRequest, frozen=True, kw_only=True):
    """One ICE candidate of the client (RFC 8838); empty ends them."""

    method: ClassVar[str] = "telnyx_rtc.candidate"
    candidate: Annotated[str, msgspec.Meta(max_length=1024, pattern=r"^[^\r\n\x00]*\Z")] | None = None
    sdp_mid: Text | None = msgspec.field(default=None, name="sdpMid")
    sdp_m_line_index: int | None = msgspec.field(default=None, name="sdpMLineIndex")


class EndOfCandidates(CallRequest, frozen=True, kw_only=True):
    """No more candidates of the client."""

    method: ClassVar[str] = "telnyx_rtc.endOfCandidates"
    end_of_candidates: bool = msgspec.field(default_factory=lambda: True, name="endOfCandidates")


class RingingAck(Request, frozen=True, kw_only=True):
    """A phone rings (mobile clients)."""

    method: ClassVar[str] = "telnyx_rtc.ringing_ack"
    call_id: CallId = msgspec.field(name="callID")


Message = (
    Login
    | AnonymousLogin
    | AskGatewayState
    | Ping
    | AttachCalls
    | DisablePushNotification
    | Subscribe
    | Unsubscribe
    | Broadcast
    | AiConversation
    | DebugReport
    | Invite
    | Answer
    | Attach
    | Bye
    | Modify
    | Info
    | Candidate
    | EndOfCandidates
    | RingingAck
)
KINDS: tuple[type[Message], ...] = (
    Login,
    AnonymousLogin,
    AskGatewayState,
    Ping,
    AttachCalls,
    DisablePushNotification,
    Subscribe,
    Unsubscribe,
    Broadcast,
    AiConversation,
    Invite,
    Answer,
    Attach,
    Bye,
    Modify,
    Info,
    Candidate,
    EndOfCandidates,
    RingingAck,
)


class _Agent(msgspec.Struct):
    sdk_version: str = msgspec.field(default="", name="sdkVersion")
    data: str = ""


class _SaidToken(msgspec.Struct, frozen=True):
    token: PushToken = msgspec.field(name="push_device_token")


# Clients say booleans as text.
_DEVICE = msgspec.json.Decoder(PushDevice, strict=False)
_TOKEN = msgspec.json.Decoder(_SaidToken)
_AGENT = msgspec.json.Decoder(str | _Agent | None)


def _device(raw: msgspec.Raw) -> PushDevice | None:
    """The device of a free-form object, which most clients say nothing about."""
    try:
        return _DEVICE.decode(raw) if bytes(raw) else None
    except (msgspec.DecodeError, RecursionError):
        return None


def _token(raw: msgspec.Raw) -> str | None:
    try:
        return _TOKEN.decode(raw).token
    except (msgspec.DecodeError, RecursionError):
        return None


def _agent_text(raw: msgspec.Raw) -> str:
    if not bytes(raw):
        return ""
    try:
        agent = _AGENT.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        return ""
    if isinstance(agent, _Agent):
        return f"{agent.sdk_version} {agent.data}".strip()
    return agent or ""
