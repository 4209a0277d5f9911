"""One participant's half of a call: its ids, its stages, its hold, and the dialogs that carry it. No I/O.

Where a leg is (its place) is not known here, nor who hears whom.
"""

from typing import Any, Literal, NamedTuple

import msgspec

from offhook.voice import transcription
from offhook.voice.binding import Network, Profile, Speaks
from offhook.voice.cause import Ending
from offhook.voice.doing import Doing
from offhook.voice.greeting import Wanted
from offhook.voice.hooks import Hooks
from offhook.voice.sound import Ringtone, Sound, Source
from offhook.voice.terms import NONE, Terms
from offhook.voice.usage import AddOn, Usage

Headers = tuple[tuple[str, str], ...]

Stage = Literal["trying", "early", "offered", "ringing", "answered", "ended"]
Hold = Literal["active", "held"]
HoldAction = Literal["hold", "unhold", "toggleHold"]
# Seen from the platform: a far end that dials is `incoming`, one that is rung `outgoing`.
Side = Literal["incoming", "outgoing"]
# The Voice API's word, seen from the leg's connection: what its clients or its application dial is `outgoing`.
Direction = Literal["incoming", "outgoing"]
# What a far end is told to hear: ports of speakers, the sound in their place.
Hearing = tuple[tuple[int, ...], Sound | None]
# What becomes of a leg when the one that it was bridged to has gone.
Unbridged = Literal["hangup", "park"]
Ringback = Literal["instant", "on_ringing", "none"]
# Whether a far end gets the digits that others press, and whether it sees who calls.
Tones = Literal["passed", "muted"]
CallerId = Literal["shown", "hidden"]
# What the customer is told when nobody has answered in time.
Unanswered = Literal["timeout", "no_answer"]
# Whether a leg that is wanted comes although it is bridged already; or only once that is ordered.
Taken = Literal["comes", "stays", "unless queued", "when ordered"]
# As what a leg joins those whom it was dialled for. The two whom a supervisor joins stay together: both hear one that
# barges in, only the one that it was dialled for a whisper, and nobody a monitor.
Role = Literal["party", "monitor", "whisper", "barge"]

STAGES: dict[tuple[Stage, str], Stage] = {
    ("trying", "progressed"): "early",
    ("trying", "answered"): "answered",
    ("early", "answered"): "answered",
    ("offered", "rang"): "ringing",
    ("offered", "answered"): "answered",
    ("ringing", "rang"): "ringing",
    ("offered", "forwarded"): "offered",
    ("ringing", "forwarded"): "offered",
    ("ringing", "answered"): "answered",
    ("trying", "ended"): "ended",
    ("early", "ended"): "ended",
    ("offered", "ended"): "ended",
    ("ringing", "ended"): "ended",
    ("answered", "ended"): "ended",
}

HOLDS: dict[tuple[Hold, HoldAction], Hold] = {
    ("active", "hold"): "held",
    ("active", "unhold"): "active",
    ("active", "toggleHold"): "held",
    ("held", "hold"): "held",
    ("held", "unhold"): "active",
    ("held", "toggleHold"): "active",
}

TIME_LIMIT_SECONDS = 4 * 3600.0

RUNG: frozenset[Stage] = frozenset(("offered", "ringing"))
UNANSWERED: frozenset[Stage] = frozenset(("trying", "early", "offered", "ringing"))
ANSWERED: frozenset[Stage] = frozenset(("answered",))
LIVE: frozenset[Stage] = UNANSWERED | ANSWERED


class IllegalMove(Exception):
    """A bug: the table has no such transition."""


class Moment(NamedTuple):
    """Now: `mono` (seconds) measures and triggers, `wall` (Unix seconds) stamps."""

    mono: float
    wall: float


class LegIds(msgspec.Struct, frozen=True):
    """The three public ids of a leg (`telnyx_call_control_id`, `telnyx_session_id`, `telnyx_leg_id`)."""

    call_control_id: str
    call_session_id: str
    call_leg_id: str


class DialogId(NamedTuple):
    """A dialog by the binding it runs over and the id its protocol uses (the browser SDK's callID)."""

    binding: str
    name: str


# What carries a leg, by which it is charged: a browser or our own client, or a SIP trunk or phone (which stands for the
# telephone network, too).
Carrier = Literal["webrtc", "sip-trunking"]


class Party(msgspec.Struct, frozen=True):
    """Whose leg it is. `label` names it in ladders; the rest goes to its rows and events.

    `sessid` is the login that carries it, where a single one does; `carrier` is what its minutes are charged as
    and `network` what its far end belongs to. `terms` are its owner's wishes for every such leg.
    """

    label: str
    account_id: str
    connection_id: str
    username: str
    number: str = ""
    name: str = ""
    sessid: str = ""
    carrier: Carrier = "webrtc"
    network: Network = "sip"
    terms: Terms = NONE


class Dialog:
    """The signalling of a leg towards one far end, and the media port that belongs to it.

    `contact` is whether the far end knows of the dialog; only then it gets a bye. `sdp` is our answer while the
    far end has not been told it yet. `heard` is what the mixer was told last about the port.
    `media` is whether the port has ever been connected to the far end, `early` the description by which it is heard
    though it has not answered, `codec` what was agreed on, `network` what that belongs to and `carrier` what its
    minutes are charged as, `profile` the kind of media that it is offered.
    """

    __slots__ = (
        "carrier", "codec", "contact", "early", "heard", "id", "label", "media", "network", "port", "profile", "sdp",
        "sessid", "speaks",
    )  # fmt: skip

    def __init__(
        self, id: DialogId, port: int, label: str, contact: Literal["untold", "told"] = "untold", sessid: str = ""
    ) -> None:
        self.id = id
        self.sessid = sessid
        self.carrier: Carrier = "webrtc"
        self.network: Network = "sip"
        self.speaks: Speaks = "rtc"
        self.profile: Profile = "webrtc"
        self.contact: Literal["untold", "told"] = contact
        self.port = port
        self.label = label
        self.sdp: str | None = None
        self.early = ""
        self.heard: Hearing = ((), None)
        self.codec: str | None = None
        self.media: Literal["awaited", "connected"] = "awaited"


class Onward(msgspec.Struct, frozen=True):
    """Where a number that was dialled sends a leg: to `destination`, as a leg of `party`. `number` is the phone number
    that this is, None for a SIP URI. `passed` are the numbers that sent it on, the latest last, and `headers` tell that
    to who rings. `by` is the monotonic time after which it goes nowhere any more, None for no such time."""

    destination: str
    party: Party
    passed: tuple[str, ...]
    number: str | None = None
    headers: Headers = ()
    by: float | None = None


class Leg:
    """A leg. Change `stage` and `hold` only by `move` and `turn`, which read the tables.

    A leg that is rung may have several dialogs until one of them answers, or none while it is not known who rings;
    any other leg has exactly one. `caller` is who dialled: the leg's own party, or for a rung leg the other one.
    `headers` are those of its invite. `meets` is the leg to which it is bridged when it is answered, or which it then
    joins in its `role`, and which hears its `ringtone` until then; `taken` is for the case that this one is bridged by
    then. `otherwise` is where it rings next where nobody takes it (`voice.forwarding`). `answers` are the outcomes of
    its commands by their command_id. `patience` is how long an unanswered parked leg waits for each command, in
    seconds.
    `expires_at` and `media_by` are the monotonic times by which its stage, and the wait for its media, must be over;
    None for no limit. `first_command_within` is how long it waits, once answered, for a command
    (`voice.first_command`). `doings` go on beside its place, by name; while one of them plays in place of what the leg
    hears, the platform's own sounds are `covered`. `gathered` counts the gatherings it has had; `greeting` is what its
    far end hears first when it has answered; `detects` is what is wanted to be known of who answers
    (`voice.detection`), `transcribes` how it is transcribed from then on; `usages` are what it used beside its minutes,
    by kind and by what each is about (`voice.metering`).
    """

    __slots__ = (
        "answer_headers", "answered_at", "answered_wall", "answers", "caller", "caller_id", "client_state",
        "destination", "detects", "dialogs", "digits", "direction", "doings", "ending", "expires_at",
        "first_command_within", "gathered", "greeting", "headers", "hold", "hooks", "ids", "media_by", "meets",
        "otherwise", "party", "patience", "platform_sound", "ringback", "rings_until", "ringtone", "role", "side",
        "stage", "started_wall", "taken", "time_limit", "tones", "transcribes", "unanswered", "unbridged", "usages",
    )  # fmt: skip

    def __init__(self, ids: LegIds, side: Side, party: Party, destination: str, started_wall: float) -> None:
        self.ids = ids
        self.side: Side = side
        self.direction: Direction = "outgoing" if side == "incoming" else "incoming"
        self.party = party
        self.destination = destination
        self.started_wall = started_wall
        self.stage: Stage = "trying" if side == "incoming" else "offered"
        self.hold: Hold = "active"
        self.dialogs: list[Dialog] = []
        self.ringback: Ringback = "instant"
        self.ringtone: Ringtone = "us"
        self.caller = party
        self.client_state: str | None = None
        self.headers: Headers = ()
        self.expires_at: float | None = None
        self.media_by: float | None = None
        self.first_command_within: float | None = None
        self.rings_until: float | None = None
        self.answered_at: float | None = None
        self.answered_wall: float | None = None
        self.ending: Ending | None = None
        self.time_limit = TIME_LIMIT_SECONDS
        self.hooks = Hooks()
        self.unbridged: Unbridged = "hangup"
        self.tones: Tones = "passed"
        self.caller_id: CallerId = "shown"
        self.unanswered: Unanswered = "timeout"
        self.taken: Taken = "comes"
        self.role: Role = "party"
        self.meets: str | None = None
        self.digits = ""
        self.patience: float | None = None
        self.answer_headers: Headers = ()
        self.answers: dict[str, dict[str, Any]] = {}
        self.doings: dict[str, Doing] = {}
        self.gathered = 0
        self.greeting: Source | None = None
        self.detects: Wanted | None = None
        self.otherwise: Onward | None = None
        self.transcribes: transcription.Settings | None = None
        self.platform_sound: Literal["due", "covered"] = "due"
        self.usages: dict[tuple[AddOn, str], Usage] = {}

    @property
    def id(self) -> str:
        """Its call_control_id."""
        return self.ids.call_control_id

    @property
    def dialog(self) -> Dialog:
        """The one dialog of a leg that does not ring several."""
        return self.dialogs[0]

    @property
    def mouth(self) -> Dialog:
        """The dialog over which it is heard: before the answer that of the first far end with early media."""
        return next((dialog for dialog in self.dialogs if dialog.early), self.dialogs[0])

    @property
    def is_heard_early(self) -> bool:
        """Whether it rings, and is heard meanwhile."""
        return self.stage in RUNG and any(dialog.early for dialog in self.dialogs)

    @property
    def follows(self) -> bool:
        """Whether documents say what becomes of it."""
        return self.hooks.callbacks is not None and self.hooks.callbacks.page is not None

    @property
    def wakes_at(self) -> float | None:
        """The first of its deadlines."""
        wanted = (self.expires_at, self.media_by, *(doing.wakes_at for doing in self.doings.values()))
        return min((at for at in wanted if at is not None), default=None)

    def move(self, trigger: str) -> None:
        """Move the stage; IllegalMove where the table has no such row."""
        try:
            self.stage = STAGES[self.stage, trigger]
        except KeyError:
            raise IllegalMove(f"{trigger} in stage {self.stage}") from None

    def turn(self, action: HoldAction) -> None:
        """Hold or unhold."""
        self.hold = HOLDS[self.hold, action]

    def seconds(self, now: Moment) -> float:
        """How long it has been answered; 0 for a leg that never was."""
        return 0.0 if self.answered_at is None else now.mono - self.answered_at
