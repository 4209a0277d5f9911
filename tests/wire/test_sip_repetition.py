"""Category: wire. SIP responses repeated until they are acknowledged, and the order of reliable ones (RFC 3262)."""

import pytest

from offhook.wire.sip_admission import respond
from offhook.wire.sip_grammar import Malformed
from offhook.wire.sip_message import Response
from offhook.wire.sip_repetition import Due, Repetition, acknowledges, is_reliable, next_rack, of_2xx, of_reliable

from .sip import request


def sendings(repetition: Repetition) -> tuple[list[float], float]:
    """When it is sent again, and when it gives up."""
    seen: list[float] = []
    while True:
        now = repetition.wakes_at
        repetition, due = repetition.tick(now)
        if due is Due.GIVE_UP:
            return seen, now
        assert due is Due.SEND
        seen.append(now)


def test_a_2xx_is_repeated_as_t2_bounds_it() -> None:
    assert sendings(of_2xx(0.0)) == ([0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5], 32.0)


def test_a_reliable_provisional_response_waits_twice_as_long_each_time() -> None:
    assert sendings(of_reliable(100.0)) == ([100.5, 101.5, 103.5, 107.5, 115.5, 131.5], 132.0)


def test_before_its_time_nothing_is_due() -> None:
    repetition = of_2xx(0.0)
    assert repetition.tick(0.4) == (repetition, Due.NOTHING)


def ringing(rseq: int) -> Response:
    return respond(request(), 180, "tag", (("Require", "100rel"), ("RSeq", str(rseq))))


def test_a_prack_matches_number_and_request() -> None:
    for rack, fits in (("7 2 INVITE", True), ("6 2 INVITE", False), ("7 3 INVITE", False), ("x", False)):
        assert acknowledges(request("PRACK", (("RAck", rack),), cseq="3"), ringing(7)) is fits
    assert not acknowledges(request("PRACK"), ringing(7))


def test_only_the_next_number_is_acknowledged() -> None:
    assert str(next_rack(ringing(7), None)) == "7 2 INVITE"
    assert str(next_rack(ringing(8), 7)) == "8 2 INVITE"
    assert next_rack(ringing(7), 7) is next_rack(ringing(9), 7) is None
    with pytest.raises(Malformed):
        next_rack(respond(request(), 180, "tag"), None)


def test_which_responses_ask_for_a_prack() -> None:
    assert is_reliable(ringing(1))
    assert not is_reliable(respond(request(), 180, "tag", (("RSeq", "1"),)))
    assert not is_reliable(respond(request(), 200, "tag", (("Require", "100rel"),)))
