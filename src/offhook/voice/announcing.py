"""What is played to a conference: one item for each participant that hears it, over the others' voices. No I/O.

What all hear is told once, when the first begins to hear it and when it is over for the last, and is in recordings as
the first hears it; what some hear is told for each of them. Its speech is charged once, to the first.
"""

import msgspec

from offhook.voice import conferencing, metering, player
from offhook.voice.conference import Conference
from offhook.voice.conference_event import (
    Announced,
    ParticipantPlaybackEnded,
    ParticipantPlaybackStarted,
    ParticipantSpeakEnded,
    ParticipantSpeakStarted,
    PlaybackEnded,
    PlaybackStarted,
    SpeakEnded,
    SpeakStarted,
)
from offhook.voice.event import About, PlayStatus, about
from offhook.voice.floor import Floor
from offhook.voice.leg import Leg, Moment
from offhook.voice.player import Item
from offhook.voice.sound import Link, Source, Speech, Stored


class Kinds(msgspec.Struct, frozen=True):
    """The events of one kind of announcement."""

    started: type[Announced]
    ended: type[Announced]


_TO_ALL = {"file": Kinds(PlaybackStarted, PlaybackEnded), "speech": Kinds(SpeakStarted, SpeakEnded)}
_TO_SOME = {
    "file": Kinds(ParticipantPlaybackStarted, ParticipantPlaybackEnded),
    "speech": Kinds(ParticipantSpeakStarted, ParticipantSpeakEnded),
}


class Announcement:
    """What the customer is told of one announcement (`player.Teller`). `whom` is the leg that its events are about,
    `tape` the circle whose recordings have it, if any."""

    as_what = "announcement"

    def __init__(
        self, conference: Conference, whom: About, kinds: Kinds, source: Source, listeners: int, tape: int | None = None
    ) -> None:
        self.leg = conference.card.id
        self._conference = conference
        self._whom = whom
        self._kinds = kinds
        self._source = source
        self._left = listeners
        self._tape = tape
        self._begun = False

    def began(self, floor: Floor, leg: Leg, item: Item, now: Moment) -> None:
        """It sounds for one listener."""
        if self._begun:
            return
        self._begun = True
        item.tape = self._tape
        if isinstance(self._source, Speech):
            metering.count(floor, leg, "tts", item.name, self._source.characters, now)
        self._tell(floor, self._kinds.started, now)

    def ended(self, floor: Floor, item: Item, status: PlayStatus, detail: str, now: Moment) -> None:  # noqa: ARG002
        """It is over for one listener."""
        self._left -= 1
        if self._left == 0:
            self._tell(floor, self._kinds.ended, now)

    def _tell(self, floor: Floor, event: type[Announced], now: Moment) -> None:
        url = self._source.url if isinstance(self._source, Link) else None
        name = self._source.media_name if isinstance(self._source, Stored) else None
        conferencing.tell(floor, event, self._whom, now, self._conference.creator_session, url, name)


def announce(floor: Floor, conference: Conference, legs: list[Leg], to_all: bool, source: Source, rounds: int) -> None:
    """Let these participants hear it; Rejected where one of them has no room for it."""
    for leg in legs:
        player.of(leg).expect_room("over")
    kind = "speech" if isinstance(source, Speech) else "file"
    owner = conference.card.owner
    assert owner is not None  # it has participants
    shared = Announcement(conference, owner, _TO_ALL[kind], source, len(legs), conference.port)
    for leg in legs:
        told = shared if to_all else Announcement(conference, about(leg), _TO_SOME[kind], source, 1)
        player.of(leg).add(floor, leg, Item(source, told, rounds, "over"))


def stop(floor: Floor, conference: Conference, legs: list[Leg], now: Moment) -> None:
    """Let these participants hear no more of what was played by commands to the conference."""
    for leg in legs:
        player.of(leg).stop_of(floor, leg, conference.card.id, "all", "over", now)
