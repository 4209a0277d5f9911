"""Counts the work that goes on outside the event loop, so that a turned clock moves only when nothing else can."""

import threading
from collections.abc import Generator
from contextlib import contextmanager


class Idle:
    """How many executor jobs and threads are at work. Safe to call from any thread.

    Report the end of a piece of work only when its result has reached the loop; otherwise the clock may move
    past it.
    """

    __slots__ = ("_at_work", "_lock")

    def __init__(self) -> None:
        self._at_work = 0
        self._lock = threading.Lock()

    def report(self, change: int) -> None:
        """+1 when work was handed out, -1 when its result is with the loop."""
        with self._lock:
            self._at_work += change

    @contextmanager
    def working(self) -> Generator[None]:
        """The block is work that the clock must wait for."""
        self.report(+1)
        try:
            yield
        finally:
            self.report(-1)

    @property
    def quiet(self) -> bool:
        """Nothing is at work outside the loop."""
        return self._at_work == 0
