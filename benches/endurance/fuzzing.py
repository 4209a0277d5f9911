"""The fuzzers of the test suite, for longer."""

import asyncio
import os
import sys

from benches.endurance.promise import Promise, Run
from benches.figures import ROOT


async def fuzzing(run: Run) -> list[Promise]:
    """Whatever bytes come in, no exception leaves a parser."""
    iterations = run.many(400_000, least=1_000)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "pytest", "-q", "tests/faults", "-k", "fuzz", "-p", "no:cacheprovider", cwd=ROOT,
        env={**os.environ, "OFFHOOK_FUZZ_ITERS": str(iterations)}, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    printed, _ = await process.communicate()
    lines = printed.decode().rstrip().splitlines() or [""]
    if process.returncode != 0:
        print(printed.decode())
    return [Promise("no bytes break a parser", process.returncode == 0, f"{iterations} mutations: {lines[-1]}")]
