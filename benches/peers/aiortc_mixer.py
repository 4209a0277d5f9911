"""The named peer: conferences of three on aiortc. Everybody is decoded, hears the sum without his own part, encoded.

A process of its own, told by JSON lines on standard input: `{"offer": sdp}` is answered with `{"answer": sdp}`, and far
ends are put together three by three in the order in which they come; `{"cpu": true}` is answered with the CPU seconds
used so far. Written as an aiortc user would, with numpy for the sums.
"""

import asyncio
from collections import deque
from fractions import Fraction
from typing import Any

import numpy as np
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError
from av import AudioFrame

from benches.peers.lines import cpu, questions, tell

PARTIES = 3
RATE = 48_000
FRAME = RATE // 50
CHANNELS = 2
# Frames that may wait for the mix: what is older is late.
WAITING = 5


class Mixed(MediaStreamTrack):
    """What one far end is sent."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self.frames: asyncio.Queue[AudioFrame] = asyncio.Queue()

    async def recv(self) -> AudioFrame:
        return await self.frames.get()


class Member:
    """One far end: what it said and is not mixed yet, and what it is sent."""

    def __init__(self) -> None:
        self.connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.mixed = Mixed()
        self.said: deque[Any] = deque(maxlen=WAITING)
        self._reader: asyncio.Task[None] | None = None

    async def answer(self, offer: str) -> str:
        self.connection.on("track", self._heard)
        await self.connection.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        self.connection.addTrack(self.mixed)
        await self.connection.setLocalDescription(await self.connection.createAnswer())
        return self.connection.localDescription.sdp

    def _heard(self, track: MediaStreamTrack) -> None:
        self._reader = asyncio.create_task(self._read(track))

    async def _read(self, track: MediaStreamTrack) -> None:
        while True:
            try:
                frame = await track.recv()
            except MediaStreamError:
                return
            self.said.append(frame.to_ndarray().astype(np.int32))


class Conference:
    """Mixes once in 20 ms: the sum of all, for each without his own part."""

    def __init__(self, members: list[Member]) -> None:
        self._members = members
        self._silence = np.zeros((1, FRAME * CHANNELS), np.int32)

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        begin, ticks = loop.time(), 0
        while True:
            ticks += 1
            await asyncio.sleep(max(0.0, begin + ticks / 50 - loop.time()))
            self._mix(ticks)

    def _mix(self, tick: int) -> None:
        said = [member.said.popleft() if member.said else self._silence for member in self._members]
        total = sum(said)
        for member, own in zip(self._members, said, strict=True):
            member.mixed.frames.put_nowait(_frame(total - own, tick))


def _frame(samples: Any, tick: int) -> AudioFrame:
    frame = AudioFrame.from_ndarray(np.clip(samples, -32_768, 32_767).astype(np.int16), layout="stereo")
    frame.sample_rate, frame.pts, frame.time_base = RATE, tick * FRAME, Fraction(1, RATE)
    return frame


class Mixer:
    """All members, three by three."""

    def __init__(self) -> None:
        self._members: list[Member] = []
        self._conferences: list[asyncio.Task[None]] = []

    async def answer(self, offer: str) -> str:
        member = Member()
        answer = await member.answer(offer)
        self._members.append(member)
        if len(self._members) % PARTIES == 0:
            self._conferences.append(asyncio.create_task(Conference(self._members[-PARTIES:]).run()))
        return answer

    async def close(self) -> None:
        for conference in self._conferences:
            conference.cancel()
        await asyncio.gather(*(member.connection.close() for member in self._members))


async def main() -> None:
    mixer = Mixer()
    async for question in questions():
        match question:
            case {"offer": offer}:
                tell({"answer": await mixer.answer(offer)})
            case _:
                tell({"cpu": cpu()})
    await mixer.close()


if __name__ == "__main__":
    asyncio.run(main())
