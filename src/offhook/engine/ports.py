"""What the engine needs from outside, as Protocols that `edge/` implements, and what it offers to `edge/`.

Nothing here knows websockets, HTTP or SIP. A *dialog* is named by the id its protocol uses (the browser SDK's
callID, unique within its binding); a *binding* by an id the switchboard gives at login.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Any, Literal, Protocol

import msgspec

from offhook.media.commands import Command as MediaCommand
from offhook.media.commands import Request as MediaRequest
from offhook.media.events import RecordEnded
from offhook.media.events import Reply as MediaReply
from offhook.voice.binding import Capacity, Network, Profile, Rung, Speaks
from offhook.voice.cause import Ending
from offhook.voice.dialing import Decision, Dialled, Permitted, Refuse
from offhook.voice.effect import Durable, Invitation, Recording, Referral
from offhook.voice.event import Event
from offhook.voice.ladder import Line
from offhook.voice.leg import CallerId, Headers, LegIds
from offhook.voice.resources.problem import Rejected
from offhook.voice.signal import Noted
from offhook.voice.sound import Clip, Failure, Source
from offhook.voice.terms import Terms
from offhook.wire.digest import Algorithm

__all__ = [
    "AudioSource",
    "Authenticator",
    "Chance",
    "Clock",
    "Contact",
    "Datagrams",
    "Device",
    "Devices",
    "Dialplan",
    "Exchange",
    "Fetch",
    "FetchFailed",
    "FetchRequest",
    "Fetched",
    "Headers",
    "Identity",
    "Invitation",
    "Invite",
    "Ladders",
    "LegIds",
    "LoginRefused",
    "MediaCore",
    "MediaSocket",
    "MediaSockets",
    "NoAudio",
    "NoDevices",
    "NoRecorder",
    "NoTraffic",
    "OrderReply",
    "Recorder",
    "Referral",
    "Reply",
    "Shadow",
    "Signalling",
    "SocketClosed",
    "Traffic",
]


class Signalling(Protocol):
    """The way to one registered far end (one websocket, later one SIP contact). No method blocks or raises;
    what cannot be delivered any more is dropped, because the loss is reported by `Switchboard.lost`."""

    def invite(self, dialog: str, invitation: Invitation) -> None:
        """Offer a call. The far end answers with signals `rang`, `progressed`, `answered` or `hung_up`."""
        ...

    def ringing(self, dialog: str, ids: LegIds) -> None:
        """The far end's own call rings somewhere."""
        ...

    def progress(self, dialog: str, sdp: str, ids: LegIds) -> None:
        """Early media for the far end's own call: our SDP answer, before anybody has answered."""
        ...

    def answer(self, dialog: str, sdp: str | None, ids: LegIds, headers: Headers = ()) -> None:
        """The far end's own call was answered; `sdp` is None where `progress` carried it."""
        ...

    def bye(self, dialog: str, ending: Ending) -> None:
        """The call is over; nothing more is said about this dialog."""
        ...

    def refer(self, dialog: str, referral: Referral) -> None:
        """Ask a far end that speaks SIP to call somebody else; it answers with signals `referred`."""
        ...

    def inform(self, dialog: str, content_type: str, body: str) -> None:
        """Send a far end that speaks SIP a message within the call."""
        ...

    def close(self, reason: str) -> None:
        """Log the far end off (token revoked, credential deleted): its socket closes."""
        ...


class Reply(Protocol):
    """The answer owed to one request of a far end. Exactly one of the two is called, exactly once, after the
    decision is stored and before any other effect of it is performed."""

    def done(self, sdp: str | None = None, held: bool | None = None) -> None:
        """It is done. `sdp` answers a renegotiation, `held` tells the hold state of a hold request."""
        ...

    def refuse(self, code: int, message: str) -> None:
        """It is refused and nothing has changed; `code` is a JSON-RPC error code, never -32000."""
        ...


class OrderReply(Protocol):
    """The answer owed to a customer's command. Exactly one of the two is called, exactly once, after the decision is
    stored and before any other effect of it is performed."""

    def accept(self, document: dict[str, Any]) -> None:
        """It is done, or well on its way."""
        ...

    def reject(self, why: Rejected) -> None:
        """It is refused and nothing has changed."""
        ...


class Identity(msgspec.Struct, frozen=True):
    """Who a far end proved to be. `username` is what it rings under; `token_id` is set for a JWT login."""

    account_id: str
    connection_id: str
    username: str
    credential_id: str | None = None
    token_id: str | None = None
    token_expires_at: float | None = None
    network: Network = "sip"


class Device(msgspec.Struct, frozen=True):
    """A phone with an app that sleeps. It is woken by a push to its `token`, also beside a socket that it has if it
    wants that `when_active`."""

    provider: Literal["android", "ios"]
    token: str
    environment: str = ""
    when_active: bool = False


class Contact(msgspec.Struct, frozen=True):
    """Where a far end was seen: for the registration status, the console and per-source limits.

    `sessid` is the browser SDK's name for the login, which its detail records carry; `device` is what it can be woken
    by when it sleeps. `rung` says whether calls to its username reach it: never, where it proved who it is for one call
    of its own. `profile` is the kind of media that it is offered.
    """

    address: str
    port: int
    transport: Literal["WS", "WSS", "UDP", "TCP", "TLS"]
    user_agent: str = ""
    sessid: str = ""
    device: Device | None = None
    rung: Rung = "in turn"
    speaks: Speaks = "rtc"
    profile: Profile = "webrtc"
    capacity: Capacity = "phone"


class Devices(Protocol):
    """The devices that are woken when their usernames are called."""

    def seen(self, who: Identity, device: Device | None) -> None: ...
    def forget(self, username: str, token: str) -> None: ...
    def called(self, username: str, number: str, name: str, *, ids: LegIds, reached: bool) -> None: ...


class NoDevices:
    """Nobody sleeps."""

    def seen(self, who: Identity, device: Device | None) -> None: ...
    def forget(self, username: str, token: str) -> None: ...
    def called(self, username: str, number: str, name: str, *, ids: LegIds, reached: bool) -> None: ...


class Invite(msgspec.Struct, frozen=True):
    """A far end dials. Where `sdp` is empty the offer is ours: it goes out by `Signalling.progress` or `answer`, and
    `Exchange.completed` brings what it is answered. `caller_id` says whether whoever is called sees who calls. It dials
    nobody where it `takes` the place of a dialog: of this binding and name."""

    dialog: str
    sdp: str
    destination: str
    caller_number: str = ""
    caller_name: str = ""
    headers: Headers = ()
    client_state: str | None = None
    trickle: bool = False
    user_agent: str = ""
    caller_id: CallerId = "shown"
    takes: tuple[str, str] | None = None


class LoginRefused(Exception):
    """A login is not accepted. The text is all that the far end is told, and does not say why."""

    def __init__(self, text: str = "Login Incorrect") -> None:
        super().__init__(text)


class Authenticator(Protocol):
    """Who is it? Answers from memory, and takes equally long for names that exist and for those that do not."""

    def authenticate_password(self, username: str, password: str) -> Identity:
        """By a connection's or a credential's username and password; LoginRefused where they prove nothing."""
        ...

    def authenticate_token(self, token: str) -> Identity:
        """By a JWT minted from a credential; LoginRefused where it proves nothing now."""
        ...

    def digest_secret(self, username: str, algorithm: Algorithm, realm: str) -> str | None:
        """H(A1) of a username's password; None where there is no such username."""
        ...

    def identify(self, username: str) -> Identity:
        """Whose username it is that was proved by `digest_secret`; LoginRefused where it may not log in now."""
        ...


class Exchange(Protocol):
    """What the doors may ask of the switchboard. Implemented by `engine.switchboard.Switchboard`."""

    def register(self, who: Identity, contact: Contact, signalling: Signalling) -> str:
        """A far end logged in: returns its binding id. Latest login rings first."""
        ...

    def renewed(self, binding: str, who: Identity, device: Device | None = None) -> None:
        """It proved anew who it is, on the same connection (a fresh token): it keeps its place among its username's
        bindings, and what withdraws the old proof does not touch it any more."""
        ...

    def forget_device(self, binding: str, token: str) -> None:
        """This device of its username shall not be woken any more."""
        ...

    def unregister(self, binding: str) -> None:
        """It logged out or its socket is gone: its calls get the signal `lost`, the former binding rings."""
        ...

    def retire(self, binding: str) -> None:
        """Its registration is over: it makes no call and rings no more, but the calls that it has go on. `unregister`
        follows when they are over."""
        ...

    def invited(self, binding: str, invite: Invite, reply: Reply) -> None:
        """A far end dials."""
        ...

    def rang(self, binding: str, dialog: str) -> None: ...

    def progressed(self, binding: str, dialog: str, sdp: str) -> None:
        """It rings, and what it sends by now is for the caller to hear; `sdp` answers our offer."""
        ...

    def answered(self, binding: str, dialog: str, sdp: str, headers: Headers, trickle: bool, reply: Reply) -> None: ...

    def completed(self, binding: str, dialog: str, sdp: str) -> None:
        """The far end's answer to the offer that we made because its `Invite` had none."""
        ...

    def hung_up(self, binding: str, dialog: str, ending: Ending, reply: Reply | None) -> None: ...

    def referred(self, binding: str, dialog: str, status: int) -> None:
        """What came of our `refer`: 202 where the far end takes it, then how its call went."""
        ...

    def transferred(self, binding: str, dialog: str, destination: str, reply: Reply) -> None:
        """The far end wants whom it is with to go on with somebody else, and leaves."""
        ...

    def joined(self, binding: str, dialog: str, other: tuple[str, str], reply: Reply) -> None:
        """The far end wants those whom it is with in two calls to go on with each other, and leaves; `other` is the
        binding and the dialog of the second."""
        ...

    def pressed(self, binding: str, dialog: str, digits: str, reply: Reply) -> None: ...

    def asked_hold(
        self, binding: str, dialog: str, action: Literal["hold", "unhold", "toggleHold"], reply: Reply
    ) -> None: ...

    def renegotiated(self, binding: str, dialog: str, sdp: str, reply: Reply) -> None: ...

    def trickled(self, binding: str, dialog: str, candidate: str | None) -> None:
        """A candidate of the far end; None is the end of candidates."""
        ...


class Traffic(Protocol):
    """What goes over the wire of calls, as their doors see it; `engine.traffic.CallTraffic` is it. No method raises."""

    def noted(self, it: Noted) -> None:
        """A message of a dialog that the exchange is not told of, for the ladder. It may come after the call's end."""
        ...


class NoTraffic:
    """Nobody looks."""

    def noted(self, it: Noted) -> None: ...


class Clock(Protocol):
    """Time for the engine. `monotonic` drives timers and durations, `wall` (Unix seconds) stamps rows and checks
    tokens. A turned clock moves both."""

    def monotonic(self) -> float: ...
    def wall(self) -> float: ...


class Chance(Protocol):
    """Randomness for the engine: ids and keys. A seeded one makes a run repeatable."""

    def uuid(self) -> str: ...
    def token(self, length: int) -> str:
        """`length` URL-safe characters that cannot be guessed."""
        ...

    def number(self, digits: int) -> str:
        """A decimal id of exactly `digits` digits, no leading zero."""
        ...


class Dialplan(Protocol):
    """Where a dialled destination leads. `voice.dialing.Dialplan` is one."""

    def caller_terms(self, call: Dialled) -> Terms:
        """What the caller's side wants of the leg that it makes."""
        ...

    def decide(self, call: Dialled) -> Decision:
        """Who rings, or why nobody does. Never raises, never waits."""
        ...

    def permit(self, call: Dialled) -> Permitted | Refuse:
        """Whether a customer's command may make this call. Never raises, never waits."""
        ...


class MediaCore(Protocol):
    """The audio of all legs. `media.core.Core` is one; its events come to `Switchboard.media_event`, in the loop."""

    def ask(self, request: MediaRequest) -> MediaReply:
        """Ask and get the answer at once; a request that is refused has changed nothing."""
        ...

    def send(self, *commands: MediaCommand) -> None:
        """Order something; events tell what came of it. Orders for a port that is gone are ignored."""
        ...


class Shadow(Protocol):
    """What survives of live legs."""

    async def commit(self, durable: Sequence[Durable]) -> Sequence[Event]:
        """Write all of it in one transaction; returns when it is safe, with the events that leave as webhooks.
        StoreError where it is not."""
        ...

    async def heartbeat(self, legs: Sequence[str]) -> None:
        """These legs (call_control_ids) are alive now: a crash bills them up to here."""
        ...


class NoAudio(Exception):
    """There is no audio to be had; the text is for the customer."""

    def __init__(self, failure: Failure, detail: str) -> None:
        super().__init__(detail)
        self.failure: Failure = failure


class AudioSource(Protocol):
    """Where the audio of what is to be played comes from. `engine.clips.Clips` is one."""

    def clips(self, account_id: str, source: Source) -> AsyncIterator[Clip]:
        """The audio, piece by piece: the first as soon as it is there. NoAudio where there is none (any more)."""
        ...


class Recorder(Protocol):
    """Where recordings are kept. `engine.archive.Archive` is one."""

    def perform(self, it: Recording) -> None:
        """Begin, pause or end a recording."""
        ...

    def ended(self, event: RecordEnded) -> None:
        """The media core has ended one."""
        ...


class NoRecorder:
    """Keeps nothing: whoever orders a recording never hears of it again."""

    def perform(self, it: Recording) -> None: ...

    def ended(self, event: RecordEnded) -> None: ...


class Ladders(Protocol):
    """Where the engine writes what happened; read by trace, console and tests."""

    def wrote(self, session: str, lines: Sequence[Line]) -> None: ...


class FetchRequest(msgspec.Struct, frozen=True):
    """One request to a URL that a customer gave. `seconds` is for all of it, redirects included.

    Of the answer `limit` bytes are kept; one that is larger, or comes too slowly after its headers, is cut there, or
    refused where it is wanted `whole`. `types` names the beginnings of the content types that will do; none named, all
    will.
    """

    url: str
    method: Literal["GET", "POST"] = "GET"
    headers: Headers = ()
    body: bytes = b""
    seconds: float = 10.0
    limit: int = 1 << 20
    whole: bool = True
    types: tuple[str, ...] = ()


class Fetched(msgspec.Struct, frozen=True):
    """An answer, whatever its status; header names are lower case, `url` is where it came from after redirects."""

    status: int
    headers: Headers
    body: bytes
    url: str


FetchFault = Literal["url", "address", "name", "connect", "tls", "timeout", "redirects", "protocol", "size", "type"]


class FetchFailed(Exception):
    """There is no usable answer. The text is for people and holds no part of the URL but its host."""

    def __init__(self, fault: FetchFault, text: str) -> None:
        super().__init__(text)
        self.fault: FetchFault = fault


class SocketClosed(Exception):
    """A websocket is over: closed in good order by the far end, or lost. The text is for people."""

    def __init__(self, manner: Literal["orderly", "lost"], text: str = "") -> None:
        super().__init__(text)
        self.manner: Literal["orderly", "lost"] = manner


class MediaSocket(Protocol):
    """A websocket to a customer's program. Both ways wait while the other end is slow."""

    async def send(self, text: str) -> None:
        """SocketClosed where it is over."""
        ...

    async def receive(self) -> str:
        """The next text; SocketClosed where it is over."""
        ...

    async def close(self) -> None:
        """Never raises, never waits long."""
        ...


class MediaSockets(Protocol):
    """The one way to every websocket URL that a customer gives us; `edge.mediastream.GuardedSockets` is it."""

    async def open(self, url: str, headers: Headers, seconds: float) -> MediaSocket:
        """Connect; only ws and wss, only to addresses that the server may reach. FetchFailed where that fails."""
        ...


class Datagrams(Protocol):
    """Where copies of audio go out; `edge.mediastream.GuardedDatagrams` is it."""

    def allowed(self, address: str) -> bool:
        """Whether this server may send to an IP address that a customer names."""
        ...

    def send(self, address: str, port: int, data: bytes) -> None:
        """Send, and forget: what cannot be sent at once, or must not be, is dropped."""
        ...


class Fetch(Protocol):
    """The one way to every URL that a customer gives us; `edge.fetch.GuardedFetch` is it."""

    async def fetch(self, request: FetchRequest) -> Fetched:
        """Ask, following up to three redirects. Only http and https, only addresses that the server may reach;
        FetchFailed where no answer comes of it."""
        ...
