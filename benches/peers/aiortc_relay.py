"""The named peer: an aiortc relay between far ends, forwarding packets or decoding and encoding them.

A process of its own, told by JSON lines on standard input: `{"offer": sdp}` is answered with `{"answer": sdp}`, and far
ends are bridged two by two in the order in which they come; `{"cpu": true}` is answered with the CPU seconds used so
far and the packets relayed. Written as an aiortc user would, but for the forwarding, which aiortc has no interface for.
"""

import asyncio
import sys
from typing import Any

from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.rtp import RtpPacket

from benches.peers.lines import cpu, questions, tell


class Crossing(MediaStreamTrack):
    """What one far end is sent: the frames of the other, decoded by aiortc and encoded again."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self.source: asyncio.Future[MediaStreamTrack] = asyncio.get_running_loop().create_future()
        self.relayed = 0

    async def recv(self) -> Any:
        frame = await (await self.source).recv()
        self.relayed += 1
        return frame


class Leg:
    """One far end, and what it is sent."""

    def __init__(self) -> None:
        self.connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.crossing = Crossing()
        self.other: Leg | None = None
        self.track: MediaStreamTrack | None = None
        self.forwarded = 0

    async def answer(self, offer: str, forward: bool) -> str:
        self.connection.on("track", self._heard)
        await self.connection.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        if forward:
            self.connection.getTransceivers()[0].direction = "sendrecv"
            self.connection.getReceivers()[0]._handle_rtp_packet = self._forward
        else:
            self.connection.addTrack(self.crossing)
        await self.connection.setLocalDescription(await self.connection.createAnswer())
        return self.connection.localDescription.sdp

    def bridge(self, other: "Leg") -> None:
        """Each is sent what the other says; both have been answered."""
        self.other, other.other = other, self
        for leg in (self, other):
            if leg.track is not None:
                leg.other.crossing.source.set_result(leg.track)

    def _heard(self, track: MediaStreamTrack) -> None:
        self.track = track

    async def _forward(self, packet: RtpPacket, arrival_time_ms: int) -> None:
        """Hand a received packet to the other far end's transport, with its SSRC, undecoded."""
        del arrival_time_ms
        if self.other is None:
            return
        sender = self.other.connection.getSenders()[0]
        packet.ssrc = sender._ssrc
        self.forwarded += 1
        try:
            await sender.transport._send_rtp(packet.serialize())
        except ConnectionError:
            return


class Relay:
    """All legs, two by two."""

    def __init__(self, forward: bool) -> None:
        self._forward = forward
        self._legs: list[Leg] = []

    async def answer(self, offer: str) -> str:
        leg = Leg()
        answer = await leg.answer(offer, self._forward)
        self._legs.append(leg)
        if len(self._legs) % 2 == 0:
            leg.bridge(self._legs[-2])
        return answer

    def relayed(self) -> int:
        return sum(leg.forwarded + leg.crossing.relayed for leg in self._legs)

    async def close(self) -> None:
        await asyncio.gather(*(leg.connection.close() for leg in self._legs))


async def main(mode: str) -> None:
    relay = Relay(forward=mode == "forward")
    async for question in questions():
        match question:
            case {"offer": offer}:
                tell({"answer": await relay.answer(offer)})
            case _:
                tell({"cpu": cpu(), "relayed": relay.relayed()})
    await relay.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
