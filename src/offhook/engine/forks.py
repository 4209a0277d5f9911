"""The forks of all legs: copies of their audio as RTP (RFC 3550), PCMU at 8 kHz. Knows no sockets and no calls."""

import hashlib
import struct

from offhook.engine.ports import Datagrams
from offhook.engine.tapping import Taps
from offhook.media.commands import Tracks
from offhook.media.events import Tapped
from offhook.voice import effect
from offhook.voice.commands.call.fork_start import endpoint

_VERSION, _PCMU, _MARKER = 0x80, 0, 0x80
_SAMPLES = 160


class Copy:
    """One direction on its way to one endpoint: continuous sequence numbers and timestamps of its own."""

    def __init__(self, name: str, address: str, port: int) -> None:
        self.address = address
        self.port = port
        start = hashlib.sha256(name.encode()).digest()
        self._ssrc, self._sequence, self._timestamp = struct.unpack_from(">IHI", start)
        self._first = True

    def packet(self, payload: bytes) -> bytes:
        """The next 20 ms."""
        kind = _PCMU | (_MARKER if self._first else 0)
        self._first = False
        header = struct.pack(">BBHII", _VERSION, kind, self._sequence, self._timestamp, self._ssrc)
        self._sequence = (self._sequence + 1) & 0xFFFF
        self._timestamp = (self._timestamp + _SAMPLES) & 0xFFFFFFFF
        return header + payload


class Forks:
    """All forks, by their legs."""

    def __init__(self, taps: Taps, datagrams: Datagrams) -> None:
        self._taps = taps
        self._datagrams = datagrams
        self._by_leg: dict[str, int] = {}

    def start(self, it: effect.StartFork) -> None:
        """Copy from now on."""
        said, heard = (_copy(it.leg, track, target) for track, target in (("rx", it.rx), ("tx", it.tx)))
        tracks: Tracks = "both" if said and heard else "inbound" if said else "outbound"

        def tapped(event: Tapped) -> None:
            for copy, payload in ((said, event.inbound), (heard, event.outbound)):
                if copy is not None and payload:
                    self._datagrams.send(copy.address, copy.port, copy.packet(payload))

        self._by_leg[it.leg] = self._taps.begin(it.port, tracks, tapped, "pcmu")

    def stop(self, it: effect.StopFork) -> None:
        """Copy no more."""
        tap = self._by_leg.pop(it.leg, None)
        if tap is not None:
            self._taps.end(tap)


def _copy(leg: str, track: str, target: str) -> Copy | None:
    found = endpoint(target)
    return None if found is None else Copy(f"{leg}/{track}", *found)
