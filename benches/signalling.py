"""What log-ins, calls, clients and legs cost the platform's process. The load comes from this one."""

import asyncio
import resource
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from benches.crowd import Audio, CannedAudio, Crowd, FarEnd, RealAudio, crowd
from benches.platform import Identity, Platform, running, start

AT_ONCE = 16
PAIRS = 16


class Rate(NamedTuple):
    """`done` pieces of work took `cpu` CPU seconds of the platform's process and `seconds` on the clock."""

    done: int
    cpu: float
    seconds: float

    @property
    def per_cpu_second(self) -> float:
        return self.done / max(0.01, self.cpu)


class Start(NamedTuple):
    """From the start of the process to `Ready.`: medians of some runs."""

    wall: float
    cpu: float


async def logins(count: int) -> Rate:
    """Sockets that connect, upgrade, log in by password, ask for the gateway's state as the browser SDK does, and
    close. All of that counts."""
    async with running() as platform, crowd(platform.ws_url) as gathered:
        audio = CannedAudio(gathered.core)

        async def come_and_go(share: int) -> None:
            for _ in range(share):
                await (await gathered.enter(platform.identities[0], audio)).close()

        await come_and_go(20)
        return await _rate(platform, [come_and_go(count // AT_ONCE) for _ in range(AT_ONCE)], count)


async def calls(count: int, connected: bool) -> Rate:
    """Calls from invite to the confirmed bye, two legs each: dialling, two ports, both SDPs, shadow rows, ladders and
    two detail records. Where `connected`, also ICE and DTLS of both legs, and the first packets."""
    async with running() as platform, crowd(platform.ws_url) as gathered:
        audio = RealAudio(gathered.core) if connected else CannedAudio(gathered.core)
        pairs = await _pairs(platform, gathered, audio)

        async def talk(caller: FarEnd, callee: Identity, share: int) -> None:
            for _ in range(share):
                await caller.hang_up(await caller.call(f"{callee.login}@{platform.domain}"))

        for caller, callee in pairs:
            await talk(caller, callee, 2)
        return await _rate(platform, [talk(*pair, count // PAIRS) for pair in pairs], count // PAIRS * PAIRS)


async def _pairs(platform: Platform, gathered: Crowd, audio: Audio) -> list[tuple[FarEnd, Identity]]:
    """Callers, each with the one whom it calls."""
    who = await platform.credentials(2 * PAIRS)
    callers = [await gathered.join(each, audio) for each in who[:PAIRS]]
    for each in who[PAIRS:]:
        await gathered.join(each, audio)
    return list(zip(callers, who[PAIRS:], strict=True))


async def _rate(platform: Platform, work: list[Coroutine[Any, Any, None]], done: int) -> Rate:
    loop = asyncio.get_running_loop()
    began, before = loop.time(), platform.cpu()
    await asyncio.gather(*work)
    return Rate(done, platform.cpu() - before, loop.time() - began)


async def memory_of_a_client(count: int) -> float:
    """Bytes that one more client costs which is logged in and idle."""
    async with running() as platform, crowd(platform.ws_url) as gathered:
        audio = CannedAudio(gathered.core)
        for _ in range(20):
            await gathered.join(platform.identities[0], audio)
        before = platform.resident()
        for _ in range(count):
            await gathered.join(platform.identities[0], audio)
        return (platform.resident() - before) / count


async def memory_of_a_leg(count: int, settle_seconds: float) -> float:
    """Bytes that one more leg costs, connected and with audio flowing both ways."""
    async with running() as platform, crowd(platform.ws_url) as gathered:
        caller, callee = await platform.credentials(2)
        audio = RealAudio(gathered.core)
        # One client may have 64 calls at once.
        callers = [await gathered.join(caller, audio) for _ in range(1 + count // 100)]
        await gathered.join(callee, audio)
        destination = f"{callee.login}@{platform.domain}"
        for _ in range(5):
            await callers[0].call(destination)
        await asyncio.sleep(settle_seconds)
        before = platform.resident()
        for number in range(count // 2):
            await callers[number % len(callers)].call(destination)
        await asyncio.sleep(settle_seconds)
        return (platform.resident() - before) / count


async def start_to_ready(runs: int) -> Start:
    """From the start of the process to `Ready.`, with an in-memory database. The first start ever, which compiles
    what it imports, is not among them."""
    walls: list[float] = []
    cpus: list[float] = []
    with tempfile.TemporaryDirectory(prefix="offhook-bench-") as folder:
        await (await start(Path(folder))).stop()
        for _ in range(runs):
            platform = await start(Path(folder))
            cpus.append(platform.cpu())
            walls.append(platform.ready_in)
            await platform.stop()
    return Start(median(walls), median(cpus))


def raise_file_limit() -> None:
    """Hundreds of sockets need descriptors, here and in the platform, which inherits the limit."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
