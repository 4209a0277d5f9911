"""What a leg costs, from a price plan that is data. Exact integers in, exact decimals out; no clock, no floats.

Money is micro-dollars (of whichever currency): integers, 1,000,000 to the dollar.
"""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Literal, get_args

import msgspec

from offhook.voice.leg import Carrier
from offhook.voice.usage import AddOn

MICROS = 1_000_000

Part = Carrier | AddOn
Unit = Literal["minute", "character", "use"]
# Seen from whoever pays: it dials, or it is called.
Way = Literal["inbound", "outbound"]

PARTS: tuple[Part, ...] = (*get_args(Carrier), *get_args(AddOn))
CARRIERS: tuple[Carrier, ...] = get_args(Carrier)
WAYS: tuple[Way, ...] = get_args(Way)
# What each part is measured in, where that is not time.
UNITS: dict[str, Unit] = {"tts": "character", "amd": "use"}
WEBRTC: Carrier = "webrtc"
# What is measured of each unit: seconds of a minute, the thing itself of the others.
_MEASURED: dict[Unit, int] = {"minute": 60, "character": 1, "use": 1}


class Rate(msgspec.Struct, frozen=True):
    """The price of `per` units of a part, and how what was used is rounded up: the first step, then steps.

    `minimum` and `increment` are seconds where the unit is a minute. A rate of a carrier may be for one `way` and for
    numbers that begin with `prefix` (+E.164); the longest prefix that fits has the say, and the way before no way.
    """

    part: str
    micros: int
    minimum: int = 60
    increment: int = 60
    unit: Unit = "minute"
    per: int = 1
    way: Way | None = None
    prefix: str = ""
    currency: str = "USD"


class PricePlan:
    """The rates of an account, by what is charged, in one currency: sums of two would mean nothing.

    A plan without a rate for something does not sell it: KeyError. `voice.price_plan` reads complete ones. `id` is the
    same for the same rates.
    """

    __slots__ = ("_longest", "_rates", "currency", "id", "name", "rates")

    def __init__(self, name: str, rates: Sequence[Rate]) -> None:
        self.name = name
        self.rates = tuple(rates)
        self.id = hashlib.sha256(msgspec.json.encode(self.rates)).hexdigest()[:32]
        self.currency = self.rates[0].currency if self.rates else "USD"
        self._rates = {(rate.part, rate.way, rate.prefix): rate for rate in self.rates}
        self._longest = max((len(rate.prefix) for rate in self.rates), default=0)

    def rate(self, part: str, way: Way | None = None, number: str = "") -> Rate:
        """The rate of that part; for a carrier, of calls this way to (or, inbound, on) this number."""
        for length in range(min(len(number), self._longest), -1, -1):
            for asked in (way, None):
                found = self._rates.get((part, asked, number[:length]))
                if found is not None:
                    return found
        raise KeyError(part)


class Charge(msgspec.Struct, frozen=True):
    """One line of a bill: `used` is what was measured (seconds, characters, uses), `billed` what is paid for."""

    rate: Rate
    used: int
    billed: int
    micros: int

    @property
    def part(self) -> str:
        """What is charged."""
        return self.rate.part

    @property
    def currency(self) -> str:
        """Of `micros`."""
        return self.rate.currency

    @property
    def billed_seconds(self) -> int:
        """What is paid for, where that is time; else 0."""
        return self.billed if self.rate.unit == "minute" else 0


def billed(rate: Rate, used: int) -> int:
    """What was used rounded up to the rate's steps; nothing for nothing."""
    if used <= 0:
        return 0
    beyond = max(0, used - rate.minimum)
    return rate.minimum + -(-beyond // rate.increment) * rate.increment


def charge(rate: Rate, used: int) -> Charge:
    """What it costs to have used so much; a leg that was never answered (0) costs nothing."""
    paid = billed(rate, used)
    return Charge(rate, used, paid, _half_even(paid * rate.micros, _MEASURED[rate.unit] * rate.per))


def seconds(measured: float) -> int:
    """A measured time as whole seconds, begun ones included; to the millisecond, so that clocks' noise costs none."""
    return -(-max(0, round(measured * 1000)) // 1000)


def total(charges: Iterable[Charge]) -> int:
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


def _standard() -> PricePlan:
    """What the hosted product asks for: a WebRTC leg $0.002 a minute, everything else near its list prices."""
    return PricePlan(
        "standard",
        (
            Rate("webrtc", 2_000),
            Rate("sip-trunking", 3_500, way="inbound"),
            Rate("sip-trunking", 50_000, way="outbound"),
            Rate("sip-trunking", 5_000, way="outbound", prefix="+1"),
            Rate("sip-trunking", 8_000, way="outbound", prefix="+44"),
            Rate("recording", 2_000),
            Rate("tts", 3_000, 1, 1, unit="character", per=1_000),
            Rate("media-streaming", 3_500),
            Rate("stt", 25_000),
            Rate("amd", 2_000, 1, 1, unit="use"),
            Rate("conference-participant", 2_000),
            Rate("noise-suppression", 3_500),
            Rate("queue", 0),
        ),
    )


STANDARD = _standard()
