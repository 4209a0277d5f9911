"""What a leg costs, from a price plan that is data. Exact integers in, exact decimals out; no clock, no floats.

Money is micro-dollars: integers, 1,000,000 to the dollar.
"""

import msgspec

MICROS = 1_000_000


class Rate(msgspec.Struct, frozen=True):
    """The price of one minute, and how time is rounded up: the first step, then steps of `increment` seconds."""

    part: str
    micros_per_minute: int
    minimum: int = 60
    increment: int = 60


class PricePlan(msgspec.Struct, frozen=True):
    """The rates of an account, by what is charged. A plan without a part does not sell it: KeyError."""

    name: str
    rates: tuple[Rate, ...]
    currency: str = "USD"

    def rate(self, part: str) -> Rate:
        """The rate of that part."""
        for rate in self.rates:
            if rate.part == part:
                return rate
        raise KeyError(part)


WEBRTC = "webrtc"
STANDARD = PricePlan("standard", (Rate(WEBRTC, 2_000),))


class Charge(msgspec.Struct, frozen=True):
    """One line of a bill. `seconds` were used, `billed_seconds` are paid for."""

    part: str
    seconds: int
    billed_seconds: int
    micros_per_minute: int
    micros: int
    currency: str = "USD"


def billed_seconds(rate: Rate, seconds: int) -> int:
    """Whole seconds rounded up to the rate's steps; nothing for nothing."""
    if seconds <= 0:
        return 0
    beyond = max(0, seconds - rate.minimum)
    return rate.minimum + -(-beyond // rate.increment) * rate.increment


def charge(plan: PricePlan, part: str, milliseconds: int) -> Charge:
    """What `part` costs for a leg that was answered for so long; an unanswered leg (0) costs nothing."""
    rate = plan.rate(part)
    seconds = -(-max(0, milliseconds) // 1000)
    billed = billed_seconds(rate, seconds)
    return Charge(
        part, seconds, billed, rate.micros_per_minute, _half_even(billed * rate.micros_per_minute, 60), plan.currency
    )


def total(charges: tuple[Charge, ...]) -> int:
    """Micro-dollars of all lines together: each line is rounded by itself, sums are exact."""
    return sum(line.micros for line in charges)


def dollars(micros: int) -> str:
    """The exact decimal, without needless zeros: 2000 is "0.002", 0 is "0"."""
    sign = "-" if micros < 0 else ""
    whole, fraction = divmod(abs(micros), MICROS)
    return f"{sign}{whole}.{fraction:06d}".rstrip("0").rstrip(".")


def _half_even(numerator: int, denominator: int) -> int:
    quotient, rest = divmod(numerator, denominator)
    twice = 2 * rest
    if twice > denominator or (twice == denominator and quotient % 2):
        return quotient + 1
    return quotient
