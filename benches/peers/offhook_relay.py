"""Our own relay under the same harness as the peers: the media core alone, two far ends for each bridge.

The JSON lines are those of `aiortc_relay`; offers are bridged two by two in the order in which they come.
"""

import asyncio

from benches.peers.lines import cpu, questions, tell
from offhook.media.commands import AnswerPort, CoreConfig, Hear, ReadStats
from offhook.media.core import Core, MediaRefused
from offhook.media.events import Described, PortStats


class Relay:
    """One core; port 2n hears port 2n+1 and the other way round."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self.ports: list[int] = []

    def answer(self, offer: str) -> dict[str, str]:
        port = self.core.new_port()
        try:
            described = self.core.request(AnswerPort(port=port, offer=offer))
        except MediaRefused as refused:
            return {"refused": str(refused)}
        assert isinstance(described, Described)  # what else answers an offer
        self.ports.append(port)
        if len(self.ports) % 2 == 0:
            a, b = self.ports[-2:]
            self.core.send(Hear(port=a, speakers=[b]), Hear(port=b, speakers=[a]))
        return {"answer": described.sdp}

    def relayed(self) -> int:
        stats = [self.core.request(ReadStats(port=port)) for port in self.ports]
        return sum(row.inbound.packets for row in stats if isinstance(row, PortStats))


async def main() -> None:
    core = Core(CoreConfig(workers=1, quality_every_ms=60_000))
    core.start(asyncio.get_running_loop())
    relay = Relay(core)
    async for question in questions():
        match question:
            case {"offer": offer}:
                tell(relay.answer(offer))
            case _:
                tell({"cpu": cpu(), "relayed": relay.relayed()})


if __name__ == "__main__":
    asyncio.run(main())
