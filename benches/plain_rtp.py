"""Far ends on plain RTP that say PCMU, for peers that take no WebRTC on loopback. Knows no peer.

As the talkers of `benches.talkers` they are out of step: each tenth of a frame it is another group's turn.
"""

import asyncio
import contextlib
import itertools
import secrets
import socket
import struct
from collections.abc import AsyncGenerator
from typing import Any

from benches.talkers import GROUPS, speech
from offhook.media.commands import Audio

# RFC 3551 section 6, and 20 ms of it.
PCMU = 0
SAMPLES = 160
PACKETS_A_SECOND = 50
_HEADER = struct.Struct("!BBHII")
_PEAK, _BIAS = 32_635, 132


class PlainTalker:
    """One far end: `address` is where it hears; it talks once it knows the `peer`."""

    def __init__(self, words: list[bytes]) -> None:
        self.peer: tuple[str, int] | None = None
        self.heard = 0
        self._words = itertools.cycle(words)
        self._ssrc = secrets.randbits(32)
        self._sequence = 0
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.setblocking(False)
        self.address: tuple[str, int] = self._socket.getsockname()
        asyncio.get_running_loop().add_reader(self._socket, self._drain)

    def say(self) -> None:
        """The next 20 ms (RFC 3550 section 5.1)."""
        if self.peer is None:
            return
        self._sequence += 1
        header = _HEADER.pack(0x80, PCMU, self._sequence & 0xFFFF, self._sequence * SAMPLES, self._ssrc)
        self._socket.sendto(header + next(self._words), self.peer)

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()

    def _drain(self) -> None:
        """Count what is no silence: that would be one byte over and over."""
        with contextlib.suppress(BlockingIOError):
            while True:
                packet = self._socket.recv(2048)
                self.heard += len(set(packet[_HEADER.size :])) > SAMPLES // 10


class PlainTalkers:
    """All of them, and the clock by which they talk."""

    def __init__(self) -> None:
        self._words = _packets(speech())
        self._groups: list[list[PlainTalker]] = [[] for _ in range(GROUPS)]
        self._made = 0

    def new(self) -> PlainTalker:
        """One more; set its `peer`."""
        talker = PlainTalker(self._words)
        self._groups[self._made % GROUPS].append(talker)
        self._made += 1
        return talker

    async def expect_sound(self) -> None:
        """RuntimeError unless every one of them hears something within a second."""
        talkers = [each for group in self._groups for each in group]
        before = [each.heard for each in talkers]
        await asyncio.sleep(1)
        heard = [each.heard - earlier for each, earlier in zip(talkers, before, strict=True)]
        if min(heard) < PACKETS_A_SECOND // 2:
            raise RuntimeError(f"some far ends hear nothing: {sorted(heard)[:5]} packets in a second")

    async def talk(self) -> None:
        """Until it is cancelled."""
        loop = asyncio.get_running_loop()
        begin = loop.time()
        for turn in itertools.count(1):
            await asyncio.sleep(max(0.0, begin + turn / PACKETS_A_SECOND / GROUPS - loop.time()))
            for talker in self._groups[turn % GROUPS]:
                talker.say()

    def close(self) -> None:
        for group in self._groups:
            for talker in group:
                talker.close()


@contextlib.asynccontextmanager
async def talking() -> AsyncGenerator[PlainTalkers, None]:
    """Talkers, while the block runs."""
    talkers = PlainTalkers()
    clock = asyncio.create_task(talkers.talk())
    try:
        yield talkers
    finally:
        clock.cancel()
        talkers.close()


def _packets(audio: Audio) -> list[bytes]:
    """G.711 µ-law at 8 kHz, in pieces of 20 ms."""
    import numpy as np

    samples: Any = np.frombuffer(audio.pcm, "<i2")[:: audio.rate // 8_000].astype(np.int32)
    size = np.minimum(np.abs(samples), _PEAK) + _BIAS
    exponent = np.log2(size).astype(np.int32) - 7
    mantissa = (size >> (exponent + 3)) & 0x0F
    coded = ~(((samples < 0) << 7) | (exponent << 4) | mantissa) & 0xFF
    whole = coded.astype(np.uint8).tobytes()
    return [whole[at : at + SAMPLES] for at in range(0, len(whole) - SAMPLES + 1, SAMPLES)]
