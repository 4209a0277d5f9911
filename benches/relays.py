"""What a relayed packet costs and how long it takes: our core beside an aiortc relay, under the same far ends."""

import asyncio
from statistics import quantiles

import msgspec

from benches.peer import Peer, peer
from benches.probe import Tap, microseconds_between
from benches.talkers import talking
from offhook.media.commands import Codec


class Load(msgspec.Struct, frozen=True):
    """How many bridges are talked over for how long; the first `tapped` of them have their latency measured."""

    bridges: int
    seconds: float
    codecs: tuple[Codec, Codec] = ("opus", "opus")
    tapped: int = 0


class Relayed(msgspec.Struct, frozen=True):
    """What one relay used for the packets that it received and sent on, and how long it kept those on tapped
    bridges (µs, from departure before the relay to arrival after it)."""

    packets: int
    cpu_seconds: float
    latencies: list[float]

    @property
    def microseconds(self) -> float:
        """CPU microseconds for one packet received, relayed and sent."""
        return 1e6 * self.cpu_seconds / max(1, self.packets)


class RelayProcess:
    """A relay in a process of its own."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer

    async def answer(self, offer: str) -> str:
        return (await self._peer.ask({"offer": offer}))["answer"]

    async def used(self) -> tuple[int, float]:
        """Packets relayed and CPU seconds used so far."""
        answer = await self._peer.ask({"cpu": True})
        return answer["relayed"], answer["cpu"]


async def measure(module: str, *arguments: str, load: Load) -> Relayed:
    """Only the relay's own CPU is counted; the far ends talk from a media core in this process."""
    async with peer(module, *arguments) as process, talking() as talkers:
        relay = RelayProcess(process)
        taps = [(Tap(), Tap()) for _ in range(load.tapped)]
        for number in range(load.bridges):
            pair = taps[number] if number < load.tapped else (None, None)
            for codec, tap in zip(load.codecs, pair, strict=True):
                await talkers.offer(relay.answer, codec, tap)
        await asyncio.sleep(1)
        _clear(taps)
        packets, cpu = await relay.used()
        await asyncio.sleep(load.seconds)
        packets_after, cpu_after = await relay.used()
        return Relayed(packets_after - packets, cpu_after - cpu, _latencies(taps))


async def without_a_bridge(load: Load) -> list[float]:
    """The control: as many far ends, each pair connected directly. Packets of tapped pairs pass from tap to tap."""
    async with talking() as talkers:
        taps = [(Tap(), Tap()) for _ in range(load.tapped)]
        for number in range(load.bridges):
            await talkers.connect(load.codecs[0], *(taps[number] if number < load.tapped else (None, None)))
        await asyncio.sleep(1)
        _clear(taps)
        await asyncio.sleep(load.seconds)
        return _latencies(taps)


def p50_p99(latencies: list[float]) -> tuple[float, float]:
    """The two percentiles, in the unit given; not-a-number where too little was measured."""
    if len(latencies) < 100:
        return float("nan"), float("nan")
    cuts = quantiles(latencies, n=100)
    return cuts[49], cuts[98]


def _clear(taps: list[tuple[Tap, Tap]]) -> None:
    for pair in taps:
        for tap in pair:
            tap.clear()


def _latencies(taps: list[tuple[Tap, Tap]]) -> list[float]:
    found: list[float] = []
    for a, b in taps:
        found += microseconds_between(a.sent, b.received) + microseconds_between(b.sent, a.received)
        a.close()
        b.close()
    return found
