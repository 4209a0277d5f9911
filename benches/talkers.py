"""The load of whoever relays or mixes audio: far ends that talk, on media cores of this process. Knows no peer."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable

from benches.probe import Tap
from offhook.media.commands import AcceptAnswer, AnswerPort, Audio, Codec, CoreConfig, Meter, OfferPort, Play
from offhook.media.core import Core
from offhook.media.events import Described, Event, Metered, PortConnected

# Gives an SDP answer to an offer.
Answerer = Callable[[str], Awaitable[str]]

CONNECT_SECONDS = 20.0
# Callers do not speak in step: their packets come in as many groups, spread over the 20 ms of a frame.
GROUPS = 10
FRAME_SECONDS = 0.02
# What is louder than this, in dBov, is no silence: the noise in what they say alone is.
LOUD = -60.0
METER_MS = 500


class Talkers:
    """Talking ports, on media cores that are out of step with each other."""

    def __init__(self) -> None:
        self._cores: list[Core] = []
        self._all: list[Talker] = []
        self._speech = speech()

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

    async def offer(self, answer: Answerer, codec: Codec, tap: Tap | None = None) -> None:
        """One far end that offers this codec to whoever gives an `answer`; returns when it is connected and talks."""
        far_end = self._new()
        offer = far_end.described(OfferPort(port=far_end.port, ice="full", codecs=[codec]))
        if tap is None:
            accepted = await answer(offer)
        else:
            accepted = tap.before_peer(await answer(tap.behind_far_end(offer)))
        far_end.core.request(AcceptAnswer(port=far_end.port, answer=accepted))
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

    async def expect_sound(self) -> None:
        """RuntimeError unless every one of them is sent something loud: who measures a mixer wants it to mix."""
        levels = await asyncio.gather(*(each.level() for each in self._all))
        if min(levels) < LOUD:
            raise RuntimeError(f"some far ends hear nothing: {sorted(levels)[:5]} dBov")

    def _new(self) -> "Talker":
        talker = Talker(self._cores[len(self._all) % GROUPS])
        self._all.append(talker)
        return talker


class Talker:
    """One port that talks."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self.port = core.new_port()
        self._connected = asyncio.Event()
        self._level: asyncio.Future[float] = asyncio.get_running_loop().create_future()
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

    async def level(self) -> float:
        """How loud it is what the port is sent now, in dBov."""
        self.core.send(Meter(port=self.port, every_ms=METER_MS))
        async with asyncio.timeout(CONNECT_SECONDS):
            return await self._level

    def _told(self, event: Event) -> None:
        match event:
            case PortConnected():
                self._connected.set()
            case Metered(inbound=inbound) if not self._level.done():
                self._level.set_result(inbound.level)
            case _:
                pass


@contextlib.asynccontextmanager
async def talking() -> AsyncGenerator[Talkers, None]:
    """Talkers, while the block runs."""
    talkers = Talkers()
    try:
        await talkers.start()
        yield talkers
    finally:
        talkers.close()


def speech() -> Audio:
    """Two seconds of something that varies as speech does, so that no codec can take a short cut."""
    import numpy as np

    time = np.arange(2 * 48_000) / 48_000
    voice = sum(np.sin(2 * np.pi * 140 * k * time + k) / k for k in range(1, 20))
    envelope = 0.55 + 0.45 * np.sin(2 * np.pi * 3.1 * time)
    samples = 4_000 * voice * envelope + np.random.default_rng(7).normal(0, 60, time.size)
    return Audio(rate=48_000, pcm=np.clip(samples, -32_768, 32_767).astype("<i2").tobytes())
