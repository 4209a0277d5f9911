"""How long to wait before the next try. Chance comes in, no clock."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backoff:
    """`first` seconds, doubled with every try up to `cap`, each give or take the share `spread`; `tries` in a row
    (None: for ever, 0: not at all)."""

    first: float = 1.0
    cap: float = 30.0
    spread: float = 0.25
    tries: int | None = 10

    def delay(self, attempt: int, chance: float) -> float | None:
        """Seconds before try number `attempt` (from 1), None to give up. `chance` is a number in [0, 1)."""
        if self.tries is not None and attempt > self.tries:
            return None
        return min(self.cap, self.first * 2 ** min(attempt - 1, 63)) * (1 + self.spread * (2 * chance - 1))
