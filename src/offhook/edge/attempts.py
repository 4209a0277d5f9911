"""Counts failed logins, so that nobody guesses passwords by the thousand. Knows keys and times, not who logs in."""

from collections import OrderedDict, deque


class Attempts:
    """At most `limit` failures of one key within `window` seconds; then the key is blocked until they are old.

    A key is a pair of user and source: neither can one source try many passwords of a user, nor can it lock the
    user out for everybody else. Beyond `max_keys` the key that has been quiet longest is forgotten.
    """

    def __init__(self, limit: int = 10, window: float = 60.0, max_keys: int = 10_000) -> None:
        self._limit = limit
        self._window = window
        self._max_keys = max_keys
        self._failures: OrderedDict[tuple[str, str], deque[float]] = OrderedDict()

    def blocked(self, key: tuple[str, str], now: float) -> bool:
        times = self._failures.get(key)
        if times is None:
            return False
        while times and times[0] <= now - self._window:
            times.popleft()
        return len(times) >= self._limit

    def failed(self, key: tuple[str, str], now: float) -> None:
        self._failures.setdefault(key, deque(maxlen=self._limit)).append(now)
        self._failures.move_to_end(key)
        while len(self._failures) > self._max_keys:
            self._failures.popitem(last=False)
