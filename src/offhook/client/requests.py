"""Requests that wait for their answer: each is settled once, by its answer, its timeout or the end of its owner."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from dataclasses import dataclass

from offhook.errors import OffhookError, RequestTimedOut
from offhook.wire.rtc_values import Acknowledged, Result

Outcome = Result | Acknowledged | OffhookError
Settled = Callable[[Outcome], None]


@dataclass(frozen=True, slots=True)
class _Pending:
    owner: str | None
    settled: Settled | None
    waiter: asyncio.Future[Outcome]
    timer: asyncio.TimerHandle


class Requests:
    """What is under way. `settled` runs at once and even if nobody waits any more, so a state that follows from an
    answer never depends on whether the task that asked is still there."""

    def __init__(self) -> None:
        self._pending: dict[int, _Pending] = {}
        self._spares = itertools.count(-1, -1)

    def spare(self) -> int:
        """A ticket for what was never sent; real ones are positive."""
        return next(self._spares)

    def expect(
        self, ticket: int, method: str, seconds: float, owner: str | None = None, settled: Settled | None = None
    ) -> asyncio.Future[Outcome]:
        """Wait for the answer to `ticket`. The future's result is an outcome; it never holds an exception."""
        loop = asyncio.get_running_loop()
        timer = loop.call_later(seconds, self.settle, ticket, RequestTimedOut(method, seconds))
        pending = self._pending[ticket] = _Pending(owner, settled, loop.create_future(), timer)
        return pending.waiter

    def settle(self, ticket: int, outcome: Outcome) -> bool:
        """Hand out the outcome; False where nobody expects one (an answer too late, or to nothing)."""
        pending = self._pending.pop(ticket, None)
        if pending is None:
            return False
        pending.timer.cancel()
        if pending.settled is not None:
            pending.settled(outcome)
        if not pending.waiter.done():
            pending.waiter.set_result(outcome)
        return True

    def fail(self, error: OffhookError, owner: str | None = None) -> None:
        """Settle everything of `owner` (of everybody without one) with `error`."""
        for ticket, pending in tuple(self._pending.items()):
            if owner is None or pending.owner == owner:
                self.settle(ticket, error)


async def result(waiter: asyncio.Future[Outcome]) -> Result | Acknowledged:
    """The answer, or the error it came to, raised."""
    outcome = await waiter
    if isinstance(outcome, OffhookError):
        raise outcome
    return outcome
