"""What the shell must do for a session, in the order given. Plain data, no I/O.

`Save` and `Close` belong in one transaction, before anything else of the same decision is performed.
"""

from typing import Literal

import msgspec

from offhook.voice.cause import Ending
from offhook.voice.event import Event
from offhook.voice.leg import DialogId, Headers, LegIds, Party, Side, Stage

Sound = Literal["ringback", "hold_music"]


# ---- what survives -------------------------------------------------------------------------------------------


class Save(msgspec.Struct, frozen=True):
    """The durable shadow of a live leg, new or changed. Times are Unix seconds."""

    ids: LegIds
    party: Party
    caller: Party
    side: Side
    destination: str
    stage: Stage
    place: str
    dialog: str
    started_at: float
    answered_at: float | None
    client_state: str | None


class Close(msgspec.Struct, frozen=True):
    """A leg ended: its shadow goes, its one detail record comes. `seconds` were answered (0: it never was)."""

    ids: LegIds
    party: Party
    caller: Party
    side: Side
    destination: str
    dialog: str
    started_at: float
    answered_at: float | None
    ended_at: float
    seconds: float
    ending: Ending


# ---- signalling ----------------------------------------------------------------------------------------------


class Invitation(msgspec.Struct, frozen=True):
    """A call offered to a far end: who calls whom, our SDP offer, what travels along."""

    ids: LegIds
    sdp: str
    caller_number: str
    caller_name: str
    callee_number: str
    callee_name: str
    headers: Headers = ()
    client_state: str | None = None


class Invite(msgspec.Struct, frozen=True):
    """Offer a call to a far end."""

    dialog: DialogId
    invitation: Invitation


class Ringing(msgspec.Struct, frozen=True):
    """Tell the far end that its call rings."""

    dialog: DialogId
    ids: LegIds


class Progress(msgspec.Struct, frozen=True):
    """Give the far end early media."""

    dialog: DialogId
    sdp: str
    ids: LegIds


class Answer(msgspec.Struct, frozen=True):
    """Tell the far end that its call was answered; `sdp` is None where `Progress` carried it."""

    dialog: DialogId
    sdp: str | None
    ids: LegIds


class Bye(msgspec.Struct, frozen=True):
    """Tell the far end that the call is over."""

    dialog: DialogId
    ending: Ending


class Done(msgspec.Struct, frozen=True):
    """Answer a request: it is done."""

    reply: int
    sdp: str | None = None
    held: bool | None = None


class Declined(msgspec.Struct, frozen=True):
    """Answer a request: it is refused and has changed nothing. `code` is of JSON-RPC."""

    reply: int
    code: int
    message: str


# ---- media ---------------------------------------------------------------------------------------------------


class AnswerPort(msgspec.Struct, frozen=True):
    """Open a port on a far end's offer."""

    port: int
    offer: str
    trickle: bool


class OfferPort(msgspec.Struct, frozen=True):
    """Open a port with an offer of ours."""

    port: int


class AcceptAnswer(msgspec.Struct, frozen=True):
    """Complete the offer of a port. `reply` is the answer that the far end is owed for it."""

    port: int
    answer: str
    reply: int
    trickle: bool


class AnswerReoffer(msgspec.Struct, frozen=True):
    """Answer a new offer on a live port. `reply` is the answer that the far end is owed for it."""

    port: int
    offer: str
    reply: int


class AddCandidate(msgspec.Struct, frozen=True):
    """A candidate of the far end; None is the end of candidates."""

    port: int
    candidate: str | None


class Hear(msgspec.Struct, frozen=True):
    """From now on the far end of `port` hears exactly these ports."""

    port: int
    speakers: tuple[int, ...]


class Sing(msgspec.Struct, frozen=True):
    """From now on the far end of `port` gets this sound in place of what it hears; None stops it."""

    port: int
    sound: Sound | None


class SendDigits(msgspec.Struct, frozen=True):
    """Send DTMF to the far end of `port`."""

    port: int
    digits: str


class ClosePort(msgspec.Struct, frozen=True):
    """End a port."""

    port: int


# ---- the customer --------------------------------------------------------------------------------------------


class Tell(msgspec.Struct, frozen=True):
    """Something the customer is told."""

    event: Event


MediaRequest = AnswerPort | OfferPort | AcceptAnswer | AnswerReoffer
MediaCommand = AddCandidate | Hear | Sing | SendDigits | ClosePort
SignallingEffect = Invite | Ringing | Progress | Answer | Bye
ReplyEffect = Done | Declined
Durable = Save | Close
# What only takes away: it is performed even where the rest of its decision cannot be.
End = Close | Bye | ClosePort
Effect = Durable | SignallingEffect | ReplyEffect | MediaRequest | MediaCommand | Tell
