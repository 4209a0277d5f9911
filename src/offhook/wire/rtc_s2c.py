"""What a server says in the browser SDK's protocol, a class for each method. No I/O.

Clients acknowledge invite, attach, answer, media, ringing, display, candidate and bye, and nothing else.
"""

from typing import ClassVar

import msgspec

from offhook.wire.rtc_values import HeaderList, Params


class ClientReady(Params, frozen=True, kw_only=True):
    """Logged in; `reattached_sessions` are the callIDs still alive. None lets the client keep all its calls, a list
    with none of them ends them all."""

    method: ClassVar[str] = "telnyx_rtc.clientReady"
    reattached_sessions: tuple[str, ...] | None = None


class GatewayState(Params, frozen=True, kw_only=True):
    """How the registration stands, unasked."""

    method: ClassVar[str] = "telnyx_rtc.gatewayState"
    state: str


class Ping(Params, frozen=True, kw_only=True):
    """Are you there? A client answers by a ping of its own."""

    method: ClassVar[str] = "telnyx_rtc.ping"


class Punt(Params, frozen=True, kw_only=True):
    """Drop all calls, close the socket and stay away; with `call_id`, that call may go on."""

    method: ClassVar[str] = "telnyx_rtc.punt"
    call_id: str | None = msgspec.field(default=None, name="callID")


class Info(Params, frozen=True, kw_only=True):
    """Anything for the session's application."""

    method: ClassVar[str] = "telnyx_rtc.info"
    call_id: str | None = msgspec.field(default=None, name="callID")
    text: str | None = None
    dtmf: str | None = None


class Event(Params, frozen=True, kw_only=True):
    """Something on a channel."""

    method: ClassVar[str] = "telnyx_rtc.event"
    event_channel: str = msgspec.field(name="eventChannel")
    event_data: msgspec.Raw = msgspec.field(default=msgspec.Raw(), name="eventData")


class AiConversation(Params, frozen=True, kw_only=True):
    """An item of a conversation with an assistant, as the assistant's side wrote it."""

    method: ClassVar[str] = "ai_conversation"
    type: str = ""
    item: msgspec.Raw = msgspec.Raw()


# ---- about one call ----------------------------------------------------------------------------------------


class CallParams(Params, frozen=True, kw_only=True):
    """About one call: its callID and the ids of its leg in webhooks and REST (`call_control_id`,
    `call_session_id`, `call_leg_id`)."""

    call_id: str = msgspec.field(name="callID")
    call_control_id: str | None = msgspec.field(default=None, name="telnyx_call_control_id")
    session_id: str | None = msgspec.field(default=None, name="telnyx_session_id")
    leg_id: str | None = msgspec.field(default=None, name="telnyx_leg_id")


class Extras(msgspec.Struct, frozen=True, omit_defaults=True):
    """`dialogParams` of a server's frame. A bye spells its headers differently from an invite."""

    custom_headers: HeaderList = ()
    bye_headers: HeaderList = msgspec.field(default=(), name="customHeaders")


class Ringing(CallParams, frozen=True, kw_only=True):
    """The client's call rings at the other end."""

    method: ClassVar[str] = "telnyx_rtc.ringing"


class Media(CallParams, frozen=True, kw_only=True):
    """Early media: the SDP answer to the client's invite. A later answer must not repeat it."""

    method: ClassVar[str] = "telnyx_rtc.media"
    sdp: str


class Answer(CallParams, frozen=True, kw_only=True):
    """The client's call was answered; `sdp` unless `Media` brought it."""

    method: ClassVar[str] = "telnyx_rtc.answer"
    sdp: str | None = None
    extras: Extras = msgspec.field(default_factory=Extras, name="dialogParams")


class Invite(CallParams, frozen=True, kw_only=True):
    """A call for the client, with our SDP offer. Mobile clients need the two caller fields as strings and
    callID as a UUID."""

    method: ClassVar[str] = "telnyx_rtc.invite"
    sdp: str
    caller_id_name: str | None = None
    caller_id_number: str | None = None
    callee_id_name: str | None = None
    callee_id_number: str | None = None
    client_state: str | None = None
    trickle: bool = False
    extras: Extras = msgspec.field(default_factory=Extras, name="dialogParams")

    @property
    def headers(self) -> HeaderList:
        return self.extras.custom_headers


class Attach(Invite, frozen=True, kw_only=True):
    """A live call is handed to the client again, with a new SDP offer."""

    method: ClassVar[str] = "telnyx_rtc.attach"


class Bye(CallParams, frozen=True, kw_only=True):
    """The call is over. No bye comes back."""

    method: ClassVar[str] = "telnyx_rtc.bye"
    cause: str | None = None
    cause_code: int | None = msgspec.field(default=None, name="causeCode")
    sip_code: int | None = msgspec.field(default=None, name="sipCode")
    sip_reason: str | None = msgspec.field(default=None, name="sipReason")
    sip_call_id: str | None = None
    client_state: str | None = None
    extras: Extras = msgspec.field(default_factory=Extras, name="dialogParams")

    @property
    def headers(self) -> HeaderList:
        return self.extras.bye_headers or self.extras.custom_headers


class Candidate(CallParams, frozen=True, kw_only=True):
    """One ICE candidate of the server (RFC 8838)."""

    method: ClassVar[str] = "telnyx_rtc.candidate"
    candidate: str = ""
    sdp_mid: str | None = msgspec.field(default=None, name="sdpMid")
    sdp_m_line_index: int | None = msgspec.field(default=None, name="sdpMLineIndex")


class EndOfCandidates(CallParams, frozen=True, kw_only=True):
    """No more candidates of the server; the browser SDK ignores it."""

    method: ClassVar[str] = "telnyx_rtc.endOfCandidates"
    end_of_candidates: bool = msgspec.field(default_factory=lambda: True, name="endOfCandidates")


class Display(CallParams, frozen=True, kw_only=True):
    """Who is at the other end has changed."""

    method: ClassVar[str] = "telnyx_rtc.display"
    display_name: str | None = None
    display_number: str | None = None
    display_direction: str | None = None


Message = (
    ClientReady
    | GatewayState
    | Ping
    | Punt
    | Info
    | Event
    | AiConversation
    | Ringing
    | Media
    | Answer
    | Invite
    | Attach
    | Bye
    | Candidate
    | EndOfCandidates
    | Display
)
KINDS: tuple[type[Message], ...] = (
    ClientReady,
    GatewayState,
    Ping,
    Punt,
    Info,
    Event,
    AiConversation,
    Ringing,
    Media,
    Answer,
    Invite,
    Attach,
    Bye,
    Candidate,
    EndOfCandidates,
    Display,
)
# What the browser SDK acknowledges; it stays silent on everything else.
ACKNOWLEDGED: frozenset[type[Message]] = frozenset({Invite, Attach, Answer, Media, Ringing, Display, Candidate, Bye})
