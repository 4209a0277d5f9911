"""The platform is killed in the middle of calls and started again on the same database file."""

import asyncio
import contextlib
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from benches.crowd import CannedAudio, crowd
from benches.endurance.promise import Promise, Run
from benches.platform import Platform, start

CALLS = 20
# A leg says every 5 s that it lives (`engine.switchboard.HEARTBEAT_SECONDS`); a second for rounding and the way.
HEARTBEAT_SECONDS = 5.0
SLACK_SECONDS = 1.5


async def crash(run: Run) -> list[Promise]:
    """Every leg gets one end and one record, billed to the last time it was seen."""
    legs, written, wrong, left = 0, 0, 0, 0
    for _ in range(run.many(10)):
        with tempfile.TemporaryDirectory(prefix="offhook-soak-") as folder:
            database = ("--db", str(Path(folder) / "soak.db"), "--log-level", "error")
            lived = await _live_and_die(Path(folder), database, HEARTBEAT_SECONDS + 3 * run.chance.random())
            platform = await start(Path(folder), *database)
            try:
                left += len(await platform.live_legs())
                records = await platform.detail_records()
            finally:
                await platform.stop()
            legs += 2 * CALLS
            written += len(records)
            wrong += _wrongly_billed(records, lived) + _doubled(records)
    return [
        Promise("every leg of a killed server has one record", written == legs, f"{legs} legs, {written} records"),
        Promise("it is billed to the last heartbeat", wrong == 0, f"{wrong} wrong"),
        Promise("no leg is alive after the restart", left == 0, f"{left} alive"),
    ]


async def _live_and_die(folder: Path, database: tuple[str, ...], seconds: float) -> float:
    """Calls that were up for so many seconds, at the least, when the power went."""
    platform = await start(folder, *database)
    try:
        async with contextlib.AsyncExitStack() as stack:
            gathered = await stack.enter_async_context(crowd(platform.ws_url))
            await _call(platform, gathered)
            began = time.monotonic()
            await asyncio.sleep(seconds)
            await platform.kill()
            return time.monotonic() - began
    finally:
        if platform.process.returncode is None:
            await platform.kill()


async def _call(platform: Platform, gathered: Any) -> None:
    audio = CannedAudio(gathered.core)
    caller, callee = await platform.credentials(2)
    far_end = await gathered.join(caller, audio)
    await gathered.join(callee, audio)
    for _ in range(CALLS):
        await far_end.call(f"{callee.login}@{platform.domain}")


def _wrongly_billed(records: list[dict[str, Any]], lived: float) -> int:
    """Calls were set up one after the other, in well under the slack."""
    least, most = lived - HEARTBEAT_SECONDS - SLACK_SECONDS, lived + SLACK_SECONDS
    return sum(not least <= record["call_sec"] <= most for record in records)


def _doubled(records: list[dict[str, Any]]) -> int:
    return sum(times - 1 for times in Counter(record["telnyx_leg_id"] for record in records).values())
