"""The demo's telephone network: a carrier's gateway that makes a call over SIP and RTP, and says what it must."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncGenerator

from offhook.client import media
from offhook.client.audio import Tone
from offhook.client.media import Port
from offhook.client.sinks import Ear
from offhook.errors import OffhookError
from offhook.wire.sip_admission import respond
from offhook.wire.sip_dialog import Dialog, as_uac
from offhook.wire.sip_fields import Fields
from offhook.wire.sip_framing import read_datagram
from offhook.wire.sip_message import Request, Response, write

HOST = "127.0.0.1"
SECONDS = 10.0
SDP: Fields = (("Content-Type", "application/sdp"),)


class Gateway(asyncio.DatagramProtocol):
    """One UDP socket of a carrier, which makes one call at a time to the platform at `platform`."""

    def __init__(self, platform: tuple[str, int]) -> None:
        self._platform = platform
        self._came: asyncio.Queue[Request | Response] = asyncio.Queue()
        self._way: asyncio.DatagramTransport

    @property
    def uri(self) -> str:
        """Where it is reached."""
        return f"sip:{HOST}:{self._way.get_extra_info('sockname')[1]}"

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:
        self._way = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:  # noqa: ARG002
        item = read_datagram(data)
        if isinstance(item, Request | Response):
            self._came.put_nowait(item)

    @contextlib.asynccontextmanager
    async def calling(self, caller: str, number: str, hz: float) -> AsyncGenerator[SipCall, None]:
        """A call to `number` with a tone, answered, while the block runs."""
        core = media.acquire(HOST)
        port = Port(core, lambda _: None)
        try:
            yield await self._call(port, caller, number, hz)
        finally:
            port.close()
            media.release(HOST)

    async def _call(self, port: Port, caller: str, number: str, hz: float) -> SipCall:
        offer = port.offer(["pcmu"], trickle=False, profile="rtp")
        invite = self._invite(caller, number, offer)
        self.send(invite)
        response = await self.final()
        if response.status != 200:
            raise OffhookError(f"the carrier's call was answered {response.status} {response.reason}")
        port.accept(response.body.decode())
        dialog, ack = as_uac(invite, response).request("ACK", self.via(), sequence=response.cseq.number)
        self.send(ack)
        return SipCall(self, dialog, port, hz)

    def _invite(self, caller: str, number: str, offer: str) -> Request:
        fields: Fields = (
            ("Via", self.via()),
            ("Max-Forwards", "70"),
            ("From", f"<sip:{caller}@{HOST}>;tag={secrets.token_hex(6)}"),
            ("To", f"<sip:{number}@{HOST}>"),
            ("Call-ID", secrets.token_hex(12)),
            ("CSeq", "1 INVITE"),
            ("Contact", f"<{self.uri}>"),
            *SDP,
        )
        return Request(method="INVITE", uri=f"sip:{number}@{HOST}", fields=fields, body=offer.encode())

    async def final(self) -> Response:
        """The next final response; TimeoutError where none comes."""
        async with asyncio.timeout(SECONDS):
            while True:
                item = await self._came.get()
                if isinstance(item, Response) and item.status >= 200:
                    return item
                if isinstance(item, Request) and item.method != "ACK":
                    self.send(respond(item, 200, ""))

    def send(self, message: Request | Response) -> None:
        self._way.sendto(write(message), self._platform)

    def via(self) -> str:
        return f"SIP/2.0/UDP {self.uri.removeprefix('sip:')};branch=z9hG4bK{secrets.token_hex(8)};rport"


class SipCall:
    """One that was answered: it plays its tone from now on; `ear` hears the other side."""

    def __init__(self, gateway: Gateway, dialog: Dialog, port: Port, hz: float) -> None:
        self.ear = Ear()
        self._gateway = gateway
        self._dialog = dialog
        self._port = port
        port.listen(8_000, self.ear.write)
        port.playout.flow()
        self._playing = asyncio.create_task(self._play(Tone(hz)))

    async def _play(self, tone: Tone) -> None:
        async for frame in tone.frames():
            self._port.playout.write(frame.pcm, frame.rate)
            await self._port.playout.until(500)

    def press(self, digits: str) -> None:
        """Send DTMF."""
        self._port.press(digits)

    async def hangup(self) -> None:
        """Say BYE, and wait until that is known."""
        self._playing.cancel()
        await asyncio.gather(self._playing, return_exceptions=True)
        self._dialog, bye = self._dialog.request("BYE", self._gateway.via())
        self._gateway.send(bye)
        await self._gateway.final()


@contextlib.asynccontextmanager
async def gateway(address: str) -> AsyncGenerator[Gateway, None]:
    """A carrier's gateway while the block runs; `address` is where the platform takes SIP."""
    host, _, port = address.rpartition(":")
    loop = asyncio.get_running_loop()
    way, made = await loop.create_datagram_endpoint(lambda: Gateway((host, int(port))), local_addr=(HOST, 0))
    try:
        yield made
    finally:
        way.close()
