"""What the shell must do for a session, in the order given. Plain data, no I/O.

`Durable` effects belong in one transaction, before anything else of the same decision is performed.
"""

from typing import Any, Literal

import msgspec

from offhook.voice.binding import Encryption, Profile
from offhook.voice.cause import Ending
from offhook.voice.conference import Card as ConferenceCard
from offhook.voice.conference_event import ConferenceEnded, ParticipantLeft
from offhook.voice.event import About, CallHungUp, Event
from offhook.voice.leg import DialogId, Headers, Leg, LegIds, Party, Side, Stage, Taken
from offhook.voice.queue import Card
from offhook.voice.recording import Card as RecordingCard
from offhook.voice.resources import problem
from offhook.voice.sound import Clip, Sound, Source
from offhook.voice.stream import Card as StreamCard
from offhook.voice.transcription import Settings as TranscriptionSettings
from offhook.voice.usage import Usage

Beeper = Literal["recording", "conference"]

# ---- what survives -------------------------------------------------------------------------------------------


class Save(msgspec.Struct, frozen=True):
    """The durable shadow of a live leg, new or changed. Times are Unix seconds; `about` is how its events show it,
    `usages` what it has used beside its minutes so far."""

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
    about: About | None = None
    usages: tuple[Usage, ...] = ()


class Close(msgspec.Struct, frozen=True):
    """A leg ended: its shadow goes, its detail records come, one for itself and one for each of its `usages`, which
    are over. `seconds` were answered (0: it never was)."""

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
    about: About | None = None
    usages: tuple[Usage, ...] = ()


class Remember(msgspec.Struct, frozen=True):
    """What a command was answered: another one with the same `command_id` gets it again, and does nothing.

    `scope` is the leg's call_control_id, or for a command that makes a leg its connection's id.
    """

    account_id: str
    scope: str
    command_id: str
    document: dict[str, Any]
    at: float


class KeepQueue(msgspec.Struct, frozen=True):
    """A queue that its customer has made, or changed."""

    card: Card


class DropQueue(msgspec.Struct, frozen=True):
    """A queue that its customer has deleted."""

    card: Card


class KeepConference(msgspec.Struct, frozen=True):
    """A conference that has begun, changed or ended."""

    card: ConferenceCard


class KeepRecording(msgspec.Struct, frozen=True):
    """A recording has begun: whatever happens, it will be told of once there is a file."""

    card: RecordingCard


class Tell(msgspec.Struct, frozen=True):
    """Something the customer is told."""

    event: Event


# ---- signalling ----------------------------------------------------------------------------------------------


class Invitation(msgspec.Struct, frozen=True):
    """A call offered to a far end: who calls whom, our SDP offer, what travels along. `caller_username` is by what the
    caller can be dialled, empty where that is not to be known."""

    ids: LegIds
    sdp: str
    caller_number: str
    caller_name: str
    callee_number: str
    callee_name: str
    headers: Headers = ()
    client_state: str | None = None
    caller_username: str = ""


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
    headers: Headers = ()


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


class Referral(msgspec.Struct, frozen=True):
    """Whom a SIP far end shall call. `username` and `password` are for whoever asks it to prove that we may say so."""

    target: str
    headers: Headers = ()
    username: str = ""
    password: str = ""


class Refer(msgspec.Struct, frozen=True):
    """Ask a far end to call somebody else."""

    dialog: DialogId
    referral: Referral


class Inform(msgspec.Struct, frozen=True):
    """Send a far end a message within the call."""

    dialog: DialogId
    content_type: str
    body: str


# ---- media ---------------------------------------------------------------------------------------------------


class AnswerPort(msgspec.Struct, frozen=True):
    """Open a port on a far end's offer."""

    port: int
    offer: str
    trickle: bool


class OfferPort(msgspec.Struct, frozen=True):
    """Open a port with an offer of ours, of this kind of media."""

    port: int
    profile: Profile = "webrtc"


class AcceptEarly(msgspec.Struct, frozen=True):
    """Complete the offer of a port by the description of a far end that has not answered yet."""

    port: int
    answer: str


class AcceptAnswer(msgspec.Struct, frozen=True):
    """Complete the offer of a port. `reply` is the answer that the far end is owed for it, None where none is.
    Instead of early media it takes the place of their description."""

    port: int
    answer: str
    reply: int | None = None
    trickle: bool = False
    instead: Literal["of nothing", "of early media"] = "of nothing"


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


class Convene(msgspec.Struct, frozen=True):
    """From now on exactly these ports speak on the circle `port`; whoever hears it hears them all, but not itself.
    `apart` has a channel of its own in its recordings. `Loudest` comes back a few times a second while they speak."""

    port: int
    speakers: tuple[int, ...]
    apart: int | None


class Sing(msgspec.Struct, frozen=True):
    """From now on the far end of `port` gets this sound in place of what it hears; None stops it."""

    port: int
    sound: Sound | None


class Play(msgspec.Struct, frozen=True):
    """Play a clip to the far end of `port`, `rounds` times (0 for ever), behind what plays there in the same lane: in
    place of what it hears, or over it. `Played` comes back with `play`, which is from 2 on: 1 is the platform's own."""

    port: int
    play: int
    clip: Clip
    rounds: int
    lane: Literal["instead", "over"]


class StopPlay(msgspec.Struct, frozen=True):
    """Stop one play."""

    port: int
    play: int


class Measure(msgspec.Struct, frozen=True):
    """Tell how the far end of `port` sounds, every so many milliseconds (`signal.Sounded`); 0 stops it."""

    port: int
    every_ms: int


class SendDigits(msgspec.Struct, frozen=True):
    """Send DTMF to the far end of `port`, each digit for `duration_ms`."""

    port: int
    digits: str
    duration_ms: int = 100


class Denoise(msgspec.Struct, frozen=True):
    """Take the noise from these directions of `port`, None from neither; `limit_db` of it at most, None for all."""

    port: int
    tracks: Literal["inbound", "outbound", "both"] | None
    limit_db: float | None = None


class Beep(msgspec.Struct, frozen=True):
    """Let the far end of `port` hear, over everything else, that it is recorded, or that somebody comes or goes."""

    port: int
    sound: Beeper = "recording"


class ClosePort(msgspec.Struct, frozen=True):
    """End a port or circle."""

    port: int


# ---- the customer --------------------------------------------------------------------------------------------


class Accepted(msgspec.Struct, frozen=True):
    """A command is done, or well on its way."""

    reply: int
    document: dict[str, Any]


class Rejected(msgspec.Struct, frozen=True):
    """A command is refused and has changed nothing."""

    reply: int
    why: problem.Rejected


# ---- audio to be played --------------------------------------------------------------------------------------


class Prepare(msgspec.Struct, frozen=True):
    """Get the audio of a leg's item: `AudioReady` (once, or piece by piece) or `AudioFailed` comes back."""

    leg: str
    item: int
    account_id: str
    source: Source
    pieces: Literal["as they come", "whole"]


class Discard(msgspec.Struct, frozen=True):
    """The rest of an item's audio is not wanted any more."""

    leg: str
    item: int


# ---- whoever listens in, or talks back, over the network ------------------------------------------------------


class OpenStream(msgspec.Struct, frozen=True):
    """Connect to where a leg's audio shall go; a `signal.StreamSignal` tells what comes of it."""

    card: StreamCard


class AttachStream(msgspec.Struct, frozen=True):
    """From now on the stream carries the audio of `port`. `about` is the leg as it is now."""

    stream: str
    port: int
    about: About


class AimStream(msgspec.Struct, frozen=True):
    """From now on the far ends of these ports hear what comes back over the stream."""

    stream: str
    ports: tuple[int, ...]


class StreamDigit(msgspec.Struct, frozen=True):
    """Tell the stream of a key that was pressed."""

    stream: str
    digit: str


class CloseStream(msgspec.Struct, frozen=True):
    """End a stream."""

    stream: str


class StartFork(msgspec.Struct, frozen=True):
    """Copy what the far end of `port` says to `rx`, and what it hears to `tx`, as RTP; empty is nowhere."""

    leg: str
    port: int
    rx: str
    tx: str


class StopFork(msgspec.Struct, frozen=True):
    """Copy no more of a leg's audio."""

    leg: str


class StartTranscription(msgspec.Struct, frozen=True):
    """Let an engine listen to `port`; `signal.Transcribed` tells what it understands."""

    leg: str
    transcription: str
    port: int
    wanted: TranscriptionSettings


class StopTranscription(msgspec.Struct, frozen=True):
    """Let no engine listen any more."""

    transcription: str


# ---- recordings ----------------------------------------------------------------------------------------------


class Record(msgspec.Struct, frozen=True):
    """Record the audio of `port`. `RecordingOver` comes back when it has ended by itself."""

    port: int
    card: RecordingCard


class PauseRecord(msgspec.Struct, frozen=True):
    """Record silence for as long as it is paused."""

    port: int
    recording: str
    paused: bool


class StopRecord(msgspec.Struct, frozen=True):
    """End a recording. Its customer is told of it as of this leg."""

    port: int
    recording: str
    about: About


# ---- other owners --------------------------------------------------------------------------------------------


class Route(msgspec.Struct, frozen=True):
    """Find out who rings for a leg; `Routed` comes back at once. All destinations ring, the first to answer has it.
    Where the numbers in `passed` have sent it on, it is a call of the last one's connection. `encryption` is that of
    its media, whatever who rings wants otherwise."""

    leg: LegIds
    party: Party
    destinations: tuple[str, ...]
    caller_number: str
    caller_name: str = ""
    passed: tuple[str, ...] = ()
    encryption: Encryption | None = None


class Want(msgspec.Struct, frozen=True):
    """Ask the owner of another leg for it, to meet the leg `meets`; `Arrived` or `NotArrived` comes back.

    With `queue`, a name or id, the leg is the first of that queue of the account. A leg that is to meet itself is
    wanted by a queue, which has a seat for it. `rung` says whether it comes while it still rings, alone.
    """

    number: int
    leg: str
    meets: str
    taken: Taken = "comes"
    queue: str = ""
    account_id: str = ""
    rung: Literal["comes", "stays"] = "stays"


class HandOver(msgspec.Struct, frozen=True):
    """Give a leg to the owner `to`, which wants it under this number; this floor has let go of it. Without a number
    `to` is the leg's session, which may have ended meanwhile and then begins anew."""

    leg: Leg
    to: str
    number: int | None


class KeepBack(msgspec.Struct, frozen=True):
    """Tell the owner `to` that the leg does not come."""

    number: int
    to: str
    why: problem.Rejected


class EndedAway(msgspec.Struct, frozen=True):
    """Tell a leg's session, if it lives, that the leg has ended in a queue or conference."""

    leg: str
    to: str


class TurnAway(msgspec.Struct, frozen=True):
    """Let a leg end, whoever has it: what it was dialled for is not there."""

    leg: str
    why: Ending


class PassOn(msgspec.Struct, frozen=True):
    """Give a command (`signal.Ordered`), with its reply, to the queue or conference that it names; or to the leg's
    session `to`, which has been given the leg back."""

    order: Any
    account_id: str
    to: str = ""


MediaRequest = AnswerPort | OfferPort | AcceptEarly | AcceptAnswer | AnswerReoffer
MediaCommand = (
    AddCandidate | Hear | Convene | Sing | Play | StopPlay | Measure | SendDigits | Denoise | Beep | ClosePort
)
SignallingEffect = Invite | Ringing | Progress | Answer | Bye | Refer | Inform
ReplyEffect = Done | Declined | Accepted | Rejected
Audio = Prepare | Discard
Stream = OpenStream | AttachStream | AimStream | StreamDigit | CloseStream
Listener = Stream | StartFork | StopFork | StartTranscription | StopTranscription
Recording = Record | PauseRecord | StopRecord
Elsewhere = Route | Want | HandOver | KeepBack | PassOn | EndedAway | TurnAway | Audio | Recording | Listener
Durable = Save | Close | Remember | Tell | KeepQueue | DropQueue | KeepConference | KeepRecording
# What only takes away, or keeps a moving leg from being nowhere: it is performed even where the rest of its decision
# cannot be.
End = Close | Bye | ClosePort | HandOver | KeepBack | CloseStream | StopFork | StopTranscription


def is_end(each: "Effect") -> bool:
    """Whether an effect is an end, or tells the customer of one."""
    if isinstance(each, KeepConference):
        return each.card.status == "completed"
    return isinstance(each, End) or (isinstance(each, Tell) and isinstance(each.event, _ENDS))


_ENDS = CallHungUp, ParticipantLeft, ConferenceEnded


Effect = Durable | SignallingEffect | ReplyEffect | MediaRequest | MediaCommand | Elsewhere
