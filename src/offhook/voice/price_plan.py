"""A price plan's text in, the plan out, complete or refused. No I/O.

The text is TOML: a name, a currency and a list of rates. `docs/howto/costs.md` shows one.
"""

import re
import tomllib
from decimal import Decimal

import msgspec

from offhook.voice.rating import CARRIERS, MICROS, PARTS, STANDARD, UNITS, WAYS, PricePlan, Rate, Way

_PRICE = re.compile(r"[0-9]{1,6}(?:\.[0-9]{1,6})?")
_PREFIX = re.compile(r"(?:\+[1-9][0-9]{0,14})?")
MAX_STEP = 86_400


class BadPlan(Exception):
    """The text is no price plan; `str()` says where and why."""


class _Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One `[[rates]]` as it is written. `price` is for `per` units of what the part is measured in."""

    part: str
    price: str
    per: int = 1
    minimum: int | None = None
    increment: int | None = None
    direction: Way | None = None
    prefix: str = ""


class _Plan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole text. With `extends` what it does not price costs what that plan asks for."""

    name: str
    rates: list[_Line]
    currency: str = "USD"
    extends: str | None = None


def read_plan(text: str) -> PricePlan:
    """The plan that a TOML text describes; BadPlan where it is none, or leaves something without a price."""
    try:
        written = msgspec.convert(tomllib.loads(text), type=_Plan)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise BadPlan(str(error)) from None
    if not re.fullmatch("[A-Z]{3}", written.currency):
        raise BadPlan("currency: an ISO 4217 code such as USD is wanted")
    rates = [_rate(line, written.currency, n) for n, line in enumerate(written.rates, 1)]
    _expect_single(rates)
    plan = PricePlan(written.name, [*_inherited(written, rates), *rates])
    _expect_complete(plan)
    return plan


def _rate(line: _Line, currency: str, n: int) -> Rate:
    where = f"rates, number {n} ({line.part})"
    if line.part not in PARTS:
        raise BadPlan(f"{where}: part is one of {', '.join(PARTS)}")
    if not _PRICE.fullmatch(line.price):
        raise BadPlan(f'{where}: price is an amount in quotes with at most six decimals, such as "0.002"')
    if line.part not in CARRIERS and (line.direction or line.prefix):
        raise BadPlan(f"{where}: only {' and '.join(CARRIERS)} have a direction and a prefix")
    if not _PREFIX.fullmatch(line.prefix):
        raise BadPlan(f"{where}: prefix is the beginning of a +E.164 number")
    unit = UNITS.get(line.part, "minute")
    step = 60 if unit == "minute" else 1
    minimum = step if line.minimum is None else line.minimum
    increment = step if line.increment is None else line.increment
    if not all(1 <= each <= MAX_STEP for each in (minimum, increment)) or not 1 <= line.per <= MICROS:
        raise BadPlan(f"{where}: minimum and increment are 1 to {MAX_STEP}, per is 1 to {MICROS}")
    micros = int(Decimal(line.price) * MICROS)
    return Rate(line.part, micros, minimum, increment, unit, line.per, line.direction, line.prefix, currency)


def _expect_single(rates: list[Rate]) -> None:
    """Two prices for the same thing would leave it to chance which of them is paid."""
    seen: set[tuple[str, Way | None, str]] = set()
    for rate in rates:
        key = (rate.part, rate.way, rate.prefix)
        if key in seen:
            raise BadPlan(f"{' '.join(filter(None, key))} has two rates")
        seen.add(key)


def _inherited(written: _Plan, rates: list[Rate]) -> list[Rate]:
    """The rates of the plan that this one extends, for parts of which it says nothing itself."""
    if written.extends is None:
        return []
    if written.extends != STANDARD.name:
        raise BadPlan(f"extends: there is no plan {written.extends}, only {STANDARD.name}")
    if written.currency != STANDARD.currency:
        raise BadPlan(f"currency: {STANDARD.name} is in {STANDARD.currency}, so a plan that extends it must be, too")
    own = {rate.part for rate in rates}
    return [rate for rate in STANDARD.rates if rate.part not in own]


def _expect_complete(plan: PricePlan) -> None:
    """Whatever a call may need has a price, to every number: what nobody priced would be given away."""
    for part in PARTS:
        for way in WAYS if part in CARRIERS else (None,):
            try:
                plan.rate(part, way)
            except KeyError:
                which = f"{part} {way}" if way else part
                raise BadPlan(f'{which} has no rate without a prefix; set one, or extends = "standard"') from None
