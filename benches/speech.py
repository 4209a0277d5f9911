"""How long a backend's command takes to be heard: from the request to the first sound in the far end's ear.

A phone of the Python SDK calls a platform in another process and is parked; so the way is all of it: HTTP, the decision
and its row, the speech engine or the decoder, Opus, SRTP over loopback, the jitter buffer. Each text is a new one, so
that nothing is kept from before, and each begins with a syllable that is loud at once.
"""

import asyncio
import io
import itertools
import math
import struct
import time
import wave
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any, Literal

from benches.platform import Platform, park, running
from offhook import Call, Client, Frame

Said = Literal["a new text", "a long new text", "the same text"]
# Everything is as with a text, but nothing has to be said: the control.
Uploaded = Literal["an uploaded file"]
What = Said | Uploaded
CONTROL: Uploaded = "an uploaded file"

LOUD = 1000
QUIET_FRAMES = 10
_numbers = itertools.count(1)


class Onset:
    """A sink that tells when it hears something, and when it has been quiet for 200 ms."""

    def __init__(self) -> None:
        self._quiet = 0
        self._waiters: list[tuple[Callable[[], bool], asyncio.Future[float]]] = []

    def write(self, frame: Frame) -> None:
        loud = max(map(abs, struct.unpack(f"<{len(frame.pcm) // 2}h", frame.pcm)), default=0) > LOUD
        self._quiet = 0 if loud else self._quiet + 1
        for waiter in [waiter for waiter in self._waiters if waiter[0]()]:
            self._waiters.remove(waiter)
            waiter[1].set_result(time.monotonic())

    def close(self) -> None:
        """Nothing is kept."""

    async def sound(self) -> float:
        """The time at which something is heard."""
        return await self._until(lambda: self._quiet == 0)

    async def silence(self) -> float:
        """The time at which it has been quiet for a while."""
        return await self._until(lambda: self._quiet >= QUIET_FRAMES)

    async def _until(self, wanted: Callable[[], bool]) -> float:
        waiter: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._waiters.append((wanted, waiter))
        async with asyncio.timeout(20):
            return await waiter


async def first_audio(what: What, times: int) -> list[float]:
    """Seconds from the command to the first sound, for each time."""
    async with running() as platform, _parked(platform) as (call, onset):
        path = f"/calls/{call.ids.call_control}/actions"
        if what == CONTROL:
            await _upload(platform)
        found = [await _one(platform, path, onset, what) for _ in range(times + 1)]
    return found[1:]  # the first one warms up what has not been used yet


async def _one(platform: Platform, path: str, onset: Onset, what: What) -> float:
    await onset.silence()
    begin = time.monotonic()
    name, body = _command(what)
    heard = asyncio.create_task(onset.sound())
    await platform.rest("POST", f"{path}/{name}", json=body)
    taken = await heard - begin
    await platform.rest("POST", f"{path}/playback_stop", json={})
    return taken


def _command(what: What) -> tuple[str, dict[str, Any]]:
    if what == CONTROL:
        return "playback_start", {"media_name": "tone"}
    number = 0 if what == "the same text" else next(_numbers)
    text = f"Attention, prompt number {number}. " + ("Here is one more sentence of many. " * 100)[: _LENGTHS[what]]
    return "speak", {"payload": text, "voice": "female"}


_LENGTHS: dict[What, int] = {"a new text": 40, "a long new text": 3000, "the same text": 40}


@asynccontextmanager
async def _parked(platform: Platform) -> AsyncGenerator[tuple[Call, Onset], None]:
    """A phone whose call the backend has answered."""
    john = platform.identities[0]
    await park(platform)
    async with Client(platform.ws_url, login=john.login, password=john.password) as client:
        await client.ready()
        call = await client.new_call("+12025550199")
        await call.wait_for("early")
        await platform.rest("POST", f"/calls/{call.ids.call_control}/actions/answer", json={})
        await call.answered()
        onset = Onset()
        call.attach(onset)
        yield call, onset
        await call.hangup()


async def _upload(platform: Platform) -> None:
    import aiohttp

    file = io.BytesIO()
    with wave.open(file, "wb") as made:
        made.setparams((1, 2, 16_000, 0, "NONE", ""))
        made.writeframes(b"".join(struct.pack("<h", int(12_000 * math.sin(at / 3))) for at in range(16_000 * 5)))
    form = aiohttp.FormData({"media_name": "tone"})
    form.add_field("media", file.getvalue(), filename="tone.wav", content_type="audio/wav")
    await platform.rest("POST", "/media", data=form)
