"""CPU for each relayed packet: our core beside an aiortc relay, under the same far ends in the same run."""

import asyncio
import json
import sys
from typing import Any

import msgspec

from offhook.media.commands import AcceptAnswer, Audio, Codec, CoreConfig, OfferPort, Play
from offhook.media.core import Core
from offhook.media.events import Described, Event, PortConnected


class Relayed(msgspec.Struct, frozen=True):
    """What one relay used while it carried `packets` packets (both directions counted)."""

    packets: int
    cpu_seconds: float

    @property
    def microseconds(self) -> float:
        """CPU microseconds for one packet received, relayed and sent."""
        return 1e6 * self.cpu_seconds / max(1, self.packets)


class RelayProcess:
    """A relay in a process of its own, spoken to in JSON lines."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    @classmethod
    async def start(cls, module: str, *arguments: str) -> "RelayProcess":
        pipe = asyncio.subprocess.PIPE
        return cls(
            await asyncio.create_subprocess_exec(
                sys.executable, "-m", module, *arguments, stdin=pipe, stdout=pipe, limit=1 << 20
            )
        )

    async def ask(self, question: dict[str, Any]) -> dict[str, Any]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(question).encode() + b"\n")
        return json.loads(await self.process.stdout.readline())

    async def used(self) -> Relayed:
        answer = await self.ask({"cpu": True})
        return Relayed(packets=answer["relayed"], cpu_seconds=answer["cpu"])

    async def stop(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        await self.process.wait()


def _speech() -> Audio:
    """Two seconds of something that varies as speech does, so that no codec can take a short cut."""
    import numpy as np

    time = np.arange(2 * 48_000) / 48_000
    voice = sum(np.sin(2 * np.pi * 140 * k * time + k) / k for k in range(1, 20))
    envelope = 0.55 + 0.45 * np.sin(2 * np.pi * 3.1 * time)
    samples = 4_000 * voice * envelope + np.random.default_rng(7).normal(0, 60, time.size)
    return Audio(rate=48_000, pcm=np.clip(samples, -32_768, 32_767).astype("<i2").tobytes())


async def _far_end(core: Core, relay: RelayProcess, codec: Codec, speech: Audio) -> None:
    """One far end: offers that codec, connects, talks until the core closes."""
    connected = asyncio.Event()

    def told(event: Event) -> None:
        if isinstance(event, PortConnected):
            connected.set()

    port = core.new_port()
    core.attach(port, told)
    offer = core.request(OfferPort(port=port, ice="full", codecs=[codec]))
    assert isinstance(offer, Described)
    answer = await relay.ask({"offer": offer.sdp})
    core.request(AcceptAnswer(port=port, answer=answer["answer"]))
    async with asyncio.timeout(20):
        await connected.wait()
    core.send(Play(port=port, play=1, source=speech, loop=0))


async def measure(module: str, *arguments: str, codecs: tuple[Codec, Codec], bridges: int, seconds: float) -> Relayed:
    """Load a relay with `bridges` pairs of far ends for `seconds`; only the relay's own CPU is counted."""
    relay = await RelayProcess.start(module, *arguments)
    core = Core(CoreConfig(workers=1, quality_every_ms=60_000))
    core.start(asyncio.get_running_loop())
    try:
        speech = _speech()
        for _ in range(bridges):
            for codec in codecs:
                await _far_end(core, relay, codec, speech)
        await asyncio.sleep(1)
        before = await relay.used()
        await asyncio.sleep(seconds)
        after = await relay.used()
        return Relayed(after.packets - before.packets, after.cpu_seconds - before.cpu_seconds)
    finally:
        core.stop()
        core.close()
        await relay.stop()
