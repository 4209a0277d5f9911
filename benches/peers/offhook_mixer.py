"""Our own mixer under the same harness as the peers: the media core alone, conferences of three.

The JSON lines are those of `aiortc_mixer`; offers are put together three by three in the order in which they come.
"""

import asyncio

from benches.peers.lines import cpu, questions, tell
from offhook.media.commands import AnswerPort, Convene, CoreConfig, Hear
from offhook.media.core import Core
from offhook.media.events import Described

PARTIES = 3


class Mixer:
    """One core; each three ports meet on a circle."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._gathered: list[int] = []

    def answer(self, offer: str) -> str:
        port = self._core.new_port()
        described = self._core.request(AnswerPort(port=port, offer=offer))
        assert isinstance(described, Described)  # what else answers a request for a description
        self._gathered.append(port)
        if len(self._gathered) == PARTIES:
            circle = self._core.new_port()
            self._core.send(Convene(circle, self._gathered), *(Hear(each, [circle]) for each in self._gathered))
            self._gathered = []
        return described.sdp


async def main() -> None:
    core = Core(CoreConfig(workers=1, quality_every_ms=60_000))
    core.start(asyncio.get_running_loop())
    mixer = Mixer(core)
    async for question in questions():
        match question:
            case {"offer": offer}:
                tell({"answer": mixer.answer(offer)})
            case _:
                tell({"cpu": cpu()})


if __name__ == "__main__":
    asyncio.run(main())
