"""Category: voice. The notation: what is shown, what is hidden, what cannot be forged."""

import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.voice import effect, ladder, signal
from offhook.voice.cause import Ending, ending
from offhook.voice.event import About, CallBridged, CallCost, DtmfReceived
from offhook.voice.ladder import Line, mask_party
from offhook.voice.leg import DialogId, LegIds, Party
from offhook.voice.signal import Dialled, HungUp, PortRefused, Refuse, Tick

ALICE = DialogId("binding", "call")
CALLER, CALLEE = LegIds("a", "s", "la"), LegIds("b", "s", "lb")
PARTY = Party("alice", "account", "connection", "alice")
ABOUT = About(CALLER, PARTY, "+12025550101", "bob", "Alice", "outgoing", 0.0)
NAMES: dict[DialogId | int | str, str] = {ALICE: "alice", 1: "alice", "a": "alice", "b": "bob"}


def dialled(destination: str) -> Dialled:
    party = Party("alice", "account", "connection", "alice")
    return Dialled(ALICE, 1, CALLER, 1, party, destination, "sdp", Refuse(ending("USER_BUSY")))


def shown(given: signal.Input, *effects: effect.Effect) -> list[str]:
    return [line.full() for line in ladder.lines(given, effects, NAMES, 0.0)]


def test_a_signal_and_what_follows_from_it() -> None:
    hung_up = HungUp(ALICE, ending("NORMAL_CLEARING"), 1)
    assert shown(hung_up, effect.Done(1), effect.Tell(CallBridged(ABOUT, 0.0, CALLEE, True))) == [
        "alice -> BYE 16 NORMAL_CLEARING",
        "alice >< bob",
    ]


def test_a_webhook_follows_what_it_tells_and_one_that_no_effect_tells_comes_last() -> None:
    bridged, pressed = CallBridged(ABOUT, 0.0, CALLEE, True), DtmfReceived(ABOUT, 0.0, "5")
    cost = CallCost(ABOUT, 0.0, ())
    effects = [effect.Tell(bridged), effect.Tell(pressed), effect.Bye(ALICE, ending("NORMAL_CLEARING"))]
    told = [line.full() for _, line in ladder.keyed_lines(Tick(), effects, NAMES, 0.0, [bridged, cost])]
    assert told == [
        "alice >< bob",
        "alice webhook call.bridged",
        "alice DTMF 5",
        "alice <- BYE 16 NORMAL_CLEARING",
        "alice webhook call.cost",
    ]


def test_what_is_not_worth_a_line_has_none() -> None:
    assert shown(Tick(), effect.Done(1), effect.Hear(1, (2,)), effect.ClosePort(1), effect.Sing(1, None)) == []


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("bob", "bob"),
        ("bob''", "bob''"),
        ("sip:bob@sip.test", "bob"),
        ("bob@10.1.2.3", "bob"),
        ("john1234", "john1234"),
        ("gencred42", "gencred42"),
        ("x15551234567", "x***********"),
        ("+15551234567", "*********67"),
        ("sip:+15551234567@sip.test", "*********67"),
        ("+1 (555) 123-4567", "*********67"),
        ("+1\u00a0555\u00a0123\u00a04567", "***"),
        ("+1/555/123/4567", "***"),
        ("%2B1555123%34567", "***"),
        ("tel:+15551234567;phone-context=+1", "***"),
        ("call me at +15551234567", "***"),
        ("1001", "***"),
        ("sip:1001@sip.test", "***"),
        ("192.168.1.77", "***"),
        ("fe80::dead:beef", "***"),
        ("sip:john1234:secret@sip.test", "***"),
        ("١٥٥٥١٢٣٤٥٦٧", "***"),
        ("", ""),
    ],
)
def test_of_who_calls_and_is_called_a_log_shows_names_only(text: str, masked: str) -> None:
    assert mask_party(text) == masked


@given(st.text("0123456789+%-./: ()@;xé\u00a0", min_size=1, max_size=30))
def test_no_spelling_of_a_number_reaches_a_log(text: str) -> None:
    """But for the last two digits of a whole phone number."""
    assert len(re.findall(r"\d", mask_party(text))) <= (4 if "x" in text else 2)


def test_digits_that_were_pressed_never_reach_a_log() -> None:
    pressed = effect.Tell(DtmfReceived(ABOUT, 0.0, "5"))
    [told, sent] = ladder.lines(Tick(), [pressed, effect.SendDigits(1, "12#")], NAMES, 0.0)
    assert (told.full(), told.masked()) == ("alice DTMF 5", "alice DTMF *")
    assert (sent.full(), sent.masked()) == ("alice <- DTMF 12#", "alice <- DTMF ***")


def test_a_masked_line_keeps_its_causes() -> None:
    line = Line(0.0, "alice", "->", "BYE 602 ALLOTTED_TIMEOUT")
    assert line.masked() == "alice -> BYE 602 ALLOTTED_TIMEOUT"
    dialled = Line(0.0, "+15551234567", "->", "INVITE", "15557654321", "party")
    assert dialled.masked() == "*********67 -> INVITE *********21"
    assert Line(0.0, "alice", "><", "+15551234567").masked() == "alice >< *********67"


def test_a_log_explains_in_our_words_and_quotes_nobody() -> None:
    line = "a=candidate:1 1 udp 1 fe80::dead:beef 5000 typ host"
    said = [
        *ladder.lines(PortRefused(effect.AnswerPort(1, "", False), "sdp_syntax: no such type", line), [], NAMES, 0.0),
        *ladder.lines(HungUp(ALICE, Ending("call +15551234567", 4915551234567)), [], NAMES, 0.0),
        *ladder.lines(Tick(), [effect.Bye(ALICE, ending("CALL_REJECTED", "active is false on Desk 2001"))], NAMES, 0.0),
    ]
    assert [each.full() for each in said] == [
        f"alice media refused: sdp_syntax: no such type: {line}",
        "alice -> BYE 4915551234567 call +15551234567",
        "alice <- BYE 21 CALL_REJECTED (active is false on Desk 2001)",
    ]
    assert [each.masked() for each in said] == [
        "alice media refused: sdp_syntax: no such type: ***",
        "alice -> BYE ***",
        "alice <- BYE 21 CALL_REJECTED (active is false on Desk ****)",
    ]


@pytest.mark.parametrize("forged", ["bob\nbob -> 200 OK", "bob\r\n", "bob\x1b[31m", "bob\u202e", "b\x00b"])
def test_a_far_end_cannot_forge_a_line(forged: str) -> None:
    [line] = shown(dialled(forged))
    assert line.isprintable()


def test_a_far_end_cannot_fill_a_log() -> None:
    [line] = shown(dialled("x" * 1_000_000))
    assert len(line) < 400


def test_a_ladder_is_drawn_as_well_formed_svg_with_all_that_was_said() -> None:
    drawn = [
        Line(0.0, "alice", "->", "INVITE", "<bob> & co"),
        Line(1.0, "bob", "<-", "INVITE"),
        Line(2.0, "alice", "><", "bob"),
        Line(3.0, "bob", "", "DTMF", "5"),
    ]
    root = ElementTree.fromstring(ladder.svg(drawn))
    texts = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert [text for text in texts if text in ("offhook", "alice", "bob")] == ["offhook", "alice", "bob"]
    assert {"INVITE <bob> & co", "meet", "DTMF 5"} <= set(texts)
    assert ladder.text(drawn).splitlines()[2] == "alice >< bob"


def test_a_backend_has_a_column_of_its_own_from_which_commands_come_and_to_which_webhooks_go() -> None:
    drawn = [Line(0.0, "alice", "webhook", "call.initiated"), Line(1.0, "alice", "command", "answer")]
    root = ElementTree.fromstring(ladder.svg(drawn))
    texts = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert texts == ["backend", "offhook", "alice", "alice call.initiated", "alice answer"]
    rungs = [each for each in root.iter("{http://www.w3.org/2000/svg}line") if each.get("y1") == each.get("y2")]
    assert [int(each.get("x1", "")) > int(each.get("x2", "")) for each in rungs] == [True, False]
    assert ladder.text(drawn).splitlines() == ["alice webhook call.initiated", "alice command answer"]
