"""What a relayed packet costs and how long it takes: our core beside an aiortc relay, under the same far ends."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from statistics import quantiles

import msgspec

from benches.peer import Peer, peer
from benches.probe import Tap, microseconds_between
from offhook.media.commands import AcceptAnswer, AnswerPort, Audio, Codec, CoreConfig, OfferPort, Play
from offhook.media.core import Core
from offhook.media.events import Described, Event, PortConnected

CONNECT_SECONDS = 20.0
# Callers do not speak in step: their packets come in as many groups, spread over the 20 ms of a frame.
GROUPS = 10
FRAME_SECONDS = 0.02


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
    async with peer(module, *arguments) as process, _talking() as far_ends:
        relay = RelayProcess(process)
        taps = [(Tap(), Tap()) for _ in range(load.tapped)]
        for number in range(load.bridges):
            pair = taps[number] if number < load.tapped else (None, None)
            for codec, tap in zip(load.codecs, pair, strict=True):
                await far_ends.offer(relay, codec, tap)
        await asyncio.sleep(1)
        _clear(taps)
        packets, cpu = await relay.used()
        await asyncio.sleep(load.seconds)
        packets_after, cpu_after = await relay.used()
        return Relayed(packets_after - packets, cpu_after - cpu, _latencies(taps))


async def without_a_bridge(load: Load) -> list[float]:
    """The control: as many far ends, each pair connected directly. Packets of tapped pairs pass from tap to tap."""
    async with _talking() as far_ends:
        taps = [(Tap(), Tap()) for _ in range(load.tapped)]
        for number in range(load.bridges):
            await far_ends.connect(load.codecs[0], *(taps[number] if number < load.tapped else (None, None)))
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


class _FarEnds:
    """Talking ports, on media cores that are out of step with each other."""

    def __init__(self) -> None:
        self._cores: list[Core] = []
        self._made = 0
        self._speech = _speech()

    async def start(self) -> None:
        """A core's frames begin when the core does."""
        for _ in range(GROUPS):
            core = Core(CoreConfig(workers=1, quality_every_ms=60_000))
            core.start(asyncio.get_running_loop())
            self._cores.append(core)
            await asyncio.sleep(FRAME_SECONDS + FRAME_SECONDS / GROUPS)

    def close(self) -> None:
        for core in self._cores:
            core.close()

    async def offer(self, relay: RelayProcess, codec: Codec, tap: Tap | None) -> None:
        """One far end that offers this codec to the relay; returns when it is connected and talks."""
        far_end = self._new()
        offer = far_end.described(OfferPort(port=far_end.port, ice="full", codecs=[codec]))
        if tap is None:
            answer = await relay.answer(offer)
        else:
            answer = tap.before_peer(await relay.answer(tap.behind_far_end(offer)))
        far_end.core.request(AcceptAnswer(port=far_end.port, answer=answer))
        await far_end.talk(self._speech)

    async def connect(self, codec: Codec, tap: Tap | None, other: Tap | None) -> None:
        """Two far ends that talk to each other."""
        caller, callee = self._new(), self._new()
        offer = caller.described(OfferPort(port=caller.port, ice="full", codecs=[codec]))
        offer = offer if tap is None or other is None else other.before_peer(tap.behind_far_end(offer))
        answer = callee.described(AnswerPort(port=callee.port, offer=offer, ice="full", codecs=[codec]))
        answer = answer if tap is None or other is None else tap.before_peer(other.behind_far_end(answer))
        caller.core.request(AcceptAnswer(port=caller.port, answer=answer))
        await caller.talk(self._speech)
        await callee.talk(self._speech)

    def _new(self) -> "_FarEnd":
        self._made += 1
        return _FarEnd(self._cores[self._made % GROUPS])


class _FarEnd:
    """One port that talks."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self.port = core.new_port()
        self._connected = asyncio.Event()
        core.attach(self.port, self._told)

    def described(self, request: OfferPort | AnswerPort) -> str:
        described = self.core.request(request)
        assert isinstance(described, Described)  # what else answers a request for a description
        return described.sdp

    async def talk(self, speech: Audio) -> None:
        """Returns when it is connected, and talks from then on."""
        async with asyncio.timeout(CONNECT_SECONDS):
            await self._connected.wait()
        self.core.send(Play(port=self.port, play=1, source=speech, loop=0))

    def _told(self, event: Event) -> None:
        if isinstance(event, PortConnected):
            self._connected.set()


@contextlib.asynccontextmanager
async def _talking() -> AsyncGenerator[_FarEnds, None]:
    far_ends = _FarEnds()
    try:
        await far_ends.start()
        yield far_ends
    finally:
        far_ends.close()


def _speech() -> Audio:
    """Two seconds of something that varies as speech does, so that no codec can take a short cut."""
    import numpy as np

    time = np.arange(2 * 48_000) / 48_000
    voice = sum(np.sin(2 * np.pi * 140 * k * time + k) / k for k in range(1, 20))
    envelope = 0.55 + 0.45 * np.sin(2 * np.pi * 3.1 * time)
    samples = 4_000 * voice * envelope + np.random.default_rng(7).normal(0, 60, time.size)
    return Audio(rate=48_000, pcm=np.clip(samples, -32_768, 32_767).astype("<i2").tobytes())
