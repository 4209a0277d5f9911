"""Category: property. What a leg costs, to the micro-dollar."""

from decimal import ROUND_HALF_EVEN, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.voice.rating import STANDARD, WEBRTC, PricePlan, Rate, charge, dollars, total

milliseconds = st.integers(0, 5 * 3600 * 1000)
rates = st.builds(Rate, st.just("x"), st.integers(0, 10**8), st.just(1), st.integers(1, 120)).map(
    lambda rate: Rate(rate.part, rate.micros_per_minute, rate.increment, rate.increment)
)


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
    line = charge(STANDARD, WEBRTC, ms)
    assert (line.billed_seconds, dollars(line.micros)) == (billed, cost)


def test_client_to_client_is_two_legs() -> None:
    assert dollars(total((charge(STANDARD, WEBRTC, 61_000), charge(STANDARD, WEBRTC, 60_000)))) == "0.006"


def test_half_a_micro_dollar_goes_to_the_even_one() -> None:
    plan = PricePlan("odd", (Rate("even", 1, 30, 30), Rate("odd", 3, 30, 30)))
    assert [charge(plan, part, 30_000).micros for part in ("even", "odd")] == [0, 2]


def test_a_first_step_longer_than_the_next_ones() -> None:
    plan = PricePlan("30/6", (Rate("x", 60, 30, 6),))
    assert [charge(plan, "x", s * 1000).billed_seconds for s in (1, 30, 31, 37)] == [30, 30, 36, 42]


def test_what_a_plan_does_not_sell_is_an_error() -> None:
    with pytest.raises(KeyError):
        charge(STANDARD, "moon", 1)


@given(rates, milliseconds)
def test_a_line_is_the_formula_rounded_once(rate: Rate, ms: int) -> None:
    steps = -(-ms // (1000 * rate.increment))
    exact = Decimal(steps * rate.increment * rate.micros_per_minute) / 60
    assert charge(PricePlan("p", (rate,)), "x", ms).micros == int(exact.quantize(Decimal(1), ROUND_HALF_EVEN))


@given(rates, milliseconds, milliseconds)
def test_longer_never_costs_less(rate: Rate, one: int, other: int) -> None:
    plan = PricePlan("p", (rate,))
    short, long = sorted((one, other))
    assert charge(plan, "x", short).micros <= charge(plan, "x", long).micros


@given(st.integers(-(10**15), 10**15))
def test_dollars_are_exact(micros: int) -> None:
    assert Decimal(dollars(micros)) * 1_000_000 == micros
