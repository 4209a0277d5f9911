"""Thousands of calls over SIP, between people who hold, press keys, transfer, give up, hang up."""

import asyncio
import contextlib
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp

from benches import processes, scenarios, sip, sipp
from benches.endurance.promise import Promise, Run
from benches.platform import Identity, Platform, running
from benches.scenarios import answered, dialled, hangs_up_on_caller, hung_up, is_hung_up, rung, scenario
from benches.sipp import Server, Transport

CALLS = 20_000
AT_ONCE = 4
SETTLE_SECONDS = 60.0
SPARE_FILES = 4
PROOF = "asked for proof"


class Kind(NamedTuple):
    """Calls of one kind: what the caller does, what the callee does, how many of a hundred, how many legs each has.
    `caller` is told whom a call may be passed on to, `callee` where audio may go."""

    name: str
    caller: Callable[[str], str]
    callee: Callable[[int], str]
    share: int
    legs: int = 2
    transport: Transport = "u1"


def _talks(*between: str) -> Callable[[str], str]:
    return lambda _: scenario(*dialled(PROOF), *between, *hung_up())


def _passes_on(to: str) -> str:
    return scenario(*dialled(PROOF), *scenarios.referred(3, to))


def _is_left(_: str) -> str:
    return scenario(*dialled(PROOF), *is_hung_up())


def _hangs_up(media_port: int) -> str:
    return scenario(*rung(), *answered(media_port), *hangs_up_on_caller())


def _gives_up(_: str) -> str:
    return scenario(*scenarios.given_up())


def _is_given_up(_: int) -> str:
    return scenario(*rung(), *scenarios.is_given_up())


KINDS = (
    Kind("talk", _talks(), scenarios.is_called, 40),
    Kind("talk over TCP", _talks(), scenarios.is_called, 20, transport="t1"),
    Kind("hold", _talks(*scenarios.held(3)), scenarios.is_called, 8),
    Kind("hold over TCP", _talks(*scenarios.held(3)), scenarios.is_called, 4, transport="t1"),
    Kind("press keys", _talks(*scenarios.pressed(3)), scenarios.is_called, 8),
    Kind(
        "give up", lambda _: scenario(*scenarios.given_up()), lambda _: scenario(*rung(), *scenarios.is_given_up()), 8
    ),
    Kind("are hung up on", _is_left, _hangs_up, 7),
    Kind("transfer", _passes_on, scenarios.is_called, 5, legs=3),
)


class Phone(NamedTuple):
    """Who it is, and where it is called."""

    who: Identity
    port: int


class _Part(NamedTuple):
    """So many calls of a kind, and between whom; the third is whom calls are passed on to."""

    kind: Kind
    count: int
    caller: Phone
    callee: Phone
    third: Phone


async def sip_calls(run: Run) -> list[Promise]:
    """None of thousands of SIP calls fails, and nothing is left of any but one record for each of its legs."""
    with tempfile.TemporaryDirectory(prefix="offhook-soak-") as folder:
        # In a file, so that what is stored of calls is not taken for what is left of them.
        return await _sip_calls(run, Path(folder) / "offhook.sqlite")


async def _sip_calls(run: Run, database: Path) -> list[Promise]:
    options = ("--log-level", "warning", "--db", str(database))
    async with running(*options) as platform, sip.echoing() as (_, media_port):
        # Each play has phones of its own: what is said again of the first would be news to the second.
        first = await _parts(platform, [AT_ONCE for _ in KINDS])
        parts = await _parts(platform, [run.many(CALLS * kind.share // 100, least=AT_ONCE) for kind in KINDS])
        failed = await _play(platform, first, media_port)
        files, memory = platform.files(), platform.resident()
        failed += await _play(platform, parts, media_port)
        held = await _settled(platform)
        grown, more = platform.files() - files, platform.resident() - memory
        records = await platform.detail_records("sip-trunking")
        made = sum(part.count for part in parts)
        legs = sum(part.count * part.kind.legs for part in (*first, *parts))
        return [
            Promise("no SIP call fails", not failed, f"{made} calls; {'; '.join(failed) or 'none failed'}"),
            Promise(
                "nothing of a SIP call is left",
                not any(number for name, number in held.items() if name != "sip_contacts"),
                ", ".join(f"{number} {name}" for name, number in held.items()),
            ),
            _one_record_each(records, legs),
            Promise(
                "files and ports do not grow with SIP calls", grown <= SPARE_FILES,
                f"{grown:+d} files, {more / 1024 / made:+.1f} KiB a call",
            ),
        ]  # fmt: skip


async def _parts(platform: Platform, counts: list[int]) -> list[_Part]:
    """So many calls of each kind, between phones of their own."""
    names = iter(await platform.credentials(3 * len(KINDS)))
    parts: list[_Part] = []
    for kind, count in zip(KINDS, counts, strict=True):
        phones = [Phone(next(names), processes.free_port()) for _ in range(3)]
        await _register(platform, phones[1 : kind.legs])
        parts.append(_Part(kind, count, *phones))
    return parts


async def _register(platform: Platform, phones: list[Phone]) -> None:
    with sipp.opened(_server(platform)) as far_ends:
        for phone in phones:
            await far_ends.run(scenarios.registers(), [phone.who], 1, 1, port=phone.port)


async def _play(platform: Platform, parts: list[_Part], media_port: int) -> list[str]:
    """All kinds at once; what failed."""
    played = await asyncio.gather(*(_play_kind(platform, part, media_port) for part in parts))
    return [why for why in played if why]


async def _play_kind(platform: Platform, part: _Part, media_port: int) -> str:
    kind, count = part.kind, part.count
    async with contextlib.AsyncExitStack() as stack:
        caller = stack.enter_context(sipp.opened(_server(platform, kind.transport)))
        called = stack.enter_context(sipp.opened(_server(platform)))
        try:
            async with contextlib.AsyncExitStack() as serving:
                answers = [(part.callee, kind.callee(media_port)), (part.third, _hangs_up(media_port))]
                for phone, does in answers[: kind.legs - 1]:
                    await serving.enter_async_context(called.serving(does, phone.port, count))
                asks = kind.caller(part.third.who.login)
                await caller.run(asks, [part.caller.who], count, AT_ONCE, part.callee.who.login)
        except sipp.SippFailed as failed:
            return f"{kind.name}: {failed}"
    return ""


def _one_record_each(records: list[dict[str, Any]], legs: int) -> Promise:
    written = Counter(record["telnyx_leg_id"] for record in records)
    kept = len(written) == legs and len(records) == legs
    return Promise(
        "exactly one record for every leg of a SIP call",
        kept,
        f"{legs} legs, {len(written)} have {len(records)} records",
    )


def _server(platform: Platform, transport: Transport = "u1") -> Server:
    return Server(platform.sip_address, platform.domain, transport)


async def _settled(platform: Platform) -> dict[str, int]:
    """What is still held when every transaction has had time to end."""
    until = asyncio.get_running_loop().time() + SETTLE_SECONDS
    async with aiohttp.ClientSession() as http:
        while True:
            async with http.get(f"{platform.root}/_offhook/held") as response:
                held: dict[str, int] = await response.json()
            left = sum(number for name, number in held.items() if name != "sip_contacts")
            if not left or asyncio.get_running_loop().time() > until:
                return held
            await asyncio.sleep(1)
