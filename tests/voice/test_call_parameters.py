"""Category: voice. What single parameters of dial, bridge, transfer and hang-up change, on the sans-IO core."""

from typing import Any

import pytest
from tests.voice.stages import (
    ALICE,
    BOB,
    CALLEE,
    EVE,
    MADE,
    NOW,
    OTHER,
    RINGS,
    answered_bridged,
    answered_parked,
    answered_supervising,
    command,
    dial_eve,
    early,
    feed,
    order,
    ringing,
)

from offhook.voice import effect
from offhook.voice.cause import ending
from offhook.voice.commands import CALL_COMMANDS, DIAL
from offhook.voice.effect import Effect, Save, SendDigits
from offhook.voice.event import CallBridged, CallHungUp
from offhook.voice.leg import DialogId, Moment
from offhook.voice.resources.problem import Rejected
from offhook.voice.session import Session
from offhook.voice.signal import Answered, DigitHeard, HungUp, Originated, Park, Ring, Routed, Target, Tick

BODY: dict[str, Any] = {"connection_id": "1" * 19, "to": "sip:bob@sip.test", "from": "+15550001111"}
NORMAL = ending("NORMAL_CLEARING")


def dial_bob(session: Session, **body: Any) -> list[Effect]:
    """Bob's phone is offered a call by a command."""
    return feed(session, Originated(1, DIAL, command(DIAL, BODY | body), CALLEE, OTHER), Routed("callee", RINGS))


def hung_up(made: list[Effect]) -> list[tuple[str, str]]:
    """Who ended, and why, as the customer is told it."""
    told = [each.event for each in made if isinstance(each, effect.Tell) and isinstance(each.event, CallHungUp)]
    return [(event.about.ids.call_control_id, event.fields()["hangup_cause"]) for event in told]


def byes(made: list[Effect]) -> dict[DialogId, tuple[tuple[str, str], ...]]:
    return {each.dialog: each.ending.headers for each in made if isinstance(each, effect.Bye)}


def digits(made: list[Effect]) -> list[int]:
    """The ports that were sent digits."""
    return [each.port for each in made if isinstance(each, SendDigits)]


# ---- dial ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("privacy", "shown"), [("none", ("+15550001111", "Desk")), ("id", ("anonymous", "Anonymous"))])
def test_a_caller_is_hidden_from_the_far_end_only(privacy: str, shown: tuple[str, str]) -> None:
    made = dial_bob(Session("session"), privacy=privacy, from_display_name="Desk")
    [invitation] = [each.invitation for each in made if isinstance(each, effect.Invite)]
    assert (invitation.caller_number, invitation.caller_name) == shown
    [told] = [each.event for each in made if isinstance(each, effect.Tell)]
    assert (told.about.caller, told.about.caller_name) == ("+15550001111", "Desk")


@pytest.mark.parametrize(("retry", "cause"), [(True, "timeout"), (False, "no_answer")])
def test_what_nobody_answers_is_called_as_the_dial_says(retry: bool, cause: str) -> None:
    session = Session("session")
    dial_bob(session, retry_on_timeout=retry, timeout_secs=5)
    made = session.decide(Tick(), Moment(NOW.mono + 5, NOW.wall + 5))
    assert hung_up(made) == [("callee", cause)]


@pytest.mark.parametrize(("prevented", "left"), [(True, {"caller", "callee"}), (False, {"caller", "made"})])
def test_a_dialled_leg_gives_way_to_a_bridge_that_came_first_if_it_is_to(prevented: bool, left: set[str]) -> None:
    alone, _ = answered_parked()
    alone.floor.save(alone.floor.legs["caller"])
    [linked] = [each for each in alone.floor.drain() if isinstance(each, Save)]
    session, _ = answered_bridged()
    made = dial_eve(session, linked, link_to="caller", bridge_on_answer=True, prevent_double_bridge=prevented)
    assert session.floor.legs.keys() == left
    assert hung_up(made) == [("made" if prevented else "callee", "normal_clearing")]


# ---- supervisors -----------------------------------------------------------------------------------------------


def hearing(session: Session) -> set[tuple[str, str]]:
    """Who hears whom."""
    [place] = session.floor.places
    return {(ear, mouth) for ear in place for mouth in place if place.hears(ear, mouth)}


TWO = {("caller", "callee"), ("callee", "caller")}
EARS = {("made", "caller"), ("made", "callee")}


@pytest.mark.parametrize(
    ("role", "heard_by"), [("barge", {"caller", "callee"}), ("whisper", {"caller"}), ("monitor", set[str]())]
)
def test_a_supervisor_hears_both_and_is_heard_as_its_role_says(role: str, heard_by: set[str]) -> None:
    session, leg = answered_bridged()
    made = dial_eve(session, supervise_call_control_id=leg, supervisor_role=role)
    assert hearing(session) == TWO | EARS | {(each, "made") for each in heard_by}
    [joined] = [each.event for each in made if isinstance(each, effect.Tell) and isinstance(each.event, CallBridged)]
    assert joined.about.ids.call_control_id == "made"
    for other in ("barge", "monitor", role):
        order(session, "made", "switch_supervisor_role", {"role": other})
    assert hearing(session) == TWO | EARS | {(each, "made") for each in heard_by}


def test_two_go_on_when_their_supervisor_hangs_up() -> None:
    session, _ = answered_supervising()
    assert hung_up(feed(session, HungUp(EVE, NORMAL))) == [("made", "normal_clearing")]
    assert hearing(session) == TWO


@pytest.mark.parametrize("goes", [ALICE, BOB])
def test_a_supervisor_is_let_go_with_those_whom_it_supervised(goes: DialogId) -> None:
    session, _ = answered_supervising()
    made = feed(session, HungUp(goes, NORMAL))
    assert {leg for leg, _ in hung_up(made)} == {"caller", "callee", "made"}
    assert session.over


def test_a_supervisor_can_be_taken_elsewhere_and_the_two_stay_together() -> None:
    session, leg = answered_supervising()
    order(session, leg, "transfer", {"to": "sip:carol@sip.test"})
    assert session.floor.place_of(leg).kind == "parked"
    assert [other.id for other in session.floor.others(session.floor.legs["caller"])] == ["callee"]


def test_nobody_can_be_supervised_who_is_alone() -> None:
    session, leg = answered_parked()
    body = BODY | {"supervise_call_control_id": leg}
    [refused] = session.decide(Originated(1, DIAL, command(DIAL, body), CALLEE, OTHER), NOW)
    assert isinstance(refused, effect.Rejected)
    assert refused.why.problems[0].code == "10027"


def test_a_leg_that_was_dialled_to_supervise_ends_where_nobody_is_left_to_supervise() -> None:
    session, leg = answered_bridged()
    session.floor.legs["callee"].unbridged = "park"
    dial = command(DIAL, BODY | {"supervise_call_control_id": "callee"})
    rings = Ring(MADE, OTHER, (Target(EVE, 3, "eve"),), 5.0, 30.0)
    feed(session, Originated(1, DIAL, dial, MADE, OTHER), Routed("made", rings))
    order(session, leg, "hangup", {})
    made = feed(session, Answered(EVE, 1, "answer"))
    assert hung_up(made) == [("made", "normal_clearing")]
    assert session.floor.legs.keys() == {"callee"}


# ---- digits, and the end ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("muted", "reached"), [("none", [2, 1]), ("both", []), ("self", [2]), ("opposite", [1])])
def test_digits_are_kept_from_those_who_shall_not_hear_them(muted: str, reached: list[int]) -> None:
    session, leg = answered_bridged()
    order(session, leg, "bridge", {"call_control_id": "callee", "mute_dtmf": muted})
    made = feed(session, DigitHeard(1, "5", 100), DigitHeard(2, "6", 100))
    assert digits(made) == reached
    assert len([each for each in made if isinstance(each, effect.Tell)]) == 2


def test_digits_reach_everybody_again_in_the_next_bridge() -> None:
    session, leg = answered_bridged()
    order(session, leg, "bridge", {"call_control_id": "callee", "mute_dtmf": "both", "park_after_unbridge": "self"})
    feed(session, HungUp(BOB, NORMAL))
    assert session.floor.legs[leg].tones == "passed"


@pytest.mark.parametrize("muted", ["none", "both"])
def test_a_transfer_says_it_for_the_bridge_to_come(muted: str) -> None:
    session, leg = answered_parked()
    order(session, leg, "transfer", {"to": "sip:carol@sip.test", "mute_dtmf": muted})
    assert {each.tones for each in session.floor.legs.values()} == {"passed" if muted == "none" else "muted"}


def test_a_far_end_that_rings_is_told_the_reason_and_one_that_talks_is_not() -> None:
    session, leg = ringing("parked")
    made = order(session, leg, "hangup", {"reason": "answered elsewhere"})
    assert byes(made) == {BOB: (("Reason", 'SIP;cause=200;text="answered elsewhere"'),)}
    session, leg = answered_parked()
    made = order(session, leg, "hangup", {"reason": "answered elsewhere", "custom_headers": [_HEADER]})
    assert byes(made) == {ALICE: (("X-A", "1"),)}


@pytest.mark.parametrize(
    ("cause", "sip", "told"),
    [
        ("USER_BUSY", 486, "user_busy"),
        ("CALL_REJECTED", 603, "call_rejected"),
        ("NOT_FOUND", 404, "not_found"),
        ("TEMPORARILY_UNAVAILABLE", 480, "unspecified"),
    ],
)
def test_a_caller_is_rejected_with_the_status_of_the_cause(cause: str, sip: int, told: str) -> None:
    session, leg = early(Park())
    made = order(session, leg, "reject", {"cause": cause})
    assert [each.ending.sip_code for each in made if isinstance(each, effect.Bye)] == [sip]
    assert hung_up(made) == [("caller", told)]


@pytest.mark.parametrize(
    ("name", "body", "code"),
    [
        ("hangup", {"reason": 'a "b"'}, "10027"),
        ("hangup", {"reason": "a\nb"}, "10027"),
        ("hangup", {"reason": "\U0001f600"}, "10027"),
        ("bridge", {"call_control_id": "x", "ringtone": "xx"}, "10032"),
        ("bridge", {"call_control_id": "x", "mute_dtmf": "all"}, "10032"),
        ("client_state_update", {}, "10004"),
        ("transfer", {"to": ""}, "10033"),
        ("transfer", {"to": "a\r\nb"}, "10015"),
        ("transfer", {"to": "a", "from_display_name": "Bob\r\nX-Evil: 1"}, "10015"),
        ("transfer", {"to": "a", "send_digits_on_answer": "1" * 65}, "10033"),
        ("refer", {}, "10004"),
        ("refer", {"sip_address": "tel:+15550001111"}, "10015"),
        ("send_sip_info", {"body": "x" * 1401, "content_type": "text/plain"}, "10033"),
        ("send_sip_info", {"body": "x", "content_type": "plain"}, "10015"),
        ("switch_supervisor_role", {"role": "none"}, "10032"),
    ],
)
def test_bad_values_are_refused(name: str, body: dict[str, Any], code: str) -> None:
    with pytest.raises(Rejected) as refused:
        command(CALL_COMMANDS[name], body)
    assert [problem.code for problem in refused.value.problems] == [code]


_HEADER = {"name": "X-A", "value": "1"}
