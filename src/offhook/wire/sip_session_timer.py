"""How long a SIP session may last without a refresh, and who refreshes it: RFC 4028's negotiation and times. No I/O.

Intervals are whole seconds, times monotonic seconds.
"""

from enum import Enum

import msgspec

from offhook.wire.sip_fields import Fields
from offhook.wire.sip_headers import MAX_SECONDS, parse_number, parse_valued
from offhook.wire.sip_message import Message, Request, Response

SMALLEST = 90  # RFC 4028 section 4: no Min-SE and no interval may be below
USUAL = 1800


class Refresher(Enum):
    """Who sends the refreshes, by its role in the transaction that agreed on them."""

    UAC = "uac"
    UAS = "uas"


class Wish(msgspec.Struct, frozen=True):
    """What we want: the interval, and the smallest that we take."""

    interval: int = USUAL
    smallest: int = SMALLEST


class Agreed(msgspec.Struct, frozen=True):
    """What holds from the 2xx on."""

    interval: int
    refresher: Refresher

    def refresh_at(self, since: float) -> float:
        """When the refresher refreshes: half-way (section 7.2)."""
        return since + self.interval / 2

    def ends_at(self, since: float) -> float:
        """When the other side gives up and sends a BYE: a third early, at most 32 seconds (section 10)."""
        return since + self.interval - min(32.0, self.interval / 3)

    def fields(self) -> Fields:
        """Of the 2xx that agrees."""
        expires = ("Session-Expires", f"{self.interval};refresher={self.refresher.value}")
        return (expires, ("Require", "timer")) if self.refresher is Refresher.UAC else (expires,)


class TooSmall(msgspec.Struct, frozen=True):
    """The interval that was asked for is refused by 422 with this Min-SE."""

    smallest: int

    def fields(self) -> Fields:
        return (("Min-SE", str(self.smallest)),)


def offer(wish: Wish, refresher: Refresher | None = None) -> Fields:
    """What our INVITE or UPDATE asks for; `refresher` in a refresh, which should not change it (section 7.4)."""
    role = "" if refresher is None else f";refresher={refresher.value}"
    minimum = (("Min-SE", str(wish.smallest)),) if wish.smallest > SMALLEST else ()
    return (("Supported", "timer"), ("Session-Expires", f"{wish.interval}{role}"), *minimum)


def answer_to(request: Request, wish: Wish) -> Agreed | TooSmall:
    """What our 2xx says, or why there is none (section 9). A far end that knows no timers is refreshed by us.

    Malformed where the request's headers cannot be read.
    """
    asked = request.first("Session-Expires")
    knows = request.has_option("Supported", "timer") or request.has_option("Require", "timer")
    if asked is None:
        return Agreed(max(wish.interval, _min_se(request)), Refresher.UAS)
    interval, refresher = _read(asked)
    if interval < wish.smallest and knows:
        return TooSmall(wish.smallest)
    interval = max(min(interval, wish.interval), _min_se(request))
    return Agreed(interval, refresher or Refresher.UAS if knows else Refresher.UAS)


def agreed_by(response: Response) -> Agreed | None:
    """What the 2xx to our request says; None where the far end wants no timer. We refresh where nobody is named."""
    text = response.first("Session-Expires")
    if text is None:
        return None
    interval, refresher = _read(text)
    return Agreed(max(interval, SMALLEST), refresher or Refresher.UAC)


def after_refusal(response: Response, wish: Wish) -> Wish:
    """What to ask for after a 422 (section 7.3)."""
    smallest = max(_min_se(response), wish.smallest)
    return Wish(max(wish.interval, smallest), smallest)


def _read(text: str) -> tuple[int, Refresher | None]:
    valued = parse_valued(text)
    role = (valued.param("refresher") or "").lower()
    interval = parse_number(valued.value, MAX_SECONDS, "Session-Expires")
    return interval, next((refresher for refresher in Refresher if refresher.value == role), None)


def _min_se(message: Message) -> int:
    text = message.first("Min-SE")
    return SMALLEST if text is None else max(SMALLEST, parse_number(parse_valued(text).value, MAX_SECONDS, "Min-SE"))
