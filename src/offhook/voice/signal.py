"""What reaches a session: what far ends and media did, and that time has passed. Plain data, no I/O.

`reply` is a number by which the shell knows the answer that it owes; a session answers each exactly once.
"""

from typing import Any, Generic, Literal, TypeVar

import msgspec

from offhook.voice.binding import Network, Profile, Speaks
from offhook.voice.cause import Ending
from offhook.voice.command import Command, CommandRule, Enters, Form
from offhook.voice.effect import MediaRequest, Save
from offhook.voice.hooks import Hooks
from offhook.voice.leg import (
    CallerId,
    Carrier,
    DialogId,
    Direction,
    Headers,
    HoldAction,
    Leg,
    LegIds,
    Onward,
    Party,
    Ringback,
    Taken,
)
from offhook.voice.resources import problem
from offhook.voice.sound import Clip, Failure


class Target(msgspec.Struct, frozen=True):
    """One far end to be rung: the dialog and the port that it shall get, its username, its login, what it belongs to
    and is charged as, and the kind of media that it is offered.
    """

    dialog: DialogId
    port: int
    label: str
    sessid: str = ""
    network: Network = "sip"
    carrier: Carrier = "webrtc"
    speaks: Speaks = "rtc"
    profile: Profile = "webrtc"


class Ring(msgspec.Struct, frozen=True):
    """The dialled leg rings these targets at once; the first that answers has it.

    A far end must ring within `unheard_seconds` and answer within `seconds`, both from now. `ringback` is when
    the caller gets a tone as early media: at once, when somebody rings, or never. `number` is the phone number that
    was dialled; None for a SIP URI. `rung` are the connections whose clients ring. `onward` is how the call came to
    them where it was sent on, `otherwise` where it goes when none of them takes it. `caller_number` is what they are
    shown, empty for how the caller calls itself.
    """

    ids: LegIds
    party: Party
    targets: tuple[Target, ...]
    unheard_seconds: float
    seconds: float
    ringback: Ringback = "on_ringing"
    number: str | None = None
    rung: tuple[str, ...] = ()
    onward: Onward | None = None
    otherwise: Onward | None = None
    caller_number: str = ""


class Park(msgspec.Struct, frozen=True):
    """The caller's leg waits, alone with the platform, for what the customer's backend orders; while it is not
    answered, no longer than `seconds` for each command. `hooks` say which document it follows, if it follows one.

    It is `incoming` for an application whose `number` was dialled; else its own connection dials out.
    """

    seconds: float = 60.0
    hooks: Hooks = Hooks()
    direction: Direction = "outgoing"
    number: str = ""


class Refuse(msgspec.Struct, frozen=True):
    """Nobody rings."""

    ending: Ending


class Dialled(msgspec.Struct, frozen=True):
    """A far end dials: the first signal of a session. `party` is the caller, `plan` what dialling decided. Without
    `sdp` the offer is ours to make."""

    dialog: DialogId
    reply: int
    ids: LegIds
    port: int
    party: Party
    destination: str
    sdp: str
    plan: Ring | Park | Refuse
    trickle: bool = False
    headers: Headers = ()
    client_state: str | None = None
    speaks: Speaks = "rtc"
    profile: Profile = "webrtc"
    caller_id: CallerId = "shown"


class Rang(msgspec.Struct, frozen=True):
    """A far end that was offered a call alerts its user."""

    dialog: DialogId


class Progressed(msgspec.Struct, frozen=True):
    """A far end that was offered a call lets something be heard before it takes it; `sdp` answers our offer."""

    dialog: DialogId
    sdp: str


class Answered(msgspec.Struct, frozen=True):
    """A far end that was offered a call takes it; `sdp` answers our offer."""

    dialog: DialogId
    reply: int
    sdp: str
    headers: Headers = ()
    trickle: bool = False


class Completed(msgspec.Struct, frozen=True):
    """A far end that dialled without an offer answers ours."""

    dialog: DialogId
    sdp: str


class HungUp(msgspec.Struct, frozen=True):
    """A far end cancels, rejects or hangs up. `reply` is None where none is owed."""

    dialog: DialogId
    ending: Ending
    reply: int | None = None


class Pressed(msgspec.Struct, frozen=True):
    """A far end sends digits by its signalling."""

    dialog: DialogId
    reply: int
    digits: str


class Referred(msgspec.Struct, frozen=True):
    """What came of a far end's being referred, as a status of SIP: 202 that it tries, then how its call went."""

    dialog: DialogId
    status: int


class AskedHold(msgspec.Struct, frozen=True):
    """A far end holds or unholds the call."""

    dialog: DialogId
    reply: int
    action: HoldAction


class Renegotiated(msgspec.Struct, frozen=True):
    """A far end offers new media parameters (an ICE restart)."""

    dialog: DialogId
    reply: int
    sdp: str


class Trickled(msgspec.Struct, frozen=True):
    """A candidate of a far end; None is the end of candidates."""

    dialog: DialogId
    candidate: str | None


class Lost(msgspec.Struct, frozen=True):
    """A binding is gone, and with it all its dialogs."""

    binding: str


class PortDescribed(msgspec.Struct, frozen=True):
    """A media request was granted; `sdp` is ours (empty where the request needs none). `codec` is what will be sent
    first, None where that is not known yet."""

    request: MediaRequest
    sdp: str
    codec: str | None = None


class PortRefused(msgspec.Struct, frozen=True):
    """A media request was refused and has changed nothing. `detail` is for people and in our words; `line` is the line
    of the far end's SDP that it is about, where there is one, and is told to nobody else."""

    request: MediaRequest
    detail: str
    line: str = ""


class PortUp(msgspec.Struct, frozen=True):
    """Audio flows over this port."""

    port: int


class PortDown(msgspec.Struct, frozen=True):
    """The port is dead and already closed, or (`quiet`) nothing comes over it any more."""

    port: int
    reason: str
    fate: Literal["closed", "quiet"] = "closed"


class DigitHeard(msgspec.Struct, frozen=True):
    """A far end pressed a key in its audio stream (RFC 4733)."""

    port: int
    digit: str
    duration_ms: int


class Played(msgspec.Struct, frozen=True):
    """The core has played something to its end; what was stopped is not told."""

    port: int
    play: int


class Sounded(msgspec.Struct, frozen=True):
    """How a far end sounded in the time since it was told last: level in dBov, and the tone in Hz where one holds most
    of it, else 0. `at_ms` is the port's own time."""

    port: int
    at_ms: int
    level: float
    tone_hz: float


class Loudest(msgspec.Struct, frozen=True):
    """Whose port has been the loudest on the circle `port` since the last report; None where nobody was loud."""

    port: int
    speaker: int | None


class RecordingOver(msgspec.Struct, frozen=True):
    """A recording of this port or circle has ended, by itself or as it was told."""

    port: int
    recording: str


class AudioReady(msgspec.Struct, frozen=True):
    """A piece of the audio that `effect.Prepare` asked for. `all` has arrived with the last, or with None after it."""

    leg: str
    item: int
    clip: Clip | None
    arrived: Literal["some", "all"] = "all"


class AudioFailed(msgspec.Struct, frozen=True):
    """There is no (more) audio for an item. `detail` is for people."""

    leg: str
    item: int
    failure: Failure
    detail: str


class StreamUp(msgspec.Struct, frozen=True):
    """The websocket of a leg's stream is open, for the first time."""

    leg: str
    stream: str


class StreamEnded(msgspec.Struct, frozen=True):
    """The far end of a leg's stream has closed it in good order."""

    leg: str
    stream: str


class StreamFailed(msgspec.Struct, frozen=True):
    """The websocket of a leg's stream could not be opened, or was lost for good. `reason` is for people."""

    leg: str
    stream: str
    reason: str


class Transcribed(msgspec.Struct, frozen=True):
    """An engine has understood something of what was said on a leg."""

    leg: str
    transcription: str
    transcript: str
    confidence: float
    certainty: Literal["final", "interim"]
    track: Literal["inbound", "outbound"]


# ---- what customers and operators ask -----------------------------------------------------------------------


C = TypeVar("C", bound=Command)
F = TypeVar("F", bound=Form)


UNASKED = 0
"""The reply that nobody waits for."""


class Ordered(msgspec.Struct, Generic[C], frozen=True):
    """A customer commands a leg, by its call_control_id. `ids` are for a leg that the command makes, `place` is the
    id of the conference that it names by its path.

    `into` is the place by which the command is to be carried out, once the leg's owner has found it lawful;
    `forbidden` is why it may not be carried out, as was seen outside, and `reaches` what its far end would belong to.
    """

    leg: str
    reply: int
    rule: CommandRule
    command: C
    ids: LegIds | None = None
    place: str = ""
    into: Enters | None = None
    forbidden: problem.Rejected | None = None
    reaches: Network = "sip"


class TurnedAway(msgspec.Struct, frozen=True):
    """The place that a command is to be carried out by is not there."""

    order: Ordered[Any]
    why: problem.Rejected


class Originated(msgspec.Struct, Generic[C], frozen=True):
    """A customer dials: a leg comes to be, and with it a session unless it is linked to one. `linked` is the leg to
    which it is linked, which may be elsewhere; `first_command_within` is how long the leg waits for another command
    once it is answered, in seconds."""

    reply: int
    rule: CommandRule
    command: C
    ids: LegIds
    party: Party
    linked: Save | None = None
    first_command_within: float | None = None


class Directed(msgspec.Struct, Generic[F], frozen=True):
    """A customer commands a queue or conference, or by it the turn or the participation of the call `leg`."""

    reply: int
    rule: CommandRule
    command: F
    leg: str = ""


class Routed(msgspec.Struct, frozen=True):
    """What dialling decided for a leg that asked by `effect.Route`."""

    leg: str
    plan: Ring | Refuse


class HangUp(msgspec.Struct, frozen=True):
    """The platform ends one leg by its call_control_id, or, with `leg` None, the owner with all its legs."""

    ending: Ending
    leg: str | None = None


# ---- legs that move between owners ----------------------------------------------------------------------------


class Wanted(msgspec.Struct, frozen=True):
    """Another owner, `by`, wants this leg; see `effect.Want`. It comes, or does not, under the same number."""

    leg: str
    by: str
    number: int
    meets: str
    taken: Taken = "comes"
    rung: Literal["comes", "stays"] = "stays"


class Arrived(msgspec.Struct, frozen=True):
    """The leg that this owner wanted is here, with its dialogs; its former owner has let go of it. `number` is None
    for a leg that has come back to its session from a queue or conference."""

    leg: Leg
    number: int | None


class NotArrived(msgspec.Struct, frozen=True):
    """The leg that this owner wanted does not come: it has ended, or cannot leave where it is."""

    number: int
    why: problem.Rejected


class EndedAway(msgspec.Struct, frozen=True):
    """A leg of this session has ended in the queue or conference where it was."""

    leg: str


# ---- the shell ------------------------------------------------------------------------------------------------


class Tick(msgspec.Struct, frozen=True):
    """The moment that the session asked for has come."""


class Noted(msgspec.Struct, frozen=True):
    """Something went over the wire of a dialog that changes nothing: for the ladder alone. What is not our own words is
    `private`; `kind` is as in `voice.ladder`."""

    dialog: DialogId
    arrow: Literal["->", "<-", ""]
    what: str
    private: str = ""
    kind: Literal["party", "digits", "words", "quoted"] = "quoted"


class Broken(msgspec.Struct, frozen=True):
    """The shell cannot go on with this session; its legs end. `detail` is for people."""

    detail: str


DialogSignal = (
    Rang | Progressed | Answered | Completed | HungUp | Referred | Pressed | AskedHold | Renegotiated | Trickled
)
PortSignal = PortUp | PortDown | DigitHeard | Played | Sounded | RecordingOver | Loudest
AudioSignal = AudioReady | AudioFailed
StreamSignal = StreamUp | StreamEnded | StreamFailed
ListenerSignal = StreamSignal | Transcribed
Order = Ordered[Any] | Originated[Any] | Directed[Any] | HangUp | TurnedAway
Passage = Wanted | Arrived | NotArrived | EndedAway
Input = (
    Dialled
    | DialogSignal
    | PortSignal
    | AudioSignal
    | ListenerSignal
    | PortDescribed
    | PortRefused
    | Routed
    | Lost
    | Tick
    | Noted
    | Broken
    | Order
    | Passage
)
Signal = Input
