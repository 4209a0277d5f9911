"""Real time and real chance for the engine; a turned clock and seeded chance are in `offhook.testing`."""

import secrets
import time
import uuid


class SystemClock:
    """The machine's clocks. Wall time is read anew each time: after a laptop's sleep it has gone on, which monotonic
    time has not, and webhooks and tokens are judged by it."""

    def monotonic(self) -> float:
        return time.monotonic()

    def wall(self) -> float:
        return time.time()


class SystemChance:
    """The operating system's randomness."""

    def uuid(self) -> str:
        return str(uuid.uuid4())

    def token(self, length: int) -> str:
        return secrets.token_urlsafe(length)[:length]

    def number(self, digits: int) -> str:
        low = 10 ** (digits - 1)
        return str(low + secrets.randbelow(9 * low))
