"""The stream of one leg: it begins, is up, is lost or stopped, and ends with the leg. No I/O.

A leg has at most one, as the API has it. The shell connects and carries the audio; here is what the customer is told
and charged, and who hears what comes back: that follows the leg from place to place.
"""

from typing import Literal

from offhook.voice import effect, forking, metering
from offhook.voice.event import StreamingFailed, StreamingStarted, StreamingStopped, about
from offhook.voice.floor import Floor
from offhook.voice.leg import Leg, Moment
from offhook.voice.resources.problem import rejected
from offhook.voice.signal import StreamEnded, StreamSignal, StreamUp
from offhook.voice.stream import Card, Settings, stream_id

NAME = "stream"

# `due` begins with the answer; `connecting` has never been up yet.
Stage = Literal["none", "due", "connecting", "up"]


class Streamer:
    """The stream of a leg, and the count of those it has had. A `Doing`: the shell keeps all times."""

    __slots__ = ("_aimed", "_card", "_made", "_stage")

    def __init__(self) -> None:
        self._stage: Stage = "none"
        self._card: Card | None = None
        self._made = 0
        self._aimed: tuple[int, ...] = ()

    wakes_at: float | None = None

    def tick(self, floor: Floor, leg: Leg, now: Moment) -> None:
        """Nothing is ever due."""

    def leg_ended(self, floor: Floor, leg: Leg, now: Moment) -> None:
        """It ends with its leg; its cost does too."""
        card, was = self._card, self._stage
        if card is None:
            return
        self._forget()
        floor.emit(effect.CloseStream(card.id))
        if was == "up":
            floor.tell(StreamingStopped, leg, now, card.id, card.settings.url)

    @property
    def is_used(self) -> bool:
        """Whether there is a stream, or one is due."""
        return self._card is not None

    # ---- what customers order --------------------------------------------------------------------------------

    def start(self, floor: Floor, leg: Leg, settings: Settings) -> str:
        """Stream from now on; the stream's id. Rejected where there is a stream already, or a fork."""
        if self._card is not None or forking.NAME in leg.doings:
            raise rejected("90045", "This call is being streamed or forked already: a call has one of either.")
        card = self._new(leg, settings)
        self._open(floor, card)
        self._attach(floor, leg, card)
        return card.id

    def start_when_answered(self, floor: Floor, leg: Leg, settings: Settings, connects: Literal["now", "then"]) -> None:
        """Stream the leg from its answer on, over a connection that is made now, or only then."""
        card = self._new(leg, settings)
        self._stage = "due"
        if connects == "now":
            self._open(floor, card)

    def answered(self, floor: Floor, leg: Leg) -> None:
        """The leg was answered: begin what was to begin with that."""
        card = self._card
        if card is None:
            return
        if self._stage == "due":
            self._open(floor, card)
        self._attach(floor, leg, card)

    def stop(self, floor: Floor, leg: Leg, id: str | None, now: Moment) -> None:
        """Stop the stream; Rejected where there is none, or none of that id."""
        card = self._card
        if card is None or id not in (None, card.id):
            raise rejected("90048", "This call has no such stream.", pointer=None if id is None else "/stream_id")
        floor.emit(effect.CloseStream(card.id))
        self._over(floor, leg, card, now)
        floor.tell(StreamingStopped, leg, now, card.id, card.settings.url)

    # ---- what comes of it ------------------------------------------------------------------------------------

    def happened(self, floor: Floor, leg: Leg, signal: StreamSignal, now: Moment) -> None:
        """Its connection is up, or over. What comes too late is of no interest."""
        card = self._card
        if card is None or card.id != signal.stream:
            return
        if isinstance(signal, StreamUp):
            self._stage = "up"
            metering.begin(floor, leg, "media-streaming", card.id, now)
            floor.tell(StreamingStarted, leg, now, card.id, card.settings.url)
            return
        self._over(floor, leg, card, now)
        if isinstance(signal, StreamEnded):
            floor.tell(StreamingStopped, leg, now, card.id, card.settings.url)
        else:
            settings = card.settings
            floor.tell(StreamingFailed, leg, now, card.id, settings.url, settings.track, signal.reason)

    def pressed(self, floor: Floor, digit: str) -> None:
        """The leg's far end has pressed a key."""
        if self._card is not None and self._stage != "due":
            floor.emit(effect.StreamDigit(self._card.id, digit))

    def aim(self, floor: Floor, leg: Leg) -> None:
        """Say who hears what comes back, where that has changed."""
        if self._card is None or self._stage == "due" or leg.stage != "answered":
            return
        ports = _targets(floor, leg, self._card.settings)
        if ports != self._aimed:
            self._aimed = ports
            floor.emit(effect.AimStream(self._card.id, ports))

    # ---- inside ----------------------------------------------------------------------------------------------

    def _new(self, leg: Leg, settings: Settings) -> Card:
        self._made += 1
        self._card = Card(stream_id(leg.ids, self._made), settings, about(leg))
        self._aimed = ()
        return self._card

    def _open(self, floor: Floor, card: Card) -> None:
        self._stage = "connecting"
        floor.emit(effect.OpenStream(card))

    def _attach(self, floor: Floor, leg: Leg, card: Card) -> None:
        floor.emit(effect.AttachStream(card.id, leg.dialog.port, about(leg)))

    def _over(self, floor: Floor, leg: Leg, card: Card, now: Moment) -> None:
        self._forget()
        metering.end(floor, leg, "media-streaming", card.id, now)

    def _forget(self) -> None:
        self._card, self._stage = None, "none"


def of(leg: Leg) -> Streamer:
    """The leg's streamer."""
    found = leg.doings.setdefault(NAME, Streamer())
    assert isinstance(found, Streamer)  # nothing else has this name
    return found


def is_used(leg: Leg) -> bool:
    """Whether the leg has a stream, or is to have one."""
    return NAME in leg.doings and of(leg).is_used


def answered(floor: Floor, leg: Leg) -> None:
    """The leg was answered."""
    if NAME in leg.doings:
        of(leg).answered(floor, leg)


def pressed(floor: Floor, leg: Leg, digit: str) -> None:
    """The leg's far end has pressed a key."""
    if NAME in leg.doings:
        of(leg).pressed(floor, digit)


def aim(floor: Floor) -> None:
    """Places may have changed: say of each stream who hears what comes back."""
    for leg in floor.legs.values():
        if NAME in leg.doings:
            of(leg).aim(floor, leg)


def _targets(floor: Floor, leg: Leg, settings: Settings) -> tuple[int, ...]:
    """The ports whose far ends hear what comes back. With nobody opposite, the leg is alone with whoever answers over
    the stream, and hears it whatever was asked for."""
    place = floor.place_of(leg.id)
    others = floor.others(leg) if place.kind == "bridge" else []
    opposite = tuple(other.dialog.port for other in others if other.stage == "answered")
    own = (leg.dialog.port,)
    if settings.targets == "self" or not opposite:
        return own
    return opposite if settings.targets == "opposite" else own + opposite
