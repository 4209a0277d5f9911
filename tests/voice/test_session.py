"""Category: voice. Rules of a session that a call of two fakes does not reach."""

import pytest

from offhook.voice import effect, ringing
from offhook.voice.cause import Ending, ending
from offhook.voice.effect import AnswerPort, Effect, Progress, Sing
from offhook.voice.leg import TIME_LIMIT_SECONDS, DialogId, LegIds, Moment, Party
from offhook.voice.place import NoSeat, Place, Seat
from offhook.voice.ringing import MEDIA_SECONDS
from offhook.voice.session import Session
from offhook.voice.signal import Dialled, HungUp, Input, Lost, Park, PortDescribed, PortDown, PortUp, Tick
from offhook.wire.rtc_cause import CAUSE_CODES

ALICE = DialogId("binding", "call")
IDS = LegIds("a", "session", "leg a")
NOW = Moment(0.0, 1000.0)


def parked() -> Session:
    session = Session("session")
    party = Party("alice", "account", "connection", "alice")
    request = AnswerPort(1, "offer", False)
    session.decide(Dialled(ALICE, 1, IDS, 1, party, "anything", "offer", Park()), NOW)
    effects = session.decide(PortDescribed(request, "answer"), NOW)
    assert effects == [Progress(ALICE, "answer", IDS), Sing(1, "us")]
    return session


def kinds(effects: list[Effect]) -> list[type]:
    return [type(each) for each in effects]


def test_a_parked_leg_is_alone_with_the_platform_and_hears_no_ringback_once_it_is_answered() -> None:
    session = parked()
    [place] = session.floor.places
    assert (place.kind, list(place)) == ("parked", ["a"])
    leg = session.floor.legs["a"]
    leg.move("answered")
    session.floor.mix()
    assert session.floor.drain() == [Sing(1, None)]


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


def in_a_call() -> Session:
    """Alice's parked leg, answered at 0 s with no media yet."""
    session = parked()
    ringing.answered(session.floor, session.floor.legs["a"], NOW)
    session.floor.mix()
    session.floor.drain()
    return session


def test_an_answered_leg_waits_for_its_media_until_its_deadline_and_no_longer() -> None:
    session = in_a_call()
    assert session.wakes_at == MEDIA_SECONDS
    assert session.decide(Tick(), Moment(MEDIA_SECONDS - 0.1, 1030.0)) == []
    effects = session.decide(Tick(), Moment(MEDIA_SECONDS, 1030.0))
    assert [each.ending.cause for each in effects if isinstance(each, effect.Close)] == ["MEDIA_TIMEOUT"]
    assert session.wakes_at is None


def test_media_that_came_up_before_or_after_the_answer_end_the_wait() -> None:
    after = in_a_call()
    after.decide(PortUp(1), NOW)
    assert after.wakes_at == TIME_LIMIT_SECONDS
    before = parked()
    before.decide(PortUp(1), NOW)
    ringing.answered(before.floor, before.floor.legs["a"], NOW)
    assert before.wakes_at == TIME_LIMIT_SECONDS


@pytest.mark.parametrize("cause", CAUSE_CODES)
def test_every_cause_that_a_client_can_name_is_told_to_the_other_side(cause: str) -> None:
    session = in_a_call()
    [close] = [
        each
        for each in session.decide(HungUp(ALICE, Ending(cause, CAUSE_CODES[cause])), NOW)
        if isinstance(each, effect.Close)
    ]
    assert (close.ending.cause, close.ending.code) == (cause, CAUSE_CODES[cause])


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
