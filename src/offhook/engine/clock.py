"""Real time and real chance for the engine; a turned clock and seeded chance are in `offhook.testing`."""

import asyncio
import secrets
import time
import uuid


class SystemClock:
    """The machine's clocks."""

    def monotonic(self) -> float:
        return time.monotonic()

    def wall(self) -> float:
        return time.time()


class LoopClock:
    """The running loop's time, with wall time moving along from where it stood: right for any loop, and under a
    turned loop the only right one."""

    def __init__(self, wall: float | None = None) -> None:
        start = asyncio.get_running_loop().time()
        self._offset = (time.time() if wall is None else wall) - start

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    def wall(self) -> float:
        return self.monotonic() + self._offset


class SystemChance:
    """The operating system's randomness."""

    def uuid(self) -> str:
        return str(uuid.uuid4())

    def token(self, length: int) -> str:
        return secrets.token_urlsafe(length)[:length]

    def number(self, digits: int) -> str:
        low = 10 ** (digits - 1)
        return str(low + secrets.randbelow(9 * low))
