"""Real time and real chance for the engine; a turned clock and seeded chance are in `offhook.testing`."""

import os
import secrets
import time


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
        # As `str(uuid.uuid4())`, at a third of its price: an event has one, and a call has eight events.
        octets = bytearray(os.urandom(16))
        octets[6] = octets[6] & 0x0F | 0x40
        octets[8] = octets[8] & 0x3F | 0x80
        text = octets.hex()
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"

    def token(self, length: int) -> str:
        return secrets.token_urlsafe(length)[:length]

    def number(self, digits: int) -> str:
        low = 10 ** (digits - 1)
        return str(low + secrets.randbelow(9 * low))
