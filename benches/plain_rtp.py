"""Far ends without WebRTC that say PCMU, over RTP or SRTP with keys in the SDP. Knows no peer.

As the talkers of `benches.talkers` they are out of step: each tenth of a frame it is another group's turn.
"""

import asyncio
import base64
import contextlib
import itertools
import re
import secrets
import socket
import struct
from collections.abc import AsyncGenerator
from typing import Any

from pylibsrtp import Policy, Session

from benches.talkers import GROUPS, speech
from offhook.media.commands import Audio

# RFC 3551 section 6, and 20 ms of it.
PCMU = 0
SAMPLES = 160
PACKETS_A_SECOND = 50
_HEADER = struct.Struct("!BBHII")
_PEAK, _BIAS = 32_635, 132
_SUITE = "AES_CM_128_HMAC_SHA1_80"
_HOST = re.compile(r"^c=IN IP4 (\S+)", re.MULTILINE)
_PORT = re.compile(r"^m=audio ([0-9]+) ", re.MULTILINE)
_CRYPTO = re.compile(rf"^a=crypto:[0-9]+ {_SUITE} inline:([A-Za-z0-9+/=]+)", re.MULTILINE)


class PlainTalker:
    """One far end: `address` is where it hears; it talks once it knows the `peer`."""

    PROFILE = "RTP/AVP"

    def __init__(self, words: list[bytes]) -> None:
        self.peer: tuple[str, int] | None = None
        self.heard = 0
        self.heard_at_all = 0
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
        self._socket.sendto(self.sealed(header + next(self._words)), self.peer)

    def offer(self) -> str:
        """What it says of itself (RFC 8866), for whoever is asked by SDP."""
        host, port = self.address
        session = f"v=0\r\no=- 1 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\n"
        return f"{session}m=audio {port} {self.PROFILE} {PCMU}\r\na=rtpmap:{PCMU} PCMU/8000\r\n"

    def accept(self, answer: str) -> None:
        """Talk to where an answer says. ValueError where it has no audio."""
        host, port = _HOST.search(answer), _PORT.search(answer)
        if host is None or port is None or int(port[1]) == 0:
            raise ValueError("the answer has no audio")
        self.peer = (host[1], int(port[1]))

    def sealed(self, packet: bytes) -> bytes:
        """As it goes over the wire."""
        return packet

    def opened(self, packet: bytes) -> bytes:
        """As it was before it went over the wire."""
        return packet

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()

    def _drain(self) -> None:
        """Count what is no silence: that would be one byte over and over."""
        with contextlib.suppress(BlockingIOError):
            while True:
                packet = self.opened(self._socket.recv(2048))
                self.heard_at_all += 1
                self.heard += len(set(packet[_HEADER.size :])) > SAMPLES // 10


class SealedTalker(PlainTalker):
    """The same over SRTP, keyed by the SDP (RFC 4568)."""

    PROFILE = "RTP/SAVP"

    def __init__(self, words: list[bytes]) -> None:
        super().__init__(words)
        self._key = secrets.token_bytes(30)
        self._out = _session(self._key, Policy.SSRC_ANY_OUTBOUND)
        self._in: Session | None = None

    def offer(self) -> str:
        return f"{super().offer()}a=crypto:1 {_SUITE} inline:{base64.b64encode(self._key).decode()}\r\n"

    def accept(self, answer: str) -> None:
        theirs = _CRYPTO.search(answer)
        if theirs is None:
            raise ValueError("the answer has no key")
        self._in = _session(base64.b64decode(theirs[1]), Policy.SSRC_ANY_INBOUND)
        super().accept(answer)

    def sealed(self, packet: bytes) -> bytes:
        return self._out.protect(packet)

    def opened(self, packet: bytes) -> bytes:
        return b"" if self._in is None else self._in.unprotect(packet)


def _session(key: bytes, which: int) -> Session:
    return Session(Policy(key=key, ssrc_type=which, srtp_profile=Policy.SRTP_PROFILE_AES128_CM_SHA1_80))


class PlainTalkers:
    """All of them, and the clock by which they talk."""

    def __init__(self) -> None:
        self._words = _packets(speech())
        self._groups: list[list[PlainTalker]] = [[] for _ in range(GROUPS)]
        self._made = 0

    def new(self, kind: type[PlainTalker] = PlainTalker) -> PlainTalker:
        """One more; set its `peer`, or let it `accept` an answer."""
        talker = kind(self._words)
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

    def heard(self) -> int:
        """Packets that all of them have heard so far."""
        return sum(each.heard_at_all for group in self._groups for each in group)

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
