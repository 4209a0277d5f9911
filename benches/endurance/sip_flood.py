"""A flood of SIP requests that nobody proves, from many addresses, beside phones that do (case SIP-06)."""

import asyncio
import contextlib
import random
import socket

from benches import scenarios, sipp
from benches.endurance.promise import Promise, Run
from benches.platform import running

SOURCES = 200  # addresses of loopback, with as many sockets
BURST = 32
PHONES = 20
AT_ONCE = 4
SPARE_BYTES = 100 << 20
METHODS = ("REGISTER", "SUBSCRIBE", "NOTIFY", "PUBLISH", "MESSAGE", "INVITE", "OPTIONS")


async def sip_flood(run: Run) -> list[Promise]:
    """Whoever proves nothing keeps nobody out, and nothing is kept of him."""
    async with running("--log-level", "error") as platform:
        phones = await platform.credentials(PHONES)
        host, _, port = platform.sip_address.rpartition(":")
        with sipp.opened(sipp.Server(platform.sip_address, platform.domain)) as far_ends:
            await far_ends.run(scenarios.registers(), phones, PHONES, AT_ONCE)
            memory, files = platform.resident(), platform.files()
            flooding = asyncio.create_task(_flood((host, int(port)), run.many(500_000, least=5_000), run.chance))
            rounds = 0
            while not flooding.done():
                await far_ends.run(scenarios.registers(), phones, PHONES, AT_ONCE)  # raises where one of them fails
                rounds += 1
            sent = await flooding
        grown, more = platform.resident() - memory, platform.files() - files
        kept = grown < SPARE_BYTES and more <= 0
        return [
            Promise("phones register beside a flood of SIP", rounds > 0, f"{rounds * PHONES} beside {sent} requests"),
            Promise("nothing is kept of it", kept, f"{grown >> 10:+d} KiB, {more:+d} files"),
        ]


async def _flood(platform: tuple[str, int], count: int, chance: random.Random) -> int:
    sockets = [_socket(number) for number in range(SOURCES)]
    sent = 0
    try:
        for number in range(count):
            with contextlib.suppress(BlockingIOError):
                sent += sockets[number % SOURCES].sendto(_request(number, chance), platform) > 0
            if number % BURST == 0:
                await asyncio.sleep(0.001)
    finally:
        for each in sockets:
            each.close()
    return sent


def _socket(number: int) -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.setblocking(False)
    made.bind((f"127.1.0.{number + 1}", 0))
    return made


def _request(number: int, chance: random.Random) -> bytes:
    method, user = chance.choice(METHODS), chance.randrange(10**6)
    return (
        f"{method} sip:{user}@sip.telnyx.com SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK{number};rport\r\n"
        f"From: <sip:911@sip.telnyx.com>;tag={number}\r\nTo: <sip:{user}@sip.telnyx.com>\r\n"
        f"Call-ID: {chance.random()}\r\n"
        f"CSeq: 1 {method}\r\nMax-Forwards: 70\r\nContact: <sip:911@127.0.0.1>\r\nContent-Length: 0\r\n\r\n"
    ).encode()
