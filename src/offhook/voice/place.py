"""Where live legs are, and who hears whom there. Knows legs by id only; no I/O.

A place is one class. Its kind gives the seat rule; the part that a member has, with its hold and its voice,
gives the one predicate `hears`, which the mixer obeys.
"""

from collections.abc import Iterator
from typing import Literal

import msgspec

from offhook.voice.leg import Hold

Kind = Literal["parked", "bridge", "queue", "conference"]
# One with early media is heard and hears nobody: a call that nobody has answered yet, and nobody pays for, is no
# conversation.
Part = Literal["party", "ringing", "early", "waiting", "monitor", "whisper", "barge"]
Voice = Literal["open", "muted"]

SUPERVISORS: frozenset[Part] = frozenset(("monitor", "whisper", "barge"))
_TALKERS: frozenset[Part] = frozenset(("party", "early", "barge"))
_EARS: frozenset[Part] = frozenset(("party", "monitor", "whisper", "barge"))
_NOBODY: frozenset[str] = frozenset()
MAX_SUPERVISORS = 8

# The seat rule: which parts a kind of place has, and how many members other than supervisors it takes.
PARTS: dict[Kind, frozenset[Part]] = {
    "parked": frozenset(("party", "ringing", "early")),
    "bridge": frozenset(("party", "ringing", "early")) | SUPERVISORS,
    "queue": frozenset(("waiting",)),
    "conference": frozenset(("party", "ringing", "early", "waiting")) | SUPERVISORS,
}
SEATS: dict[Kind, int] = {"parked": 1, "bridge": 2, "queue": 10_000, "conference": 800}


class NoSeat(Exception):
    """The place does not take this leg in this part; nothing has changed."""


class Seat(msgspec.Struct, frozen=True):
    """What a member is in a place. `coached` are the legs that hear a whisperer."""

    part: Part
    hold: Hold = "active"
    voice: Voice = "open"
    coached: frozenset[str] = frozenset()


class Place:
    """Named members, each with a seat. `seats` overrides the kind's number of them. A queue's own size is smaller than
    its seats, and counts the calls that keep their turn after they have hung up."""

    __slots__ = ("_capacity", "_seats", "id", "kind")

    def __init__(self, kind: Kind, id: str, seats: int | None = None) -> None:
        self.kind: Kind = kind
        self.id = id
        self._seats: dict[str, Seat] = {}
        self._capacity = SEATS[kind] if seats is None else seats

    def __contains__(self, leg: str) -> bool:
        return leg in self._seats

    def __iter__(self) -> Iterator[str]:
        """Members in the order in which they came."""
        return iter(self._seats)

    def __len__(self) -> int:
        return len(self._seats)

    def seat(self, leg: str) -> Seat:
        """The member's seat; KeyError for a leg that is not here."""
        return self._seats[leg]

    def enter(self, leg: str, seat: Seat) -> None:
        """Seat a leg; NoSeat where the kind has no such part or is full."""
        if leg in self._seats:
            raise NoSeat(f"{leg} is already here")
        if seat.part not in PARTS[self.kind]:
            raise NoSeat(f"a {self.kind} has no part {seat.part}")
        if self._taken(seat.part in SUPERVISORS) >= (MAX_SUPERVISORS if seat.part in SUPERVISORS else self._capacity):
            raise NoSeat(f"the {self.kind} is full")
        self._seats[leg] = seat

    def change(self, leg: str, **fields: object) -> None:
        """Change a member's seat (`part`, `hold`, `voice`, `coached`)."""
        self._seats[leg] = msgspec.structs.replace(self._seats[leg], **fields)

    def leave(self, leg: str) -> None:
        """Give the seat up; KeyError for a leg that is not here."""
        del self._seats[leg]

    def hears(self, listener: str, speaker: str) -> bool:
        """Whether `listener` hears `speaker`, both members of this place."""
        if listener == speaker or not self.listens(listener):
            return False
        return self.speaks(speaker) or listener in self.coached_by(speaker)

    def listens(self, member: str) -> bool:
        """Whether the member hears anybody."""
        ear = self._seats[member]
        return ear.part in _EARS and ear.hold == "active"

    def speaks(self, member: str) -> bool:
        """Whether all who listen hear the member."""
        mouth = self._seats[member]
        return mouth.part in _TALKERS and mouth.hold == "active" and mouth.voice == "open"

    def coached_by(self, member: str) -> frozenset[str]:
        """Those to whom the member whispers."""
        mouth = self._seats[member]
        whispers = mouth.part == "whisper" and mouth.hold == "active" and mouth.voice == "open"
        return mouth.coached if whispers else _NOBODY

    def waits_on(self, leg: str) -> bool:
        """Whether the member gets music: it waits, or the party that it is bridged to holds the call."""
        part = self._seats[leg].part
        if part != "party" or self.kind == "conference":
            return part == "waiting"
        return any(seat.part == "party" and seat.hold == "held" for other, seat in self._seats.items() if other != leg)

    def _taken(self, supervisors: bool) -> int:
        return sum((seat.part in SUPERVISORS) == supervisors for seat in self._seats.values())
