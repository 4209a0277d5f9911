"""Responses that are repeated above their transaction until they are acknowledged, and the order of those that PRACK
acknowledges (RFC 3261 section 13.3.1.4, RFC 3262). Time is an argument (monotonic seconds). No I/O."""

from enum import Enum

import msgspec

from offhook.wire.sip_grammar import Malformed
from offhook.wire.sip_headers import MAX_SECONDS, RAck, parse_number, parse_rack
from offhook.wire.sip_message import Request, Response
from offhook.wire.sip_transaction import DEFAULT, Timing


class Due(Enum):
    """What is to be done now."""

    NOTHING = "wait"
    SEND = "send the response again"
    GIVE_UP = "nobody acknowledged it"


class Repetition(msgspec.Struct, frozen=True):
    """One response that was sent: again at `wakes_at`, `gap` seconds after the last time, never after `until`; gaps
    double up to `longest`. The 2xx of an INVITE is repeated over reliable transports, too."""

    wakes_at: float
    gap: float
    until: float
    longest: float

    def tick(self, now: float) -> tuple["Repetition", Due]:
        if now < self.wakes_at:
            return self, Due.NOTHING
        if now >= self.until:
            return self, Due.GIVE_UP
        gap = min(2 * self.gap, self.longest)
        return msgspec.structs.replace(self, wakes_at=min(now + gap, self.until), gap=gap), Due.SEND


def of_2xx(now: float, timing: Timing = DEFAULT) -> Repetition:
    """Sent just now. When it gives up, the dialog is confirmed nevertheless, and ended by a BYE."""
    return Repetition(now + timing.t1, timing.t1, now + 64 * timing.t1, timing.t2)


def of_reliable(now: float, timing: Timing = DEFAULT) -> Repetition:
    """A reliable provisional response, sent just now (RFC 3262 section 3). When it gives up, the INVITE is refused
    with a 5xx."""
    return Repetition(now + timing.t1, timing.t1, now + 64 * timing.t1, 64 * timing.t1)


def acknowledges(prack: Request, response: Response) -> bool:
    """Whether a PRACK is that of our reliable response. One that matches none is answered 481."""
    try:
        rack = parse_rack(prack.one("RAck"))
        return rack == RAck(_rseq(response), response.cseq)
    except Malformed:
        return False


def is_reliable(response: Response) -> bool:
    """Whether a provisional response asks for a PRACK."""
    return 100 < response.status < 200 and response.has_option("Require", "100rel")


def next_rack(response: Response, last: int | None) -> RAck | None:
    """What our PRACK of a reliable response says; None for one that is not the next after RSeq `last`, a copy for
    example: it is dropped (RFC 3262 section 4). Malformed where its RSeq cannot be read."""
    number = _rseq(response)
    return RAck(number, response.cseq) if last is None or number == last + 1 else None


def _rseq(response: Response) -> int:
    return parse_number(response.one("RSeq"), MAX_SECONDS, "RSeq")
