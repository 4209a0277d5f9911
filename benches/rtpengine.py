"""Debian's rtpengine in a process of its own, in user space: what our forwarding of RTP is measured against.

Knows its control protocol (ng: a cookie and a bencoded dictionary each way, over UDP), nothing of what is measured.
"""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncGenerator
from typing import Any

from benches import processes
from benches.processes import NoPeer

START_SECONDS = 10.0
ANSWER_SECONDS = 2.0
# Debian's default range of ports is other programs' as well.
PORTS = (40_000, 49_998)

Document = dict[str, Any]


class Rtpengine(asyncio.DatagramProtocol):
    """A running rtpengine that is asked at `port`; `open` it."""

    def __init__(self, pid: int, port: int) -> None:
        self.port = port
        self._pid = pid
        self._asked: dict[bytes, asyncio.Future[Document]] = {}
        self._cookies = itertools.count()
        self._transport: asyncio.DatagramTransport

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:  # noqa: ARG002
        cookie, _, answer = data.partition(b" ")
        waiting = self._asked.pop(cookie, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(decoded(answer))

    async def open(self) -> None:
        """Wait until it listens. NoPeer where it does not within `START_SECONDS`."""
        for _ in range(int(START_SECONDS / 0.1)):
            with contextlib.suppress(TimeoutError):
                await self._ask({"command": "ping"}, 0.1)
                return
        raise NoPeer("rtpengine does not listen")

    def cpu(self) -> float:
        """CPU seconds that it has used so far, all threads; in steps of 10 ms."""
        return processes.cpu(self._pid)

    async def bridge(self, call: str, offer: str, answer: str) -> tuple[str, str]:
        """Let two far ends hear each other, by the SDP of both; what each is told of the other. The second speaks
        plain RTP whatever the first does."""
        direction: Document = {"call-id": call, "from-tag": "a", "ICE": "remove"}
        offered = {"command": "offer", "sdp": offer, "transport-protocol": "RTP/AVP"}
        to_callee = (await self._ask(direction | offered))["sdp"]
        answered = {"command": "answer", "sdp": answer, "to-tag": "b"}
        return (await self._ask(direction | answered))["sdp"], to_callee

    async def _ask(self, question: Document, seconds: float = ANSWER_SECONDS) -> Document:
        cookie = str(next(self._cookies)).encode()
        self._asked[cookie] = waiting = asyncio.get_running_loop().create_future()
        self._transport.sendto(cookie + b" " + encoded(question))
        async with asyncio.timeout(seconds):
            answer = await waiting
        if answer["result"] not in ("ok", "pong"):
            raise NoPeer(f"rtpengine: {answer.get('error-reason', answer['result'])}")
        return answer


@contextlib.asynccontextmanager
async def running() -> AsyncGenerator[Rtpengine, None]:
    """An rtpengine without its kernel module, which is asked on loopback while the block runs; NoPeer where there is
    none."""
    program, control = processes.program("rtpengine", "rtpengine-daemon"), processes.free_port()
    first, last = PORTS
    command = (
        program, "--config-file=none", "--foreground", "--table=-1", "--interface=127.0.0.1",
        f"--listen-ng=127.0.0.1:{control}", f"--port-min={first}", f"--port-max={last}",
        "--log-stderr", "--log-level=3", "--num-threads=2",
    )  # fmt: skip
    async with processes.running(*command) as pid:
        loop = asyncio.get_running_loop()
        transport, engine = await loop.create_datagram_endpoint(
            lambda: Rtpengine(pid, control), remote_addr=("127.0.0.1", control)
        )
        try:
            await engine.open()
            yield engine
        finally:
            transport.close()


def encoded(value: Document | str | int) -> bytes:
    """Bencoded."""
    match value:
        case dict():
            return b"d" + b"".join(encoded(key) + encoded(value[key]) for key in sorted(value)) + b"e"
        case int():
            return f"i{value}e".encode()
        case str():
            octets = value.encode()
            return f"{len(octets)}:".encode() + octets


def decoded(octets: bytes) -> Document:
    """A bencoded dictionary. ValueError where it is none."""
    if not octets.startswith(b"d"):
        raise ValueError("no dictionary")
    value, _ = _decoded(octets, 0)
    return value


def _decoded(octets: bytes, at: int) -> tuple[Any, int]:
    match octets[at : at + 1]:
        case b"d" | b"l" as kind:
            items, at = _items(octets, at + 1)
            return (dict(zip(items[::2], items[1::2], strict=True)) if kind == b"d" else items), at
        case b"i":
            end = octets.index(b"e", at)
            return int(octets[at + 1 : end]), end + 1
        case _:
            colon = octets.index(b":", at)
            end = colon + 1 + int(octets[at:colon])
            return octets[colon + 1 : end].decode(), end


def _items(octets: bytes, at: int) -> tuple[list[Any], int]:
    items: list[Any] = []
    while octets[at : at + 1] != b"e":
        item, at = _decoded(octets, at)
        items.append(item)
    return items, at + 1
