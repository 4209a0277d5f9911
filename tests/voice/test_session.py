"""Category: voice. Rules of a session that a call of two fakes does not reach."""

import pytest

from offhook.voice import effect
from offhook.voice.cause import ending
from offhook.voice.effect import AnswerPort, Effect, Progress, Sing
from offhook.voice.leg import DialogId, LegIds, Moment, Party
from offhook.voice.place import NoSeat, Place, Seat
from offhook.voice.session import Session
from offhook.voice.signal import Dialled, HungUp, Input, Lost, Park, PortDescribed, PortDown

ALICE = DialogId("binding", "call")
IDS = LegIds("a", "session", "leg a")
NOW = Moment(0.0, 1000.0)


def parked() -> Session:
    session = Session("session")
    party = Party("alice", "account", "connection", "alice")
    request = AnswerPort(1, "offer", False)
    session.decide(Dialled(ALICE, 1, IDS, 1, party, "anything", "offer", Park()), NOW)
    effects = session.decide(PortDescribed(request, "answer"), NOW)
    assert effects == [Progress(ALICE, "answer", IDS), Sing(1, "ringback")]
    return session


def kinds(effects: list[Effect]) -> list[type]:
    return [type(each) for each in effects]


def test_a_parked_leg_is_alone_with_the_platform_and_gets_music_once_it_is_answered() -> None:
    session = parked()
    [place] = session.floor.places
    assert (place.kind, list(place)) == ("parked", ["a"])
    leg = session.floor.legs["a"]
    leg.move("answered")
    session.floor.mix()
    assert session.floor.drain() == [Sing(1, None), Sing(1, "hold_music")]


@pytest.mark.parametrize(
    "last",
    [HungUp(ALICE, ending("USER_BUSY"), 2), Lost("binding"), PortDown(1, "ice_failed")],
    ids=lambda it: type(it).__name__,
)
def test_a_parked_leg_ends_once(last: Input) -> None:
    session = parked()
    effects = session.decide(last, NOW)
    assert kinds(effects).count(effect.Close) == 1
    assert session.over
    assert effect.Close not in kinds(session.decide(last, NOW))


def test_silence_of_a_leg_on_hold_is_no_failure() -> None:
    session = parked()
    session.floor.legs["a"].turn("hold")
    assert session.decide(PortDown(1, "nothing received", "quiet"), NOW) == []
    session.floor.legs["a"].turn("unhold")
    assert effect.Close in kinds(session.decide(PortDown(1, "nothing received", "quiet"), NOW))


def test_a_leg_moves_to_another_place_as_one_operation() -> None:
    session = parked()
    floor, leg = session.floor, session.floor.legs["a"]
    full = Place("bridge", "full")
    full.enter("x", Seat("party"))
    full.enter("y", Seat("party"))
    with pytest.raises(NoSeat):
        floor.move(leg, full, "party")
    assert floor.place_of("a").kind == "parked"
    free = Place("bridge", "free")
    floor.move(leg, free, "party")
    assert [place.id for place in floor.places] == ["free"]
    assert floor.place_of("a") is free
