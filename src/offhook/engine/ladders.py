"""Keeps the ladders of recent sessions in memory, logs them masked, and hands new lines to who follows them."""

from collections import OrderedDict
from collections.abc import Callable, Sequence

import structlog

from offhook.voice.ladder import Line

Follower = Callable[[str, Sequence[Line]], None]

_log = structlog.get_logger("offhook.calls")


class RecentLadders:
    """The last `sessions` ladders, each with at most `length` lines: a bounded memory, oldest forgotten first."""

    def __init__(self, sessions: int = 1000, length: int = 500) -> None:
        self._sessions = sessions
        self._length = length
        self._ladders: OrderedDict[str, list[Line]] = OrderedDict()
        self._followers: list[Follower] = []

    def wrote(self, session: str, lines: Sequence[Line]) -> None:
        ladder = self._ladders.setdefault(session, [])
        ladder.extend(lines[: max(0, self._length - len(ladder))])
        while len(self._ladders) > self._sessions:
            self._ladders.popitem(last=False)
        for line in lines:
            _log.info(line.masked(), session=session)
        for follower in self._followers:
            follower(session, lines)

    def ladder(self, session: str) -> Sequence[Line] | None:
        """The lines of one session so far; None for one that is not known (any more)."""
        return self._ladders.get(session)

    def sessions(self) -> Sequence[str]:
        """The known sessions, the oldest first."""
        return tuple(self._ladders)

    def clear(self) -> None:
        """Forget all of them."""
        self._ladders.clear()

    def follow(self, follower: Follower) -> Callable[[], None]:
        """Call `follower` with every new line; returns what stops it. It must not raise."""
        self._followers.append(follower)
        return lambda: self._followers.remove(follower)
