"""Category: faults. The server is killed ten times at random moments under calls, commands and webhooks.

`make soak` does it two hundred times, at other moments.
"""

import random
from pathlib import Path

from benches.endurance.power import cuts

CUTS = 10


async def test_nothing_acknowledged_is_lost_and_nothing_happens_twice(tmp_path: Path) -> None:
    power, receiver = await cuts(CUTS, random.Random("power"), tmp_path)
    assert power.broken == []
    assert power.acknowledged > CUTS
    assert len(receiver.told) > power.acknowledged / 2
