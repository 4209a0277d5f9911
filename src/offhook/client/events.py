"""What a program is told: facts about the socket, the client and its calls. Plain data.

The three kinds are base classes, so a handler for `CallEvent` hears everything about calls and one for `Event`
hears everything at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from offhook.client.call import Call
    from offhook.client.state import State
    from offhook.media.events import PortStats


@dataclass(frozen=True, slots=True)
class Event:
    """Anything a program can be told."""


# ---- the socket --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SocketEvent(Event):
    """About the websocket to the platform."""


@dataclass(frozen=True, slots=True)
class Connected(SocketEvent):
    """The websocket is open; log-in comes next."""

    url: str


@dataclass(frozen=True, slots=True)
class Disconnected(SocketEvent):
    """The websocket is gone. `wanted` tells a `disconnect()` from a loss."""

    reason: str
    wanted: bool


@dataclass(frozen=True, slots=True)
class Reconnecting(SocketEvent):
    """The next try, counted from 1, starts in `delay` seconds."""

    attempt: int
    delay: float


# ---- the client --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ClientEvent(Event):
    """About the client as a whole."""


@dataclass(frozen=True, slots=True)
class Ready(ClientEvent):
    """Registered: calls can be made and will come in. Comes again after every reconnect."""

    session: str


@dataclass(frozen=True, slots=True)
class IncomingCall(ClientEvent):
    """Somebody calls. Answer or reject it; left alone it rings until the caller or the platform gives up."""

    call: Call


@dataclass(frozen=True, slots=True)
class ErrorRaised(ClientEvent):
    """Something failed that no caller was waiting for, a callback of yours included."""

    error: Exception
    call: Call | None = None


@dataclass(frozen=True, slots=True)
class WarningRaised(ClientEvent):
    """Nothing failed yet. `name` is stable, `text` is for people."""

    name: str
    text: str
    call: Call | None = None


# ---- a call ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CallEvent(Event):
    """About one call."""

    call: Call


@dataclass(frozen=True, slots=True)
class StateChanged(CallEvent):
    """The call moved along an edge of `client.state.TRANSITIONS`."""

    before: State
    after: State


@dataclass(frozen=True, slots=True)
class Ringing(CallEvent):
    """The far end of our call rings."""


@dataclass(frozen=True, slots=True)
class EarlyMedia(CallEvent):
    """The far end can be heard before it has answered."""


@dataclass(frozen=True, slots=True)
class Answered(CallEvent):
    """The two sides talk."""


@dataclass(frozen=True, slots=True)
class MediaConnected(CallEvent):
    """Audio flows (ICE and DTLS are up); comes again after an ICE restart."""

    transport: str


@dataclass(frozen=True, slots=True)
class Held(CallEvent):
    """The call is on hold by our own request."""


@dataclass(frozen=True, slots=True)
class Unheld(CallEvent):
    """The call is off hold again."""


@dataclass(frozen=True, slots=True)
class DigitPressed(CallEvent):
    """The far end pressed a key."""

    digit: str
    duration_ms: int


@dataclass(frozen=True, slots=True)
class QualityMeasured(CallEvent):
    """How the audio is doing: MOS, loss, jitter and round trip, per direction."""

    stats: PortStats


@dataclass(frozen=True, slots=True)
class Ending:
    """Why a call is over: the cause and its number, and the SIP status where there is one.

    `sip_reason` is for people: its phrase and what explains it, such as the setting that refused the call.
    """

    cause: str
    code: int
    sip_code: int | None = None
    sip_reason: str | None = None
    local: bool = False


@dataclass(frozen=True, slots=True)
class Ended(CallEvent):
    """The call is over, once and for good."""

    ending: Ending


__all__ = [
    "Answered",
    "CallEvent",
    "ClientEvent",
    "Connected",
    "DigitPressed",
    "Disconnected",
    "EarlyMedia",
    "Ended",
    "Ending",
    "ErrorRaised",
    "Event",
    "Held",
    "IncomingCall",
    "MediaConnected",
    "QualityMeasured",
    "Ready",
    "Reconnecting",
    "Ringing",
    "SocketEvent",
    "StateChanged",
    "Unheld",
    "WarningRaised",
]
