"""`make bench`: measure everything, print one table, with `--json FILE` write it as well.

Figures are CPU per unit of work, and ratios to a peer or to the physical limit in the same run. OFFHOOK_BENCH_SMOKE=1
does every measurement in its smallest size: it shows that the benches work, and its figures mean nothing.
"""

import argparse
import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median
from typing import TypeVar, get_args

import msgspec
import structlog
from rich.console import Console

from benches import backend, conferences, driven, forwarding, loop, signalling, sip, speech
from benches.conferences import Rooms
from benches.figures import ROOT, Figure, missing, show, write
from benches.forwarding import Bridges
from benches.plain_rtp import SealedTalker
from benches.processes import NoPeer
from benches.relays import Load, Relayed, measure, p50_p99, without_a_bridge
from benches.sip import Done

OURS = "benches.peers.offhook_relay"
PEER = "benches.peers.aiortc_relay"
KIB = 1024
T = TypeVar("T")


class Sizes(msgspec.Struct, frozen=True):
    """How much of everything."""

    legs: int = 100
    rtp_legs: int = 200
    seconds: float = 20.0
    peer_bridges: int = 5
    transcoded: int = 5
    logins: int = 4_800
    calls: int = 1_600
    registers: int = 6_000
    sip_calls: int = 2_000
    clients: int = 500
    starts: int = 5
    minutes: float = 10.0
    prompts: int = 30
    loops: int = 6
    commands: int = 8_000
    webhooks: int = 8_000
    conferences: int = 10
    peer_conferences: int = 2


FULL = Sizes()
SMOKE = Sizes(
    legs=10,
    rtp_legs=10,
    seconds=1.5,
    peer_bridges=1,
    transcoded=1,
    logins=64,
    calls=32,
    registers=200,
    sip_calls=40,
    clients=40,
    starts=1,
    minutes=0.2,
    prompts=2,
    loops=1,
    commands=160,
    webhooks=160,
    conferences=1,
    peer_conferences=1,
)  # fmt: skip


async def forwarding_opus(sizes: Sizes, limit: dict[str, float]) -> list[Figure]:
    """A forwarded Opus packet."""
    ours = await measure(OURS, load=Load(sizes.legs // 2, sizes.seconds))
    peer = await measure(PEER, "forward", load=Load(sizes.peer_bridges, sizes.seconds))
    floor = limit["limit_gcm_us"]
    return [
        Figure("forwarded Opus packet", ours.microseconds, "µs CPU", f"{sizes.legs} legs that talk"),
        Figure("… of an aiortc relay's", _ratio(ours, peer), "×", _peer(peer, sizes.peer_bridges), 1 / 50),
        Figure(
            "… share that is the limit", 100 * floor / ours.microseconds, "%",
            f"limit {floor:.1f} µs: UDP receive and send, SRTP unprotect and protect", 15, "higher",
        ),
    ]  # fmt: skip


async def transcoding(sizes: Sizes, limit: dict[str, float]) -> list[Figure]:
    """A packet decoded from Opus and encoded to PCMU, or the other way."""
    codecs = limit["opus_encode_us"] + limit["opus_decode_us"] + limit["g711_encode_us"] + limit["g711_decode_us"]
    load = Load(sizes.transcoded, sizes.seconds, ("opus", "pcmu"))
    ours = await measure(OURS, load=load)
    peer = await measure(PEER, "transcode", load=load)
    return [
        Figure("transcoded packet, Opus ⇄ PCMU", ours.microseconds, "µs CPU", f"codecs alone {codecs / 2:.0f} µs"),
        Figure("… of an aiortc relay's", _ratio(ours, peer), "×", _peer(peer, sizes.transcoded), 1 / 8),
    ]  # fmt: skip


async def conferring(sizes: Sizes, _: dict[str, float]) -> list[Figure]:
    """A participant of a conference of three who talks, as the others do."""
    many, few = (Rooms(count, sizes.seconds) for count in (sizes.conferences, sizes.peer_conferences))
    g711 = await conferences.of_peer(conferences.OURS, many, "pcmu")
    opus = await conferences.of_peer(conferences.OURS, many, "opus")
    aiortc = await conferences.of_peer(conferences.AIORTC, few, "opus")
    participants = f"{conferences.PARTIES * many.conferences} participants"
    return [
        Figure("conference participant, G.711", g711, "ms CPU a s", participants),
        await _of_janus(g711, many),
        Figure("conference participant, Opus", opus, "ms CPU a s", participants),
        Figure(
            "… of an aiortc mixer's", opus / aiortc, "×",
            f"aiortc {aiortc:.1f} ms, {conferences.PARTIES * few.conferences} participants",
        ),
    ]  # fmt: skip


async def _of_janus(ours: float, rooms: Rooms) -> Figure:
    name = "… of Janus's AudioBridge"
    theirs = await _or_why(conferences.of_janus(rooms))
    if isinstance(theirs, str):
        return missing(name, "×", theirs, 0.5)
    return Figure(name, ours / theirs, "×", f"Janus {theirs:.2f} ms, as many, plain RTP", 0.5)


async def forwarding_rtp(sizes: Sizes, _: dict[str, float]) -> list[Figure]:
    """A forwarded G.711 packet of far ends without WebRTC, as SIP's are."""
    plain = Bridges(sizes.rtp_legs // 2, sizes.seconds)
    sealed = Bridges(sizes.rtp_legs // 2, sizes.seconds, SealedTalker)
    return [
        *await _beside_rtpengine("forwarded G.711 packet, RTP ⇄ RTP", plain),
        *await _beside_rtpengine("forwarded G.711 packet, SRTP ⇄ RTP", sealed),
    ]


async def _beside_rtpengine(name: str, bridges: Bridges) -> list[Figure]:
    ours = await _or_why(forwarding.by_us(bridges))
    theirs = await _or_why(forwarding.by_rtpengine(bridges))
    ratio = "… of rtpengine's"
    if isinstance(ours, str):
        return [missing(name, "µs CPU", ours), missing(ratio, "×", ours, 1.0)]
    figure = Figure(name, ours.microseconds, "µs CPU", f"{2 * bridges.count} legs that talk")
    if isinstance(theirs, str):
        return [figure, missing(ratio, "×", theirs, 1.0)]
    beside = f"rtpengine {theirs.microseconds:.1f} µs, as many, in user space"
    return [figure, Figure(ratio, ours.microseconds / theirs.microseconds, "×", beside, 1.0)]


async def _or_why(measuring: Awaitable[T]) -> T | str:
    """What was measured, or why it could not be."""
    try:
        return await measuring
    except NoPeer as why:
        return str(why)


async def latency(sizes: Sizes, _: dict[str, float]) -> list[Figure]:
    """What a bridge adds to a packet's way. G.711, so that making the load does not compete for the processor."""
    load = Load(sizes.legs // 2, sizes.seconds, ("pcmu", "pcmu"), tapped=min(4, sizes.legs // 2))
    ours = p50_p99((await measure(OURS, load=load)).latencies)
    control = p50_p99(await without_a_bridge(load))
    beside = f"{sizes.legs} legs; without a bridge {control[0] / 1000:.3f} ms, {control[1] / 1000:.3f} ms"
    return [
        Figure("latency that a bridge adds, p50", (ours[0] - control[0]) / 1000, "ms", beside),
        Figure("latency that a bridge adds, p99", (ours[1] - control[0]) / 1000, "ms", "", 1.0),
    ]


async def rates(sizes: Sizes, _: dict[str, float]) -> list[Figure]:
    """Log-ins and calls for each CPU second of the platform's process."""
    logins = await signalling.logins(sizes.logins)
    calls = await signalling.calls(sizes.calls, connected=False)
    connected = await signalling.calls(sizes.calls // 2, connected=True)
    return [
        Figure(
            "log-ins", logins.per_cpu_second, "a CPU s", "connect, password, gateway state, close; FreeSWITCH 877",
            1_500, "higher",
        ),
        Figure(
            "call set-ups", calls.per_cpu_second, "a CPU s", "two legs, ports, rows, records, bye; FreeSWITCH 153",
            300, "higher",
        ),
        Figure("call set-ups, media connected", connected.per_cpu_second, "a CPU s", "and ICE and DTLS of both legs"),
    ]  # fmt: skip


async def sip_rates(sizes: Sizes, _: dict[str, float]) -> list[Figure]:
    """REGISTERs and calls over SIP for each CPU second of the server's process."""
    registers = await sip.registers(sizes.registers)
    silent = await sip.calls(sizes.sip_calls, "silent")
    talking = await sip.calls(sizes.sip_calls, "talking")
    kamailio = await _or_why(sip.registers_of_kamailio(sizes.registers))
    proxied = await _or_why(sip.calls_of_kamailio(sizes.sip_calls, "silent"))
    heard = await _or_why(sip.calls_of_kamailio(sizes.sip_calls, "talking"))
    sippy = await _or_why(sip.calls_of_sippy(sizes.sip_calls))
    return [
        Figure("REGISTERs with digest", registers.per_cpu_second, "a CPU s", "challenge and proof", 1_500, "higher"),
        _of_peer("… of Kamailio's", registers, kamailio),
        Figure("SIP calls, no audio", silent.per_cpu_second, "a CPU s", "digest, two ports, records", 300, "higher"),
        _of_peer("… of sippy's b2bua", silent, sippy),
        _of_peer("… of those that Kamailio passes on", silent, proxied),
        Figure("SIP calls, 0.2 s of G.711", talking.per_cpu_second, "a CPU s", "20 packets", 300, "higher"),
        _of_peer("… of Kamailio's with rtpengine", talking, heard),
    ]  # fmt: skip


def _of_peer(name: str, ours: Done, theirs: Done | str) -> Figure:
    if isinstance(theirs, str):
        return missing(name, "×", theirs)
    return Figure(name, ours.per_cpu_second / theirs.per_cpu_second, "×", f"{theirs.per_cpu_second:,.0f} a CPU s")


async def backends(sizes: Sizes, _: dict[str, float]) -> list[Figure]:
    """Commands and webhooks for each CPU second of the process that serves them."""
    commands = await backend.commands(sizes.commands, named=False)
    named = await backend.commands(sizes.commands, named=True)
    webhooks = await backend.webhooks(sizes.webhooks)
    return [
        Figure("commands", commands.ours, "a CPU s", f"bare aiohttp handler {commands.bare:,.0f}", 3_000, "higher"),
        Figure("… with a command_id", named.ours, "a CPU s", f"bare aiohttp handler {named.bare:,.0f}"),
        Figure("webhooks", webhooks.ours, "a CPU s", f"bare aiohttp client {webhooks.bare:,.0f}", 3_000, "higher"),
    ]


async def memory(sizes: Sizes, _: dict[str, float]) -> list[Figure]:
    """Memory for each client that is idle, and for each leg."""
    client = await signalling.memory_of_a_client(sizes.clients)
    leg = await signalling.memory_of_a_leg(sizes.legs, min(5.0, sizes.seconds))
    return [
        Figure("idle client", client / KIB, "KiB", f"{sizes.clients} of them; FreeSWITCH 925", 50),
        Figure("leg", leg / KIB, "KiB", f"{sizes.legs} of them, connected; FreeSWITCH 379", 150),
    ]


async def starting(sizes: Sizes, _: dict[str, float]) -> list[Figure]:
    """From nothing to `Ready.`."""
    start = await signalling.start_to_ready(sizes.starts)
    return [Figure("start to Ready.", start.wall, "s", f"{start.cpu:.2f} s CPU; median of {sizes.starts}", 2.0)]


async def first_audio(sizes: Sizes, _: dict[str, float]) -> list[Figure]:
    """From a backend's command to the first sound in the far end's ear."""
    control = await _taken(speech.CONTROL, sizes.prompts)
    beside = f"an uploaded file {max(control):.0f} ms, median {median(control):.0f} ms"
    return [_first_audio(what, await _taken(what, sizes.prompts), beside) for what in get_args(speech.Said)]


async def _taken(what: speech.What, times: int) -> list[float]:
    return [1000 * each for each in await speech.first_audio(what, times)]


def _first_audio(what: speech.Said, taken: list[float], beside: str) -> Figure:
    worst = f"worst of {len(taken)}; median {median(taken):.0f} ms; {beside}"
    return Figure(f"first audio of speak, {what}", max(taken), "ms", worst, 200)


async def mouth_to_ear(sizes: Sizes, _: dict[str, float]) -> list[Figure]:
    """From a caller's mouth to his ear, through a program that streams the call and sends all back."""
    delays = await loop.mouth_to_ear(sizes.loops)
    beside = f"worst {max(delays):.0f} ms; limit {loop.LIMIT_MS} ms of frames and buffers, and Opus's look-ahead"
    return [Figure("mouth to ear through a stream", median(delays), "ms", beside)]


async def turned(sizes: Sizes, _: dict[str, float]) -> list[Figure]:
    """A call in turned time."""
    cpu = await asyncio.to_thread(driven.call, sizes.minutes)
    return [Figure(f"{sizes.minutes:g}-minute call in driven mode", cpu, "s CPU", "two legs, two far ends", 5.0)]


PARTS: tuple[Callable[[Sizes, dict[str, float]], Awaitable[list[Figure]]], ...] = (
    forwarding_opus, transcoding, forwarding_rtp, conferring, latency, rates, sip_rates, backends, memory, starting,
    first_audio, mouth_to_ear, turned,
)  # fmt: skip


def costs() -> dict[str, float]:
    """What the parts of the media core cost, the limit among them: the Rust example, in microseconds."""
    cargo = shutil.which("cargo")
    if cargo is None:
        sys.exit("the benches need cargo, to measure the limit")
    target = subprocess.run(
        [sys.executable, ROOT / "tools" / "native.py", "target-dir"], capture_output=True, text=True, check=True
    ).stdout.strip()
    command = [
        cargo,
        "run",
        "--locked",
        "--release",
        "--quiet",
        "--package",
        "offhook-media",
        "--example",
        "media_costs",
    ]
    done = subprocess.run(
        [*command, "--", "--json"], cwd=ROOT, env={**os.environ, "CARGO_TARGET_DIR": target}, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        sys.exit(done.stderr)
    return json.loads(done.stdout)


async def measure_all(sizes: Sizes, limit: dict[str, float], console: Console) -> list[Figure]:
    figures: list[Figure] = []
    for part in PARTS:
        console.print(f"[dim]{part.__doc__}[/]")
        figures += await part(sizes, limit)
    return figures


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="benches.run", description="Measure, beside the named peers.")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to FILE as well")
    chosen = parser.parse_args(arguments)
    sizes = SMOKE if os.environ.get("OFFHOOK_BENCH_SMOKE", "") not in ("", "0") else FULL
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 150)
    signalling.raise_file_limit()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("warning"))
    figures = asyncio.run(measure_all(sizes, costs(), console))
    show(figures, console)
    if chosen.json is not None:
        write(figures, chosen.json)


def _ratio(ours: Relayed, peer: Relayed) -> float:
    return ours.microseconds / peer.microseconds


def _peer(relayed: Relayed, bridges: int) -> str:
    return f"aiortc {relayed.microseconds:,.0f} µs, {2 * bridges} legs"


if __name__ == "__main__":
    main()
