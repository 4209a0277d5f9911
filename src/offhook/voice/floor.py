"""The legs and places of one owner, and the effects it has collected. Knows no rules of calls; no I/O.

Every owner (a session; a queue or conference by itself) has one. It keeps the promises that hold for all of
them: a live leg is in exactly one place, a leg ends once, with one cause and one record, nothing is said about
it afterwards, and the mixer is told what `Place.hears` says.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from offhook.voice.cause import Ending, ending
from offhook.voice.conference import Conference
from offhook.voice.effect import Bye, Close, ClosePort, Convene, Effect, Hear, Save, Sing, Tell
from offhook.voice.event import CallHungUp, Event, Source, about
from offhook.voice.house_rules import HouseRules
from offhook.voice.leg import RUNG, Dialog, DialogId, Hearing, Leg, Moment
from offhook.voice.place import Part, Place, Seat
from offhook.voice.queue import Queue
from offhook.voice.signal import Ordered
from offhook.voice.sound import Sound

Key = DialogId | int | str


class Waiting(NamedTuple):
    """What goes on with `then(meets, leg, now)` once another owner's leg is here: a command, or, where `order` is
    None, a leg `meets` that was dialled for it. `leg` is empty for the first of a queue."""

    order: Ordered[Any] | None
    leg: str
    meets: str
    then: Callable[[Leg, Leg, Moment], dict[str, Any] | None]


class Floor:
    """Live legs, their places, their dialogs by id and by port, and everybody's name and session in the ladder.

    `wanted` is what waits for another owner's leg, by a number; `owned` is the queue or conference that the floor is.
    """

    __slots__ = (
        "_effects", "_ended", "_wants", "dialogs", "legs", "names", "owned", "places", "ports", "rules", "sessions",
        "wanted",
    )  # fmt: skip

    def __init__(self, rules: HouseRules) -> None:
        self.rules = rules
        self.legs: dict[str, Leg] = {}
        self.places: list[Place] = []
        self.dialogs: dict[DialogId, Leg] = {}
        self.ports: dict[int, DialogId] = {}
        self.names: dict[Key, str] = {}
        self.sessions: dict[Key, str] = {}
        self.wanted: dict[int, Waiting] = {}
        self.owned: Queue | Conference | None = None
        self._ended: list[Key] = []
        self._wants = 0
        self._effects: list[Effect] = []

    @property
    def queue(self) -> Queue | None:
        """The queue that this floor is."""
        return self.owned if isinstance(self.owned, Queue) else None

    @property
    def conference(self) -> Conference | None:
        """The conference that this floor is."""
        return self.owned if isinstance(self.owned, Conference) else None

    # ---- effects ---------------------------------------------------------------------------------------------

    def emit(self, *effects: Effect) -> None:
        self._effects.extend(effects)

    def forget_names(self) -> None:
        """Forget the names of those who are gone. A session keeps them to its end; other places live too long."""
        if len(self.names) > len(self.legs) + len(self.dialogs) + len(self.ports):
            kept = self.legs.keys() | self.dialogs.keys() | self.ports.keys()
            self.names = {key: name for key, name in self.names.items() if key in kept}
            self.sessions = {key: session for key, session in self.sessions.items() if key in kept}

    def drain(self) -> list[Effect]:
        """The effects since the last drain, in the order in which they are to be performed."""
        effects, self._effects = self._effects, []
        return effects

    def tell(self, event: type[Event], leg: Leg, now: Moment, *own: Any) -> None:
        """Tell the customer what happened to a leg; `own` are the fields that this kind of event has beyond others."""
        self.emit(Tell(event(about(leg), now.wall, *own)))

    # ---- legs and dialogs ------------------------------------------------------------------------------------

    def admit(self, leg: Leg, place: Place, seat: Seat) -> None:
        """A new leg takes its seat; NoSeat where there is none."""
        place.enter(leg.id, seat)
        if place not in self.places:
            self.places.append(place)
        self.legs[leg.id] = leg
        self.names[leg.id] = self._name(leg.party.label)
        self.sessions[leg.id] = leg.ids.call_session_id

    def connect(self, leg: Leg, dialog: Dialog) -> None:
        """Give a leg a dialog."""
        leg.dialogs.append(dialog)
        self._file(leg, dialog)

    def disconnect(self, leg: Leg, dialog: Dialog) -> None:
        """Take a dialog from a leg and close its port. The far end is not told: that is `say_bye`."""
        leg.dialogs.remove(dialog)
        del self.dialogs[dialog.id]
        del self.ports[dialog.port]
        self._ended.append(dialog.id)
        self.emit(ClosePort(dialog.port))

    def release(self, leg: Leg) -> None:
        """Let go of a leg, with its dialogs, for another floor to adopt; nobody is told anything."""
        place = self.place_of(leg.id)
        place.leave(leg.id)
        self._forget_if_empty(place)
        del self.legs[leg.id]
        for dialog in leg.dialogs:
            del self.dialogs[dialog.id]
            del self.ports[dialog.port]

    def adopt(self, leg: Leg) -> None:
        """Take in a leg that another floor has released; it is alone with the platform at first."""
        part: Part = "early" if leg.is_heard_early else "ringing" if leg.stage in RUNG else "party"
        self.admit(leg, Place("parked", leg.id), Seat(part, leg.hold))
        for dialog in leg.dialogs:
            self._file(leg, dialog)

    def say_bye(self, dialog: Dialog, ending: Ending) -> None:
        """Tell a far end that its call is over, if it knows of it."""
        if dialog.contact == "told":
            self.emit(Bye(dialog.id, ending))

    def want(self, waiting: Waiting) -> int:
        """Note what waits for another owner's leg; the number under which it comes."""
        self._wants += 1
        self.wanted[self._wants] = waiting
        return self._wants

    def find(self, id: DialogId) -> tuple[Leg, Dialog] | None:
        """The live leg that has this dialog."""
        leg = self.dialogs.get(id)
        return None if leg is None else (leg, next(dialog for dialog in leg.dialogs if dialog.id == id))

    def find_port(self, port: int) -> tuple[Leg, Dialog] | None:
        """The live leg that has this port."""
        id = self.ports.get(port)
        return None if id is None else self.find(id)

    # ---- places ----------------------------------------------------------------------------------------------

    def place_of(self, leg: str) -> Place:
        """The one place where a live leg is; KeyError for a leg that is not here."""
        for place in self.places:
            if leg in place:
                return place
        raise KeyError(leg)

    def others(self, leg: Leg) -> list[Leg]:
        """The legs that share the place with this one."""
        return [self.legs[other] for other in self.place_of(leg.id) if other != leg.id]

    def move(self, leg: Leg, to: Place, part: Part) -> None:
        """Move a leg to another place: the target seats it, then the source lets go. NoSeat changes nothing."""
        source = self.place_of(leg.id)
        to.enter(leg.id, Seat(part, leg.hold))
        source.leave(leg.id)
        if to not in self.places:
            self.places.append(to)
        self._forget_if_empty(source)

    # ---- ends ------------------------------------------------------------------------------------------------

    def end(
        self, leg: Leg, ending: Ending, now: Moment, source: Source = "unknown", gone: Dialog | None = None
    ) -> None:
        """The one end of a leg: it leaves its place, its far ends get their bye, its record is written.

        `gone` is a dialog whose far end ended it by itself, or is lost: it gets no bye.
        """
        leg.move("ended")
        for doing in tuple(leg.doings.values()):
            doing.leg_ended(self, leg, now)
        leg.ending = ending
        place = self.place_of(leg.id)
        self.emit(_record(leg, ending, now))
        self.tell(CallHungUp, leg, now, ending, source, _port(leg), leg.answered_wall)
        for dialog in tuple(leg.dialogs):
            if dialog is not gone:
                self.say_bye(dialog, ending)
            self.disconnect(leg, dialog)
        place.leave(leg.id)
        self._forget_if_empty(place)
        del self.legs[leg.id]
        self._ended.append(leg.id)

    def abandon(self, now: Moment) -> list[Effect]:
        """End every leg by force, after a bug has left the floor in doubt. Only ends are to be performed of what is
        returned: the rest is half-made."""
        for leg in list(self.legs.values()):
            self.end(leg, ending("NORMAL_TEMPORARY_FAILURE", "internal error"), now)
        if self.conference is not None:
            self.emit(ClosePort(self.conference.port))
        return self.drain()

    def take_ended(self) -> list[Key]:
        """The keys of legs and dialogs that have ended since this was asked last."""
        ended, self._ended = self._ended, []
        return ended

    def save(self, leg: Leg) -> None:
        """Bring the durable shadow of a leg up to date."""
        self.emit(
            Save(
                ids=leg.ids,
                party=leg.party,
                caller=leg.caller,
                side=leg.side,
                destination=leg.destination,
                stage=leg.stage,
                place=self.place_of(leg.id).kind,
                dialog=_dialog_name(leg),
                started_at=leg.started_wall,
                answered_at=leg.answered_wall,
                client_state=leg.client_state,
                about=about(leg),
                usages=tuple(leg.usages.values()),
            )
        )

    # ---- the mixer -------------------------------------------------------------------------------------------

    def mix(self) -> None:
        """Tell the mixer what has changed: for each port who is heard on it, and what sound replaces that."""
        # Those for whom somebody rings to whom they are being transferred.
        rung_for = {leg.meets: leg for leg in self.legs.values() if leg.meets and leg.ringback != "none"}
        self._convene()
        whispers = self._whispers()
        for place in self.places:
            for id in place:
                leg = self.legs[id]
                if leg.stage in ("early", "answered"):
                    wanted = self._heard(leg, place, whispers, rung_for.get(leg.id))
                    self._tell_mixer(leg.dialog.port, leg.dialog.heard, wanted)
                    leg.dialog.heard = wanted

    def _convene(self) -> None:
        """Tell the circle of a conference who speaks on it."""
        conference = self.conference
        if conference is None or not conference.is_live:
            return
        place, owner = conference.place, conference.card.owner
        creator = None if owner is None else self.legs.get(owner.ids.call_control_id)
        speakers = tuple(self.legs[id].dialog.port for id in place if place.speaks(id))
        wanted = speakers, None if creator is None else creator.dialog.port
        if wanted != conference.convened:
            self.emit(Convene(conference.port, *wanted))
            conference.convened = wanted

    def _whispers(self) -> dict[str, tuple[int, ...]]:
        """Who hears whom whispering in the conference that this floor is."""
        heard: dict[str, tuple[int, ...]] = {}
        if self.conference is None:
            return heard
        for id in self.conference.place:
            for coached in self.conference.place.coached_by(id):
                heard[coached] = (*heard.get(coached, ()), self.legs[id].dialog.port)
        return heard

    def _heard(self, leg: Leg, place: Place, whispers: dict[str, tuple[int, ...]], rung: Leg | None) -> Hearing:
        """What the far end of a leg shall hear, for which `rung` rings. Early media take the place of ringback."""
        if rung is not None and rung.is_heard_early and place.listens(leg.id):
            return (rung.mouth.port,), None
        speakers = self._speakers(leg, place, whispers)
        return speakers, None if speakers and leg.stage == "early" else self._sound(leg, place, rung)

    def _speakers(self, leg: Leg, place: Place, whispers: dict[str, tuple[int, ...]]) -> tuple[int, ...]:
        """The ports that the far end of a leg shall hear. Queues have no part that hears; they and conferences may be
        long: nobody in them is compared with everybody."""
        if place.kind == "queue":
            return ()
        if self.conference is not None and place is self.conference.place:
            own = leg.dialog.port
            whispered = tuple(port for port in whispers.get(leg.id, ()) if port != own)
            return (self.conference.port, *whispered) if place.listens(leg.id) else ()
        return tuple(
            self.legs[other].mouth.port
            for other in place
            if (self.legs[other].stage == "answered" or self.legs[other].is_heard_early) and place.hears(leg.id, other)
        )

    def _sound(self, leg: Leg, place: Place, rung: Leg | None) -> Sound | None:
        if leg.platform_sound == "covered":
            return None
        if leg.stage == "early" or rung is not None:
            return (rung or leg).ringtone
        return "hold_music" if place.waits_on(leg.id) else None

    def _tell_mixer(self, port: int, told: Hearing, wanted: Hearing) -> None:
        if wanted[0] != told[0]:
            self.emit(Hear(port, wanted[0]))
        if wanted[1] != told[1]:
            self._change_sound(port, told[1], wanted[1])

    def _change_sound(self, port: int, before: Sound | None, after: Sound | None) -> None:
        """Sounds go on for ever, and what is played queues behind them: the former one must stop first."""
        if before is not None:
            self.emit(Sing(port, None))
        if after is not None:
            self.emit(Sing(port, after))

    def _file(self, leg: Leg, dialog: Dialog) -> None:
        self.dialogs[dialog.id] = leg
        self.ports[dialog.port] = dialog.id
        own = dialog.label == leg.party.label
        name = self.names[leg.id] if own else self._name(dialog.label)
        self.names[dialog.id] = self.names[dialog.port] = name
        self.sessions[dialog.id] = self.sessions[dialog.port] = leg.ids.call_session_id

    def _name(self, label: str) -> str:
        """A label that nobody in this ladder has yet: alice calling alice is `alice` and `alice'`. Those who pass
        through a queue or conference keep their own, each in the ladder of its session."""
        while self.owned is None and label in self.names.values():
            label += "'"
        return label

    def _forget_if_empty(self, place: Place) -> None:
        if not len(place):
            self.places.remove(place)


def _port(leg: Leg) -> int | None:
    return leg.dialog.port if len(leg.dialogs) == 1 else None


def _dialog_name(leg: Leg) -> str:
    return leg.dialogs[0].id.name if leg.dialogs else ""


def _record(leg: Leg, ending: Ending, now: Moment) -> Close:
    return Close(
        ids=leg.ids,
        party=leg.party,
        caller=leg.caller,
        side=leg.side,
        destination=leg.destination,
        dialog=_dialog_name(leg),
        started_at=leg.started_wall,
        answered_at=leg.answered_wall,
        ended_at=now.wall,
        seconds=leg.seconds(now),
        ending=ending,
        about=about(leg),
        usages=tuple(usage.stopped(*now) for usage in leg.usages.values()),
    )
