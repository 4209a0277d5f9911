"""`make soak`, the long ring: calls, floods, crashes, strangers, API, fuzzing. Seeded; exit code 1: a promise broke.

OFFHOOK_SOAK_SCALE sets the size (1 is full, CI runs 0.05), OFFHOOK_SOAK_SEED the chance.
"""

import asyncio
import os
import random
import sys
import time
from collections.abc import Awaitable, Callable

from rich.console import Console
from rich.table import Table

from benches.endurance.calls import calls
from benches.endurance.crash import crash
from benches.endurance.description import description
from benches.endurance.floods import floods
from benches.endurance.fuzzing import fuzzing
from benches.endurance.power import power
from benches.endurance.promise import Promise, Run
from benches.endurance.sip_calls import sip_calls
from benches.endurance.sip_flood import sip_flood
from benches.endurance.strangers import strangers
from benches.signalling import raise_file_limit

PARTS: tuple[Callable[[Run], Awaitable[list[Promise]]], ...] = (
    calls, sip_calls, floods, sip_flood, crash, power, strangers, description, fuzzing,
)  # fmt: skip
PART_SECONDS = 3_600


async def soak(scale: float, seed: int, console: Console) -> list[Promise]:
    """Every part, one after the other; a part that fails is a promise that broke."""
    promises: list[Promise] = []
    for part in PARTS:
        begin = time.monotonic()
        try:
            async with asyncio.timeout(PART_SECONDS):
                promises += await part(Run(scale, random.Random(f"{seed} {part.__name__}")))
        except Exception:
            console.print_exception()
            promises.append(Promise(f"the part {part.__name__} runs to its end", False, "see above"))
        console.print(f"[dim]{part.__name__}: {part.__doc__} {time.monotonic() - begin:.0f} s[/]")
    return promises


def show(promises: list[Promise], console: Console) -> None:
    table = Table("promise", "", "found")
    for promise in promises:
        table.add_row(promise.text, "[green]kept[/]" if promise.kept else "[red]BROKEN[/]", promise.found)
    console.print(table)


def main() -> int:
    scale = float(os.environ.get("OFFHOOK_SOAK_SCALE", "1"))
    seed = int(os.environ.get("OFFHOOK_SOAK_SEED") or random.SystemRandom().randrange(1 << 32))
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 150)
    console.print(f"OFFHOOK_SOAK_SEED={seed} OFFHOOK_SOAK_SCALE={scale:g}")
    raise_file_limit()
    promises = asyncio.run(soak(scale, seed, console))
    show(promises, console)
    return 0 if all(promise.kept for promise in promises) else 1


if __name__ == "__main__":
    sys.exit(main())
