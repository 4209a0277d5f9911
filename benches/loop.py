"""How long it takes a caller to hear himself through a program that streams his call: mouth to ear.

A far end is parked and answered, the backend has its audio streamed to a program that sends back each frame at once.
Both ends of the way are read off one tap of the far end's own port, which has what it says and what it hears on one
clock, so nobody's wake-up is in it.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, Sequence
from typing import Any

from aiohttp import WSMsgType, web

from benches.crowd import FarEnd, RealAudio, crowd
from benches.platform import Platform, park, running
from offhook.media.commands import Audio, Play, Tap
from offhook.media.core import Core
from offhook.media.events import Event, Tapped

RATE = 8_000
FRAME = RATE // 50
# Two jitter buffers at their least, 20 ms each; the platform's own 20 ms from hearing a frame to playing the next; and
# as much again that a frame waits on the two ways together, as the two ends' frames do not begin at once.
LIMIT_MS = 80
LOUD = 1_000
EVERY_SECONDS = 0.5
CALL_SECONDS = 4.0
SETTLE_SECONDS = 2.0


class Ear:
    """What a port says and hears, sample by sample."""

    def __init__(self) -> None:
        self.said = bytearray()
        self.heard = bytearray()

    def note(self, event: Event) -> None:
        if isinstance(event, Tapped):
            self.said += event.outbound
            self.heard += event.inbound

    def delays(self) -> list[float]:
        """Milliseconds from each beginning of a sound to the next beginning of one that is heard."""
        import numpy as np

        said, heard = (_onsets(np.frombuffer(bytes(pcm), "<i2")) for pcm in (self.said, self.heard))
        later = ((at, next((each for each in heard if each > at), None)) for at in said)
        return [1000 * (after - at) / RATE for at, after in later if after is not None]


def _onsets(samples: Any) -> Sequence[int]:
    """Where it becomes loud after 100 ms of quiet."""
    found: list[int] = []
    last = -RATE
    for at in (abs(samples.astype(int)) > LOUD).nonzero()[0]:
        if at - last > RATE // 10:
            found.append(int(at))
        last = int(at)
    return found


async def mouth_to_ear(calls: int) -> list[float]:
    """Milliseconds, of each sound in some calls. Within a call all are alike: the frames of both ends begin as they
    happened to begin."""
    async with running() as platform, crowd(platform.ws_url) as gathered, _echo() as program:
        await park(platform)
        ports: list[int] = []
        phone = await gathered.join(platform.identities[0], RealAudio(gathered.core, ports.append))
        found: list[float] = []
        for _ in range(calls):
            async with _answered(platform, phone) as leg:
                stream = {"stream_url": program, "stream_bidirectional_mode": "rtp", "stream_track": "inbound_track"}
                await platform.rest("POST", f"/calls/{leg}/actions/streaming_start", json=stream)
                found += await _listen(gathered.core, ports[-1])
        return found


async def _listen(core: Core, port: int) -> list[float]:
    ear = Ear()
    core.send(Play(port, 1, _beeps(), loop=0))
    await asyncio.sleep(SETTLE_SECONDS)
    core.attach(port, ear.note)
    core.send(Tap(port, 1, RATE))
    await asyncio.sleep(CALL_SECONDS)
    return ear.delays()


@contextlib.asynccontextmanager
async def _answered(platform: Platform, phone: FarEnd) -> AsyncGenerator[str, None]:
    """The call_control_id of a call to the backend, which has answered it."""
    calling = asyncio.create_task(phone.call("+12025550199"))
    while not (legs := await platform.live_legs()):  # noqa: ASYNC110
        await asyncio.sleep(0.05)
    await platform.rest("POST", f"/calls/{legs[0]}/actions/answer", json={})
    call = await calling
    yield legs[0]
    await phone.hang_up(call)


@contextlib.asynccontextmanager
async def _echo() -> AsyncGenerator[str, None]:
    """The URL of a program that sends back what it is sent, while the block runs."""
    app = web.Application()
    app.router.add_get("/", _send_back)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"ws://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()


async def _send_back(request: web.Request) -> web.WebSocketResponse:
    websocket = web.WebSocketResponse()
    await websocket.prepare(request)
    async for message in websocket:
        frame = json.loads(message.data) if message.type is WSMsgType.TEXT else {}
        if frame.get("event") == "media":
            await websocket.send_json({"event": "media", "media": {"payload": frame["media"]["payload"]}})
    return websocket


def _beeps() -> Audio:
    """A tenth of a second of sound in every half second."""
    import numpy as np

    time = np.arange(int(EVERY_SECONDS * 48_000)) / 48_000
    samples = 12_000 * np.sin(2 * np.pi * 700 * time) * (time < 0.1)
    return Audio(rate=48_000, pcm=samples.astype("<i2").tobytes())
