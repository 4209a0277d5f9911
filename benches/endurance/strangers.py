"""Datagrams of strangers against the media port, beside a call that is talked on."""

import asyncio
import random
import re
import socket

from benches.crowd import RealAudio, crowd
from benches.endurance.promise import Promise, Run
from benches.platform import running
from offhook.media.commands import ReadStats
from offhook.media.core import Core
from offhook.media.events import PortStats

SOCKETS = 16
BURST = 64
SPARE_BYTES = 8 << 20


class _NotedAudio(RealAudio):
    """Real audio that remembers its ports and where the platform's is."""

    def __init__(self, core: Core) -> None:
        self.opened: list[int] = []
        self.media_port = 0
        super().__init__(core, self.opened.append)

    def answer(self, call: str, offer: str) -> str:
        found = re.search(r"a=candidate:\S+ 1 udp \d+ \S+ (\d+)", offer, re.IGNORECASE)
        if found is None:
            raise ValueError("the platform's offer has no candidate")
        self.media_port = int(found[1])
        return super().answer(call, offer)


async def strangers(run: Run) -> list[Promise]:
    """Nothing is done for a stranger: the call goes on, and nothing is kept of what they sent."""
    async with running("--log-level", "error") as platform, crowd(platform.ws_url) as gathered:
        audio = _NotedAudio(gathered.core)
        caller, callee = await platform.credentials(2)
        far_end = await gathered.join(caller, audio)
        await gathered.join(callee, audio)
        call = await far_end.call(f"{callee.login}@{platform.domain}")
        await asyncio.sleep(1)
        memory, files = platform.resident(), platform.files()
        count = run.many(500_000, least=10_000)
        await _flood(audio.media_port, count, run.chance)
        before = _heard(gathered.core, audio.opened)
        await asyncio.sleep(1)
        after = _heard(gathered.core, audio.opened)
        # Before anything is asked over HTTP, whose connection is a file as well.
        grown, more = platform.resident() - memory, platform.files() - files
        live = await platform.live_legs()
        await far_end.hang_up(call)
        flows = all(now > then for then, now in zip(before, after, strict=True))
        return [
            Promise("a call goes on beside strangers", flows and len(live) == 2, f"{count} datagrams, audio both ways"),
            _nothing_kept(grown, more),
        ]


def _nothing_kept(grown: int, more: int) -> Promise:
    kept = grown < SPARE_BYTES and more <= 0
    return Promise("nothing is kept of them", kept, f"{grown / 1024:+.0f} KiB, {more:+d} files")


def _heard(core: Core, ports: list[int]) -> list[int]:
    """Packets that each far end has got so far."""
    stats = [core.request(ReadStats(port)) for port in ports]
    return [row.inbound.packets for row in stats if isinstance(row, PortStats)]


async def _flood(port: int, count: int, chance: random.Random) -> None:
    """What looks like STUN, DTLS, RTP and RTCP, and noise, from many addresses."""
    sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(SOCKETS)]
    for each in sockets:
        each.setblocking(False)
    try:
        for number in range(count):
            try:
                sockets[number % SOCKETS].sendto(_datagram(chance), ("127.0.0.1", port))
            except (BlockingIOError, ConnectionError):
                continue
            if number % BURST == 0:
                await asyncio.sleep(0)
    finally:
        for each in sockets:
            each.close()


_HEADS = (
    b"\x00\x01\x00\x08\x21\x12\xa4\x42",  # a STUN binding request
    b"\x01\x01\x00\x08\x21\x12\xa4\x42",  # its success
    b"\x16\xfe\xfd\x00\x00\x00\x00\x00\x00\x00\x00",  # a DTLS handshake record
    b"\x15\xfe\xfd\x00\x01\x00\x00\x00\x00\x00\x00",  # a DTLS alert
    b"\x80\x6f",  # RTP
    b"\x81\xc9",  # RTCP
    b"",
)


def _datagram(chance: random.Random) -> bytes:
    return chance.choice(_HEADS) + chance.randbytes(chance.choice((0, 4, 12, 40, 172, 1_400)))
