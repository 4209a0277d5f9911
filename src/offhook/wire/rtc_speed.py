"""The browser SDK's `speedTest`: text frames beside JSON-RPC, timed in both directions. Time is an argument. No I/O.

A client sends `#SPU <bytes>`, its load as `#SPB …` frames of 1 KiB, and `#SPE`. It hears how long that took as
`#SPU<ms>`, gets as much back, and at last `#SPD<ms>`, measured to the ping by which it shows that it has read all.
"""

KIB = 1024
# Half of what may wait in a socket's send queue. Of larger tests as much is sent, and its time scaled up.
MAX_DOWN_KIB = 512
_LOAD = b"#SPB " + b"." * KIB


class SpeedTest:
    """One test at a time; a new one replaces it."""

    def __init__(self) -> None:
        self._kib = 0
        self._began = 0.0
        self._loaded_at: float | None = None

    def hear(self, text: str, now: float) -> list[bytes]:
        """One `#SP…` frame. The frames to write after `#SPE` must be followed by a ping."""
        kind = text[3:4]
        if kind == "U":
            self._kib, self._began, self._loaded_at = 0, now, None
        elif kind == "B":
            self._kib += 1
        elif kind == "E" and self._kib:
            self._loaded_at = now
            return [b"#SPU%d" % _milliseconds(now - self._began), *[_LOAD] * min(self._kib, MAX_DOWN_KIB)]
        return []

    def pong(self, now: float) -> list[bytes]:
        """The client has read everything up to our ping."""
        if self._loaded_at is None:
            return []
        scale = max(1.0, self._kib / MAX_DOWN_KIB)
        took = _milliseconds((now - self._loaded_at) * scale)
        self._loaded_at = None
        return [b"#SPD%d" % took]


def _milliseconds(seconds: float) -> int:
    """At least 1, because the SDK divides by it."""
    return max(1, round(seconds * 1000))
