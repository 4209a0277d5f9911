"""A conference: its card, and who takes part in it how. Knows neither legs nor events; no I/O.

It comes to be with the first leg in it and is over with the last; its card is kept after that.
"""

from typing import Literal

import msgspec

from offhook.voice.event import About
from offhook.voice.leg import Hold, LegIds, Moment
from offhook.voice.place import SUPERVISORS, Part, Place, Voice
from offhook.voice.recording import Recordings
from offhook.voice.sound import Source

DEFAULT_PARTICIPANTS, MAX_PARTICIPANTS = 250, 800
DEFAULT_MINUTES, MAX_MINUTES = 4 * 60, 24 * 60

Status = Literal["init", "in_progress", "completed"]
EndReason = Literal["all_left", "ended_via_api", "host_left", "time_exceeded"]
Beeps = Literal["always", "never", "on_enter", "on_exit"]
Region = Literal["Australia", "Europe", "Middle East", "US"]
# What becomes of the others when a participant leaves: nothing, the conference ends and they hang up, or it ends and
# they are parked.
OnExit = Literal["goes on", "hangs up", "lets go"]


class Card(msgspec.Struct, frozen=True):
    """What a conference is apart from who takes part; times are Unix seconds. `owner` is the leg that it was made with,
    as it was then: None for a conference that is not one yet."""

    id: str
    account_id: str
    name: str
    created_at: float = 0.0
    updated_at: float = 0.0
    expires_at: float = 0.0
    status: Status = "init"
    region: Region | None = None
    end_reason: EndReason | None = None
    ended_by: LegIds | None = None
    owner: About | None = None


class Settings(msgspec.Struct, frozen=True):
    """What its customer has said about a conference. `wait_audio` is heard until it starts, in place of our music."""

    max_participants: int = DEFAULT_PARTICIPANTS
    minutes: int = DEFAULT_MINUTES
    beeps: Beeps = "never"
    wait_audio: Source | None = None


class Participant(msgspec.Struct, frozen=True):
    """How a leg takes part. `part` is what it is when it need not wait, `coached` whom a whisperer talks to; `beeps`
    overrides the conference's; `hold_audio` is heard on hold in place of our music. `updated_at` is Unix seconds."""

    leg: LegIds
    since: Moment
    updated_at: float
    part: Part = "party"
    voice: Voice = "open"
    hold: Hold = "active"
    hold_audio: Source | None = None
    coached: frozenset[str] = frozenset()
    on_exit: OnExit = "goes on"
    beeps: Beeps | None = None


class Contest(msgspec.Struct, frozen=True):
    """Who has the floor, and who has been the loudest instead in so many reports running."""

    holder: str | None = None
    challenger: str | None = None
    reports: int = 0

    def without(self, leg: str) -> "Contest":
        """The same once this leg has gone."""
        if self.holder == leg:
            return Contest(None, self.challenger, self.reports)
        return Contest(self.holder) if self.challenger == leg else self


# Who speaks on a circle, and who of them is kept apart in recordings, by their ports.
Convened = tuple[tuple[int, ...], int | None]


class Conference:
    """Participants by call_control_id, in the order in which they came, and the place where they are.

    `stored` is the card as the last decision that was stored left it; `answers` are the outcomes of its commands by
    their command_id; `contest` says who talks. While `fate` is set it ends: its participants have yet to go. `port` is
    its circle in the media core, `convened` what that was told last.
    """

    __slots__ = (
        "answers", "card", "contest", "convened", "expires", "fate", "participants", "place", "port", "recordings",
        "settings", "stored",
    )  # fmt: skip

    def __init__(self, card: Card, port: int) -> None:
        self.card = self.stored = card
        self.settings = Settings()
        self.place = Place("conference", card.id, MAX_PARTICIPANTS)
        self.participants: dict[str, Participant] = {}
        self.expires: float | None = None
        self.fate: OnExit = "goes on"
        self.contest = Contest()
        self.port = port
        self.convened: Convened | None = None
        self.recordings = Recordings()
        self.answers: dict[str, dict[str, object]] = {}

    @property
    def is_live(self) -> bool:
        """Whether there is such a conference, and it has not ended."""
        return self.card.owner is not None and self.card.status != "completed"

    @property
    def is_finished(self) -> bool:
        """Whether there was such a conference. Another one of its name is a place of its own."""
        return self.card.status == "completed"

    @property
    def over(self) -> bool:
        """Nobody takes part, and nothing keeps it."""
        return not self.participants and not self.is_live

    @property
    def wakes_at(self) -> float | None:
        """The monotonic time at which it has lasted as long as it may, or a beep is due before that."""
        times = (self.expires, self.recordings.beeps_at) if self.is_live else ()
        return min((at for at in times if at is not None), default=None)

    @property
    def creator_session(self) -> str:
        """The `call_session_id` of the leg that it was made with."""
        assert self.card.owner is not None  # who asks has a conference that is one
        return self.card.owner.ids.call_session_id

    def open(self, owner: About, settings: Settings, status: Status, region: Region | None, now: Moment) -> None:
        """From now on there is such a conference."""
        self.settings, self.expires = settings, now.mono + settings.minutes * 60
        self.card = msgspec.structs.replace(
            self.card,
            created_at=now.wall,
            updated_at=now.wall,
            expires_at=now.wall + settings.minutes * 60,
            status=status,
            region=region,
            owner=owner,
        )

    def change(self, now: Moment, **facts: object) -> None:
        """Change the card."""
        self.card = msgspec.structs.replace(self.card, updated_at=now.wall, **facts)

    def change_participant(self, leg: str, now: Moment, **facts: object) -> None:
        """Change how a leg takes part, and its seat with that."""
        changed = msgspec.structs.replace(self.participants[leg], updated_at=now.wall, **facts)
        self.participants[leg] = changed
        self.place.change(leg, part=self.part_of(changed), voice=changed.voice, coached=changed.coached)

    def part_of(self, participant: Participant) -> Part:
        """What a participant is now: it waits on hold, and until the conference has started."""
        return "waiting" if participant.hold == "held" or self.card.status == "init" else participant.part

    def waiting_audio(self, participant: Participant) -> Source | None:
        """What a waiting participant hears in place of our music."""
        return participant.hold_audio if participant.hold == "held" else self.settings.wait_audio

    def beeps(self, participant: Participant, moment: Literal["on_enter", "on_exit"]) -> bool:
        """Whether the others hear a beep. Those who only listen or whisper come and go unheard, unless it was asked
        for them in particular."""
        asked = participant.beeps
        if asked is None and participant.part in SUPERVISORS - {"barge"}:
            return False
        return (asked or self.settings.beeps) in ("always", moment)
