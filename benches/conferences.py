"""What a participant of a three-party conference costs who talks, as the others do: our media core beside aiortc and
Janus, under far ends that say the same. Only the mixing process's CPU is counted."""

import asyncio

import msgspec

from benches import janus, plain_rtp, talkers
from benches.peer import peer
from offhook.media.commands import Codec

PARTIES = 3
SETTLE_SECONDS = 2.0
OURS = "benches.peers.offhook_mixer"
AIORTC = "benches.peers.aiortc_mixer"


class Rooms(msgspec.Struct, frozen=True):
    """So many conferences of three, talked in for so long."""

    conferences: int
    seconds: float

    def milliseconds(self, cpu_seconds: float) -> float:
        """CPU milliseconds for each participant and second."""
        return 1000 * cpu_seconds / (self.conferences * PARTIES) / self.seconds


async def of_peer(module: str, rooms: Rooms, codec: Codec) -> float:
    """CPU milliseconds for each participant and second of one of `benches.peers`, over WebRTC."""
    async with peer(module) as process, talkers.talking() as far_ends:

        async def answer(offer: str) -> str:
            return (await process.ask({"offer": offer}))["answer"]

        for _ in range(rooms.conferences * PARTIES):
            await far_ends.offer(answer, codec)
        await asyncio.sleep(SETTLE_SECONDS)
        before = await process.cpu()
        await asyncio.sleep(rooms.seconds)
        used = await process.cpu() - before
        await far_ends.expect_sound()
    return rooms.milliseconds(used)


async def of_janus(rooms: Rooms) -> float:
    """The same of Janus, over plain RTP, which spares it the encryption; NoPeer where it is not installed."""
    async with janus.running(PARTIES) as bridge, plain_rtp.talking() as far_ends:
        for _ in range(rooms.conferences * PARTIES):
            far_end = far_ends.new()
            far_end.peer = await bridge.join(far_end.address)
        await asyncio.sleep(SETTLE_SECONDS)
        before = bridge.cpu()
        await asyncio.sleep(rooms.seconds)
        used = bridge.cpu() - before
        await far_ends.expect_sound()
    return rooms.milliseconds(used)
