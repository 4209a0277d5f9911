"""A wire tap between one far end and what it talks to: when each RTP packet left, and when one arrived.

A datagram's departure is read off the clock just before it is sent on; its arrival is the kernel's own time stamp, so
that it does not matter when this process gets round to looking. Nobody needs to be root. Knows no keys: it reads the
RTP header, which SRTP leaves in the clear (RFC 3711 section 3.1).
"""

import asyncio
import re
import socket
import struct
import time
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

# Linux, include/uapi/asm-generic/socket.h; Python has no name for it.
_SO_TIMESTAMPNS = 35
_TIMESPEC = struct.Struct("qq")
_CANDIDATE = re.compile(r"(a=candidate:\S+ 1 udp \d+ )127\.0\.0\.1 (\d+)( typ host)", re.IGNORECASE)
_TCP_CANDIDATE = re.compile(r"a=candidate:\S+ 1 tcp [^\r\n]*\r\n", re.IGNORECASE)

Address = tuple[str, int]


class Seen(NamedTuple):
    """One RTP packet: its timestamp (RFC 3550 section 5.1) and when it was seen, in ns of the machine's clock."""

    timestamp: int
    at: int


class Tap:
    """A socket that passes datagrams on between a far end and a peer.

    `sent` are the far end's packets on their way to the peer, `received` what came from the peer.
    """

    def __init__(self) -> None:
        self.sent: list[Seen] = []
        self.received: list[Seen] = []
        self.far_end: Address | None = None
        self.peer: Address | None = None
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.setblocking(False)
        self.address: Address = self._socket.getsockname()
        asyncio.get_running_loop().add_reader(self._socket, self._drain)

    def behind_far_end(self, sdp: str) -> str:
        """The far end's SDP with this tap's address in place of its own."""
        sdp, self.far_end = self._instead_of(sdp)
        return sdp

    def before_peer(self, sdp: str) -> str:
        """The peer's SDP with this tap's address in place of its own."""
        sdp, self.peer = self._instead_of(sdp)
        return sdp

    def clear(self) -> None:
        self.sent.clear()
        self.received.clear()

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()

    def _instead_of(self, sdp: str) -> tuple[str, Address]:
        found = _CANDIDATE.search(sdp)
        if found is None:
            raise ValueError("no candidate of 127.0.0.1 in the SDP")
        mine = f"{self.address[0]} {self.address[1]}"
        rewritten = _CANDIDATE.sub(lambda each: f"{each[1]}{mine}{each[3]}", _TCP_CANDIDATE.sub("", sdp))
        return rewritten, ("127.0.0.1", int(found[2]))

    def _drain(self) -> None:
        while True:
            try:
                data, control, _, source = self._socket.recvmsg(2048, 64)
            except BlockingIOError:
                return
            if source == self.far_end:
                self._pass_on(data, self.peer, self.sent, time.time_ns)
            else:
                arrived = _stamped(control)
                self._pass_on(data, self.far_end, self.received, lambda at=arrived: at)

    def _pass_on(self, data: bytes, to: Address | None, noted: list[Seen], clock: Callable[[], int]) -> None:
        if _is_rtp(data):
            noted.append(Seen(int.from_bytes(data[4:8]), clock()))
        if to is not None:
            self._socket.sendto(data, to)


def _stamped(control: list[tuple[int, int, bytes]]) -> int:
    for _, kind, value in control:
        if kind == _SO_TIMESTAMPNS:
            seconds, nanoseconds = _TIMESPEC.unpack(value[: _TIMESPEC.size])
            return seconds * 1_000_000_000 + nanoseconds
    raise OSError("the kernel did not stamp a datagram")


def _is_rtp(data: bytes) -> bool:
    """RFC 5761 section 4: RTP, and not RTCP, DTLS or STUN."""
    return len(data) > 12 and data[0] >> 6 == 2 and not 192 <= data[1] <= 223


def microseconds_between(sent: list[Seen], received: list[Seen]) -> list[float]:
    """How long each packet took. A bridge may shift timestamps by a constant, which is found by majority."""
    if not sent or not received:
        return []
    shift = _shift(sent, received)
    arrivals = {(seen.timestamp - shift) & 0xFFFFFFFF: seen.at for seen in received}
    return [(arrivals[seen.timestamp] - seen.at) / 1000 for seen in sent if seen.timestamp in arrivals]


def _shift(sent: list[Seen], received: list[Seen]) -> int:
    """The commonest difference between an arrival and the last departure before it."""
    shifts: Counter[int] = Counter()
    departures = iter(sent)
    last, following = None, next(departures, None)
    for seen in received:
        while following is not None and following.at <= seen.at:
            last, following = following, next(departures, None)
        if last is not None:
            shifts[(seen.timestamp - last.timestamp) & 0xFFFFFFFF] += 1
    return shifts.most_common(1)[0][0] if shifts else 0
