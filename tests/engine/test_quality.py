"""Category: engine. How good a call was, from the core's last measurement to the webhook of its end."""

from asyncio import sleep
from collections.abc import Sequence
from typing import Any, cast

from tests.scenarios.exchange import exchange
from tests.scenarios.scene import Scene

from offhook.engine.outbox import Outbox, Sending
from offhook.engine.quality import Quality
from offhook.engine.store import Add
from offhook.engine.telling import Teller
from offhook.media.events import Direction, PortStats, QualityMeasured
from offhook.testing.clock import run
from offhook.testing.fakes import FakeShadow, SeededChance
from offhook.voice.effect import Durable, Tell
from offhook.voice.event import Event

STATS = {
    "inbound": {
        "jitter_max_variance": "1.50", "jitter_packet_count": "3", "mos": "4.21", "packet_count": "900",
        "skip_packet_count": "7",
    },
    "outbound": {"packet_count": "899", "skip_packet_count": "1"},
}  # fmt: skip


def measured(port: int, packets: int = 900) -> PortStats:
    inbound = Direction(packets=packets, lost=7, jitter_ms=1.5, mos=4.212, discarded=3)
    return PortStats(port, "opus", 20.0, inbound, Direction(packets=899, lost=1))


class Sent:
    """An outbox that keeps what it is given."""

    def __init__(self) -> None:
        self.sendings: list[Sending] = []

    def writes(self, sendings: Sequence[Sending], now: float) -> Sequence[Any]:
        self.sendings += sendings
        return [Add("events", {"status": "unaddressed"}) for _ in sendings]


class Clock:
    def monotonic(self) -> float:
        return 0.0

    def wall(self) -> float:
        return 0.0


class Telling(FakeShadow):
    """A shadow that tells of what it is given when it is given that, as the real one does."""

    teller: Teller

    async def commit(self, durable: Sequence[Durable]) -> Sequence[Event]:
        self.teller.prepared([each.event for each in durable if isinstance(each, Tell)])
        return await super().commit(durable)


def test_the_end_of_a_leg_tells_how_its_port_was_measured_last() -> None:
    async def script() -> None:
        shadow, sent = Telling(), Sent()
        async with exchange(shadow=shadow) as at:
            shadow.teller = Teller(cast(Outbox, sent), Clock(), SeededChance(), "sip.test", at.quality)
            scene = Scene(at)
            await scene.answered()
            port = at.port_of(scene.alice)
            for packets in (1, 900):
                at.core.tell(QualityMeasured(measured(port, packets)))
            scene.alice.hang_up()
            await sleep(0.1)
            assert sent.sendings[-1].event_type == "call.hangup"
            assert sent.sendings[-1].payload["call_quality_stats"] == STATS
            assert at.quality.take(port) is None  # the port is closed, so nothing is kept of it

    run(script())


def remembered(port: int) -> Quality:
    quality = Quality()
    quality.measured(measured(port))
    return quality


def test_a_port_that_was_never_measured_has_no_statistics() -> None:
    quality = remembered(1)
    assert (quality.take(None), quality.take(2), quality.take(1), quality.take(1)) == (None, None, STATS, None)
