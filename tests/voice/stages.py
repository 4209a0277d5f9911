"""Legs in every stage and place in which a command can find one, made by the inputs that bring them there."""

from collections.abc import Callable
from typing import Any

import msgspec

from offhook.voice import conference, conferencing, effect, queueing
from offhook.voice.command import CommandRule, read
from offhook.voice.commands import CALL_COMMANDS, DIAL
from offhook.voice.conference import Conference, Participant
from offhook.voice.effect import Effect
from offhook.voice.event import about
from offhook.voice.leg import DialogId, Leg, LegIds, Moment, Party
from offhook.voice.queue import Card, Queue, Turn
from offhook.voice.session import Session
from offhook.voice.signal import (
    Answered,
    Dialled,
    HungUp,
    Input,
    Ordered,
    Originated,
    Park,
    PortDescribed,
    PortUp,
    Rang,
    Ring,
    Routed,
    Target,
)

NOW = Moment(10.0, 1000.0)
CALLER, CALLEE = LegIds("caller", "session", "leg a"), LegIds("callee", "session", "leg b")
MADE, TRANSFERRED = LegIds("made", "session", "leg c"), LegIds("transferred", "session", "leg d")
ALICE, BOB, EVE = DialogId("alice's", "1"), DialogId("bob's", "2"), DialogId("eve's", "3")
PARTY, OTHER = (Party(name, "account", "connection", name) for name in ("alice", "bob"))
RINGS = Ring(CALLEE, OTHER, (Target(BOB, 2, "bob"),), 5.0, 30.0)


def feed(session: Session, *inputs: Input) -> list[Effect]:
    """What follows from these inputs, with every media request granted."""
    made: list[Effect] = []
    left = list(inputs)
    while left:
        effects = session.decide(left.pop(0), NOW)
        made += effects
        left[:0] = [PortDescribed(each, "sdp") for each in effects if isinstance(each, effect.MediaRequest)]
    return made


def order(session: Session, leg: str, name: str, body: dict[str, Any]) -> list[Effect]:
    """What follows from a command to a leg."""
    rule = CALL_COMMANDS[name]
    ids = TRANSFERRED if rule.makes == "leg" else None
    return feed(session, Ordered(leg, 7, rule, command(rule, body), ids))


def command(rule: CommandRule, body: dict[str, Any]) -> Any:
    """A command as the door reads it."""
    return read(rule.command, body)


# ---- one function for each situation ---------------------------------------------------------------------------


def _dialled(plan: Park | Ring) -> Dialled:
    return Dialled(ALICE, 1, CALLER, 1, PARTY, "somebody", "offer", plan)


def trying(plan: Park | Ring) -> tuple[Session, str]:
    session = Session("session")
    session.decide(_dialled(plan), NOW)
    return session, "caller"


def early(plan: Park | Ring) -> tuple[Session, str]:
    """The caller hears ringback: at once where it is parked, else because somebody rings."""
    session = Session("session")
    feed(session, _dialled(plan))
    if isinstance(plan, Ring):
        feed(session, Rang(BOB))
    return session, "caller"


def offered(from_: str) -> tuple[Session, str]:
    """The callee of a caller's call, or of the backend's."""
    if from_ == "bridge":
        session = Session("session")
        feed(session, _dialled(RINGS))
        return session, "callee"
    session = Session("session")
    dial = command(DIAL, {"connection_id": "1" * 19, "to": "sip:bob@sip.test", "from": "+15550001111"})
    feed(session, Originated(1, DIAL, dial, CALLEE, OTHER), Routed("callee", RINGS))
    return session, "callee"


def ringing(from_: str) -> tuple[Session, str]:
    session, leg = offered(from_)
    feed(session, Rang(BOB))
    return session, leg


def answered_parked() -> tuple[Session, str]:
    session, leg = early(Park())
    feed(session, PortUp(1))
    order(session, leg, "answer", {})
    return session, leg


def answered_bridged() -> tuple[Session, str]:
    session, _ = ringing("bridge")
    feed(session, Answered(BOB, 1, "answer"), PortUp(1), PortUp(2))
    return session, "caller"


def answered_queued() -> tuple[Session, str]:
    queue = Queue(Card("queue", "account", "support", 10, "kept", NOW.wall, NOW.wall))
    home, id = answered_parked()
    leg: Leg = home.floor.legs[id]
    home.floor.release(leg)
    session = Session("queue", queue)
    session.floor.adopt(leg)
    queueing.seat(session.floor, queue, leg, Turn(about(leg), NOW, None, "goes"), NOW)
    session.floor.mix()
    session.floor.drain()
    return session, id


def conferring(status: conference.Status = "in_progress") -> tuple[Session, str]:
    """A leg in a conference that it was made with."""
    place = Conference(conference.Card("conference", "account", "team"), 9)
    home, id = answered_parked()
    leg: Leg = home.floor.legs[id]
    home.floor.release(leg)
    session = Session("conference", place)
    session.floor.adopt(leg)
    place.open(about(leg), conference.Settings(), status, None, NOW)
    conferencing.seat(session.floor, place, leg, Participant(leg.ids, NOW, NOW.wall), NOW)
    session.floor.mix()
    session.floor.drain()
    return session, id


def answered_supervising() -> tuple[Session, str]:
    """A leg that was dialled to supervise the bridged ones."""
    session, leg = answered_bridged()
    dial_eve(session, supervise_call_control_id=leg, supervisor_role="monitor")
    return session, "made"


def dial_eve(session: Session, linked: effect.Save | None = None, **body: Any) -> list[Effect]:
    """Eve is dialled by a command, and answers."""
    dial = command(DIAL, {"connection_id": "1" * 19, "to": "sip:eve@sip.test", "from": "+15550001111"} | body)
    rings = Ring(MADE, OTHER, (Target(EVE, 3, "eve"),), 5.0, 30.0)
    made = feed(session, Originated(1, DIAL, dial, MADE, OTHER, linked), Routed("made", rings), Rang(EVE))
    return made + feed(session, Answered(EVE, 1, "answer"), PortUp(3))


def ended() -> tuple[Session, str]:
    session, leg = answered_parked()
    feed(session, HungUp(ALICE, msgspec.convert({"cause": "NORMAL_CLEARING", "code": 16}, effect.Ending), 2))
    return session, leg


# By stage and place, as the API has it; `supervised` is the place of one who supervises two others.
SITUATIONS: dict[tuple[str, str], Callable[[], tuple[Session, str]]] = {
    ("trying", "parked"): lambda: trying(Park()),
    ("trying", "bridge"): lambda: trying(RINGS),
    ("early", "parked"): lambda: early(Park()),
    ("early", "bridge"): lambda: early(RINGS),
    ("offered", "parked"): lambda: offered("parked"),
    ("offered", "bridge"): lambda: offered("bridge"),
    ("ringing", "parked"): lambda: ringing("parked"),
    ("ringing", "bridge"): lambda: ringing("bridge"),
    ("answered", "parked"): answered_parked,
    ("answered", "bridge"): answered_bridged,
    ("answered", "supervised"): answered_supervising,
    ("answered", "queue"): answered_queued,
    ("answered", "conference"): conferring,
    ("ended", "nowhere"): ended,
}
