"""An event loop whose time is turned: it jumps to the next timer when nothing else can happen. No threads.

Nobody waits in a test that runs on it. A ten-minute call takes as long as its packets take to compute.
"""

import asyncio
import selectors
import time
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Protocol, TypeVar

from offhook.engine.idle import Idle

_T = TypeVar("_T")

STEP_SECONDS = 0.02
# Work outside the loop wakes it when it is done; this is how long to wait before looking again all the same.
_LOOK_AGAIN_SECONDS = 0.05


class Stuck(RuntimeError):
    """Nothing is left that could ever happen: every task waits, no timer is set, nobody is at work."""


class Driven(Protocol):
    """A media core in driven mode."""

    @property
    def ports(self) -> int:
        """How many ports are open: while there are any, time is made of 20 ms steps."""
        ...

    def advance(self, ns: int) -> None:
        """Move its time on; its events reach the loop by `call_soon`, or are called right here."""
        ...


class TurnedLoop(asyncio.SelectorEventLoop):
    """A loop with a time of its own, in seconds from 0.

    It waits for its executors' jobs. Work that is done elsewhere must be reported to `idle`, else the clock moves
    past it. Set `media` to drive a media core along with it.
    """

    def __init__(self, idle: Idle | None = None) -> None:
        self._turned = 0.0
        self.idle = idle or Idle()
        self.media: Driven | None = None
        super().__init__(_TurningSelector(self.turn, lambda: self.idle.quiet))

    def time(self) -> float:
        return self._turned

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> "asyncio.Future[Any]":
        """As always; the clock waits for the job."""
        self.idle.report(+1)
        future = super().run_in_executor(executor, func, *args)
        future.add_done_callback(lambda _: self.idle.report(-1))
        return future

    async def shutdown_default_executor(self, *timeout: Any) -> None:
        """As always (it has a timeout from Python 3.12 on); the clock waits for the threads."""
        with self.idle.working():
            await super().shutdown_default_executor(*timeout)

    def turn(self, limit: float | None) -> None:
        """Move time on by `limit` seconds at most; Stuck where nothing could come of it."""
        if self.media is not None and self.media.ports:
            step = STEP_SECONDS if limit is None else min(limit, STEP_SECONDS)
            self._turned += step
            self.media.advance(round(step * 1e9))
        elif limit is None:
            raise Stuck("every task waits for something that cannot happen any more")
        else:
            self._turned += limit


class _TurningSelector(selectors.BaseSelector):
    """Looks at the files as any selector does, but turns the clock instead of waiting."""

    def __init__(self, turn: Callable[[float | None], None], quiet: Callable[[], bool]) -> None:
        self._files = selectors.DefaultSelector()
        self._turn = turn
        self._quiet = quiet

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = self._files.select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        if not self._quiet():
            return self._files.select(_LOOK_AGAIN_SECONDS)
        # The last work may have ended between the two looks: its result is then already in the files.
        ready = self._files.select(0)
        if not ready:
            self._turn(timeout)
        return ready

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._files.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._files.unregister(fileobj)

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._files.modify(fileobj, events, data)

    def close(self) -> None:
        self._files.close()

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._files.get_map()


class LoopClock:
    """The running loop's time as the engine's clock, with wall time moving along from where it stood: `wall`, Unix
    seconds, or now."""

    def __init__(self, wall: float | None = None) -> None:
        start = asyncio.get_running_loop().time()
        self._offset = (time.time() if wall is None else wall) - start

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    def wall(self) -> float:
        return self.monotonic() + self._offset


def run(main: Coroutine[Any, Any, _T], idle: Idle | None = None) -> _T:
    """Like `asyncio.run`, in turned time."""
    with asyncio.Runner(loop_factory=lambda: TurnedLoop(idle)) as runner:
        return runner.run(main)
