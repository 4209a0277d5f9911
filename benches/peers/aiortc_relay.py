"""The named peer: an aiortc relay between two far ends, forwarding packets or decoding and encoding them.

A process of its own, told by JSON lines on standard input: `{"offer": sdp}` (twice, once for each far end) is
answered with `{"answer": sdp}`, `{"cpu": true}` with the CPU seconds used so far and the packets relayed.
"""

import asyncio
import json
import resource
import sys
from typing import Any

from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.rtp import RtpPacket


class Crossing(MediaStreamTrack):
    """What one far end is sent: the frames of the other, decoded by aiortc and encoded again."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self.source: asyncio.Future[MediaStreamTrack] = asyncio.get_running_loop().create_future()
        self.relayed = 0

    async def recv(self) -> Any:
        track = await self.source
        self.relayed += 1
        return await track.recv()


class Relay:
    """Two peer connections, each of which is sent what the other receives."""

    def __init__(self, forward: bool) -> None:
        self.forward = forward
        self.legs: list[RTCPeerConnection] = []
        self.crossings: list[Crossing] = []
        self.forwarded = 0

    async def answer(self, offer: str) -> str:
        leg = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        crossing = Crossing()
        self.legs.append(leg)
        self.crossings.append(crossing)
        index = len(self.legs) - 1

        @leg.on("track")
        def _(track: MediaStreamTrack) -> None:
            if not self.forward:
                other = self.crossings[1 - index] if len(self.crossings) > 1 - index else None
                self._cross(index, track, other)

        await leg.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        if not self.forward:
            leg.addTrack(crossing)
        else:
            leg.getTransceivers()[0].direction = "sendrecv"
        await leg.setLocalDescription(await leg.createAnswer())
        if self.forward:
            self._forward_from(leg, index)
        return leg.localDescription.sdp

    def _cross(self, index: int, track: MediaStreamTrack, other: Crossing | None) -> None:
        if other is not None:
            other.source.set_result(track)
            return
        asyncio.get_running_loop().call_later(0.05, lambda: self._cross_later(index, track))

    def _cross_later(self, index: int, track: MediaStreamTrack) -> None:
        other = self.crossings[1 - index] if len(self.crossings) == 2 else None
        self._cross(index, track, other)

    def _forward_from(self, leg: RTCPeerConnection, index: int) -> None:
        """Hand each received packet to the other far end's transport, with its SSRC, undecoded."""
        receiver = leg.getReceivers()[0]

        async def handle(packet: RtpPacket, arrival_time_ms: int) -> None:  # noqa: ARG001 - aiortc's signature
            if len(self.legs) < 2:
                return
            sender = self.legs[1 - index].getSenders()[0]
            packet.ssrc = sender._ssrc
            self.forwarded += 1
            try:
                await sender.transport._send_rtp(packet.serialize())
            except ConnectionError:
                return

        receiver._handle_rtp_packet = handle

    def relayed(self) -> int:
        return self.forwarded + sum(crossing.relayed for crossing in self.crossings)


async def main(mode: str) -> None:
    relay = Relay(forward=mode == "forward")
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        match json.loads(line):
            case {"offer": offer}:
                reply: dict[str, Any] = {"answer": await relay.answer(offer)}
            case _:
                usage = resource.getrusage(resource.RUSAGE_SELF)
                reply = {"cpu": usage.ru_utime + usage.ru_stime, "relayed": relay.relayed()}
        print(json.dumps(reply), flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
