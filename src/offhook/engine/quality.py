"""The last that the media core measured of each port, until its leg's end is told. Knows no legs."""

from offhook.media.events import PortStats

Document = dict[str, dict[str, str]]


class Quality:
    """Ports come with their first measurement, five seconds into a call, and go with `take` or `closed`."""

    def __init__(self) -> None:
        self._ports: dict[int, PortStats] = {}

    def measured(self, stats: PortStats) -> None:
        """A port was measured."""
        self._ports[stats.port] = stats

    def closed(self, port: int) -> None:
        """A port is no more."""
        self._ports.pop(port, None)

    def take(self, port: int | None) -> Document | None:
        """`call_quality_stats` as `call.hangup` has them; None for a port that was never measured."""
        stats = None if port is None else self._ports.pop(port, None)
        return None if stats is None else _document(stats)


def _document(stats: PortStats) -> Document:
    """All numbers are strings. Jitter is in milliseconds, as it was last; skipped packets never came, those counted
    with jitter came too late to be heard."""
    inbound, outbound = stats.inbound, stats.outbound
    return {
        "inbound": {
            "jitter_max_variance": f"{inbound.jitter_ms:.2f}",
            "jitter_packet_count": str(inbound.discarded),
            "mos": f"{inbound.mos:.2f}",
            "packet_count": str(inbound.packets),
            "skip_packet_count": str(inbound.lost),
        },
        "outbound": {"packet_count": str(outbound.packets), "skip_packet_count": str(outbound.lost)},
    }
