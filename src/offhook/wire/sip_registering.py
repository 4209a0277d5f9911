"""Our registration at somebody else's registrar: when to ask, for how long, and what its answers mean (RFC 3261 section
10.2, RFC 5626 section 4.5). It knows neither sockets nor passwords. No I/O.

    it = Registering(wanted_seconds)
    seconds = it.asks()              -> send a REGISTER for so many seconds, and tell how it went:
    it.accepted(granted, now) | it.refused(status, now, chance, ...) | it.asks_longer(seconds)
    it.wakes_at                      -> ask again then

`chance` is a number from 0 to 1: many that fail at once do not come back at once.
"""

from enum import Enum

from offhook.wire.sip_grammar import Malformed
from offhook.wire.sip_headers import MAX_SECONDS, parse_number
from offhook.wire.sip_identity import user_of
from offhook.wire.sip_message import Response

FIRST_WAIT, LONGEST_WAIT = 30.0, 1800.0  # seconds, before chance takes up to a half of them
# So long before its end a registration is refreshed: more than a transaction takes to fail, and time for the next one.
AHEAD = 60.0
MAX_WANTED = 7200


class State(Enum):
    """By the names of the REST API's `sip_registration_status`."""

    STANDBY = "standby"
    TRYING = "trying"
    REGISTERED = "registered"
    REFRESHING = "refreshing"
    FAILED = "failed"
    UNREGISTERING = "unregistering"
    GONE = "gone"


class Step(Enum):
    """What moves it."""

    ASKED = "a REGISTER is sent"
    ACCEPTED = "it was accepted"
    REFUSED = "it was refused, or not answered"
    STOPPED = "it is not wanted any more"


S, T = State, Step
STEPS: dict[tuple[State, Step], State] = {
    (S.STANDBY, T.ASKED): S.TRYING,
    (S.TRYING, T.ACCEPTED): S.REGISTERED,
    (S.TRYING, T.REFUSED): S.FAILED,
    (S.REGISTERED, T.ASKED): S.REFRESHING,
    (S.REFRESHING, T.ACCEPTED): S.REGISTERED,
    (S.REFRESHING, T.REFUSED): S.FAILED,
    (S.FAILED, T.ASKED): S.TRYING,
    # The registrar may have what it has not told us of: only who never asked has nothing to take back.
    (S.STANDBY, T.STOPPED): S.GONE,
    (S.TRYING, T.STOPPED): S.UNREGISTERING,
    (S.REGISTERED, T.STOPPED): S.UNREGISTERING,
    (S.REFRESHING, T.STOPPED): S.UNREGISTERING,
    (S.FAILED, T.STOPPED): S.GONE,
    (S.UNREGISTERING, T.ACCEPTED): S.GONE,
    (S.UNREGISTERING, T.REFUSED): S.GONE,
}


class Registering:
    """One registration. KeyError where a step is taken that there is none of."""

    def __init__(self, wanted: int) -> None:
        self.state = State.STANDBY
        self.wakes_at = 0.0
        self.expires_at = 0.0
        self.failures = 0
        self.last_status = 0
        self._wanted = wanted

    def _move(self, step: Step) -> None:
        self.state = STEPS[self.state, step]

    def asks(self) -> int:
        """For how many seconds the REGISTER that is sent now asks."""
        self._move(Step.ASKED)
        return self._wanted

    def asks_longer(self, response: Response) -> int | None:
        """For how many seconds to ask after a 423; None where it gives no reason to ask again (section 10.2.8)."""
        try:
            wanted = parse_number(response.first("Min-Expires") or "", MAX_SECONDS, "Min-Expires")
        except Malformed:
            return None
        if response.status != 423 or not self._wanted < wanted <= MAX_WANTED:
            return None
        self._wanted = wanted
        return wanted

    def accepted(self, granted: int, now: float) -> None:
        """It holds for so many seconds."""
        self._move(Step.ACCEPTED)
        self.failures, self.last_status = 0, 200
        self.expires_at = now + granted
        self.wakes_at = now + max(granted / 2, granted - AHEAD)

    def refused(self, status: int, now: float, chance: float, retry_after: int | None = None) -> None:
        """It failed on all ways; `retry_after` is when the last of them wants to hear from us again."""
        self._move(Step.REFUSED)
        self.last_status = status
        wait = min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(self.failures, 10))
        self.failures += 1
        self.wakes_at = now + max(wait * (0.5 + chance / 2), min(retry_after or 0, LONGEST_WAIT))

    def lost(self, now: float, chance: float) -> None:
        """The connection that it was made over is gone, and calls cannot reach us: asks soon."""
        if self.state is State.REGISTERED:
            self.wakes_at = min(self.wakes_at, now + 1.0 + chance)

    def stops(self) -> bool:
        """It is not wanted any more; whether a REGISTER must take it back."""
        self._move(Step.STOPPED)
        return self.state is State.UNREGISTERING


def granted_to(user: str, response: Response, wanted: int) -> int:
    """For how many seconds a 200 to our REGISTER holds: what it says of the contact with our `user`. Malformed where
    that cannot be read."""
    mine = [it for it in response.contacts if user_of(it.uri) == user]
    said = next((found for it in mine if (found := it.param("expires"))), None) or response.first("Expires")
    seconds = wanted if said is None else parse_number(said, MAX_SECONDS, "expires")
    return min(seconds, MAX_WANTED)


def retry_after(response: Response) -> int | None:
    """Seconds, where the header is there and says any (RFC 3261 section 20.33)."""
    digits = (response.first("Retry-After") or "").split("(")[0].split(";")[0].strip()
    try:
        return parse_number(digits, MAX_SECONDS, "Retry-After")
    except Malformed:
        return None
