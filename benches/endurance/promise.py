"""What a part of the soak found: promises that held or broke, each with the numbers behind it."""

import random
from typing import NamedTuple


class Promise(NamedTuple):
    """`kept` is the verdict on `text`; `found` are the numbers."""

    text: str
    kept: bool
    found: str


class Run(NamedTuple):
    """How big a part is to be (1 is full size), and where its chance comes from."""

    scale: float
    chance: random.Random

    def many(self, count: int, least: int = 1) -> int:
        """So many at full size, at this one."""
        return max(least, round(count * self.scale))
