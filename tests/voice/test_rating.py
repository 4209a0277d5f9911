"""Category: property. What a leg costs, to the micro-dollar."""

from decimal import ROUND_HALF_EVEN, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.voice.rating import STANDARD, WEBRTC, Charge, PricePlan, Rate, Way, charge, dollars, seconds, total

milliseconds = st.integers(0, 5 * 3600 * 1000)
rates = st.builds(Rate, st.just("x"), st.integers(0, 10**8), st.just(1), st.integers(1, 120)).map(
    lambda rate: Rate(rate.part, rate.micros, rate.increment, rate.increment)
)


def webrtc(ms: int) -> Charge:
    return charge(STANDARD.rate(WEBRTC), seconds(ms / 1000))


@pytest.mark.parametrize(
    ("ms", "billed", "cost"),
    [
        (0, 0, "0"),
        (1, 60, "0.002"),
        (50_000, 60, "0.002"),
        (60_000, 60, "0.002"),
        (60_001, 120, "0.004"),
        (102_000, 120, "0.004"),
    ],
)
def test_a_webrtc_leg_costs_a_fifth_of_a_cent_a_minute_begun(ms: int, billed: int, cost: str) -> None:
    line = webrtc(ms)
    assert (line.billed, dollars(line.micros)) == (billed, cost)


def test_client_to_client_is_two_legs() -> None:
    assert dollars(total((webrtc(61_000), webrtc(60_000)))) == "0.006"


def test_half_a_micro_dollar_goes_to_the_even_one() -> None:
    plan = PricePlan("odd", (Rate("even", 1, 30, 30), Rate("odd", 3, 30, 30)))
    assert [charge(plan.rate(part), 30).micros for part in ("even", "odd")] == [0, 2]


def test_a_first_step_longer_than_the_next_ones() -> None:
    rate = Rate("x", 60, 30, 6)
    assert [charge(rate, used).billed for used in (1, 30, 31, 37)] == [30, 30, 36, 42]


def test_what_a_plan_does_not_sell_is_an_error() -> None:
    with pytest.raises(KeyError):
        STANDARD.rate("moon")


PREFIXES = PricePlan(
    "prefixes",
    (
        Rate("sip-trunking", 1),
        Rate("sip-trunking", 2, way="outbound"),
        Rate("sip-trunking", 3, prefix="+1"),
        Rate("sip-trunking", 4, way="outbound", prefix="+1202"),
        Rate("sip-trunking", 5, way="inbound", prefix="+1202"),
    ),
)


@pytest.mark.parametrize(
    ("way", "number", "micros"),
    [
        ("inbound", "", 1),
        ("outbound", "", 2),
        ("outbound", "+4420", 2),
        ("outbound", "+1303", 3),
        ("outbound", "+1", 3),
        ("outbound", "+12025550100", 4),
        ("inbound", "+12025550100", 5),
    ],
)
def test_the_longest_prefix_that_fits_has_the_say(way: Way, number: str, micros: int) -> None:
    assert PREFIXES.rate("sip-trunking", way, number).micros == micros


def test_characters_and_uses_are_charged_by_themselves() -> None:
    tts = charge(STANDARD.rate("tts"), 1_500)
    amd = charge(STANDARD.rate("amd"), 2)
    assert (dollars(tts.micros), tts.billed_seconds, dollars(amd.micros)) == ("0.0045", 0, "0.004")


@given(rates, milliseconds)
def test_a_line_is_the_formula_rounded_once(rate: Rate, ms: int) -> None:
    steps = -(-ms // (1000 * rate.increment))
    exact = Decimal(steps * rate.increment * rate.micros) / 60
    assert charge(rate, seconds(ms / 1000)).micros == int(exact.quantize(Decimal(1), ROUND_HALF_EVEN))


@given(rates, milliseconds, milliseconds)
def test_longer_never_costs_less(rate: Rate, one: int, other: int) -> None:
    short, long = sorted((seconds(one / 1000), seconds(other / 1000)))
    assert charge(rate, short).micros <= charge(rate, long).micros


@given(st.integers(-(10**15), 10**15))
def test_dollars_are_exact(micros: int) -> None:
    assert Decimal(dollars(micros)) * 1_000_000 == micros
