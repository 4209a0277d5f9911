"""Category: unit. Price plans as people write them: what they mean, and what is wrong with those that are none."""

import pytest

from offhook.voice.price_plan import BadPlan, read_plan
from offhook.voice.rating import CARRIERS, PARTS, STANDARD, WAYS, charge, dollars

PLAN = """
name = "Desk"
extends = "standard"

[[rates]]
part = "webrtc"
price = "0.001"
minimum = 30
increment = 6

[[rates]]
part = "sip-trunking"
price = "0.10"

[[rates]]
part = "sip-trunking"
direction = "outbound"
prefix = "+4930"
price = "0.012345"

[[rates]]
part = "tts"
price = "12"
per = 1000000
minimum = 100
"""


def test_a_plan_prices_what_it_names_and_inherits_the_rest() -> None:
    plan = read_plan(PLAN)
    assert (plan.name, plan.currency) == ("Desk", "USD")
    assert charge(plan.rate("webrtc"), 31).billed == 36
    assert [plan.rate("sip-trunking", way, "+493012345").micros for way in WAYS] == [100_000, 12_345]
    assert plan.rate("sip-trunking", "outbound", "+15551234").micros == 100_000
    assert [dollars(charge(plan.rate("tts"), used).micros) for used in (1, 1000)] == ["0.0012", "0.012"]
    assert plan.rate("recording") == STANDARD.rate("recording")


def test_the_standard_plan_prices_everything_and_a_webrtc_leg_as_agreed() -> None:
    assert STANDARD.rate("webrtc", "inbound", "+1").micros == 2_000
    for part in PARTS:
        for way in WAYS if part in CARRIERS else (None,):
            assert STANDARD.rate(part, way, "+999").currency == "USD"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name = ", "value"),
        ('name = "x"', "rates"),
        ('name = "x"\nrates = []', 'webrtc inbound has no rate without a prefix; set one, or extends = "standard"'),
        (PLAN.replace('"0.001"', "0.001"), "price"),
        (PLAN.replace('"0.001"', '"0.0000001"'), "six decimals"),
        (PLAN.replace('"0.001"', '"-1"'), "price is an amount"),
        (PLAN.replace('"webrtc"', '"moon"'), "part is one of"),
        (PLAN.replace('"+4930"', '"4930"'), "prefix"),
        (PLAN.replace("minimum = 30", "minimum = 0"), "minimum and increment"),
        (PLAN.replace("per = 1000000", 'prefix = "+1"'), "only webrtc and sip-trunking"),
        (PLAN + '[[rates]]\npart = "webrtc"\nprice = "1"', "webrtc has two rates"),
        (PLAN.replace('"standard"', '"gold"'), "no plan gold"),
        ('currency = "EUR"' + PLAN, "is in USD"),
        (PLAN + "colour = 1", "colour"),
    ],
)
def test_what_is_no_plan_is_refused_with_the_place(text: str, said: str) -> None:
    with pytest.raises(BadPlan) as refused:
        read_plan(text)
    assert said.lower() in str(refused.value).lower()
