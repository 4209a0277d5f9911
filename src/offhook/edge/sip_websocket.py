"""SIP over WebSocket (RFC 7118): an aiohttp handler whose sockets are flows like any other. Knows nothing of calls.

It shares the HTTP port with the browser SDK's door; the subprotocol `sip` tells them apart.
"""

import asyncio

import structlog
from aiohttp import WSMsgType, hdrs, web

from offhook.edge.rtc_writer import AIOHTTP_LIMIT, Writer
from offhook.edge.sip_transport import PROVED_SECONDS, STRANGER_SECONDS, Address, Flow, Receiver, Transport
from offhook.engine.ports import Clock
from offhook.wire.sip_framing import MAX_BODY, MAX_HEAD, read_datagram
from offhook.wire.sip_headers import Via

_log = structlog.get_logger("offhook.edge")

SUBPROTOCOL = "sip"
CLOSE_SECONDS = 5.0


def wants_sip(request: web.Request) -> bool:
    """Whether a request for `/` is for this door."""
    asked = request.headers.getall(hdrs.SEC_WEBSOCKET_PROTOCOL, [])
    return any(name.strip().lower() == SUBPROTOCOL for value in asked for name in value.split(","))


class SipWebsockets:
    """All websockets that speak SIP."""

    def __init__(self, receiver: Receiver, clock: Clock) -> None:
        self._receiver = receiver
        self._clock = clock
        self._flows: set[WebsocketFlow] = set()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One client, from upgrade to close."""
        websocket = web.WebSocketResponse(
            protocols=(SUBPROTOCOL,),
            compress=False,
            max_msg_size=MAX_HEAD + MAX_BODY + 1,
            timeout=CLOSE_SECONDS,
            writer_limit=AIOHTTP_LIMIT,
        )
        await websocket.prepare(request)
        flow = WebsocketFlow(request, websocket, self._receiver, self._clock)
        self._flows.add(flow)
        try:
            await flow.run()
        finally:
            self._flows.discard(flow)
            self._receiver.lost(flow)
            await flow.stop()
        return websocket

    async def close(self) -> None:
        """Every socket is closed when this returns."""
        await asyncio.gather(*(flow.leave() for flow in tuple(self._flows)))


class WebsocketFlow:
    """One websocket; each of its messages is one of SIP."""

    def __init__(
        self, request: web.Request, websocket: web.WebSocketResponse, receiver: Receiver, clock: Clock
    ) -> None:
        transport = request.transport
        assert isinstance(transport, asyncio.Transport)  # prepared a moment ago, in this same task
        self.transport: Transport = "WSS" if request.secure else "WS"
        self.peer: Address = (transport.get_extra_info("peername") or ("", 0))[:2]
        self.local: Address = (transport.get_extra_info("sockname") or ("", 0))[:2]
        self._websocket = websocket
        self._way = transport
        self._receiver = receiver
        self._writer = Writer(websocket, transport, clock, self._overflowed)
        self._patience = STRANGER_SECONDS

    async def run(self) -> None:
        """Read until it is over, or brings nothing for too long."""
        while True:
            try:
                message = await self._websocket.receive(self._patience)
            except TimeoutError:
                self.close()
                return
            if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                return
            self._take(message.data)

    def _take(self, data: str | bytes) -> None:
        octets = data.encode() if isinstance(data, str) else data
        if not octets.strip(b"\r\n"):
            self.send(b"\r\n")  # RFC 7118 section 6: a keep-alive as over any connection
            return
        item = read_datagram(octets)
        if item is not None:
            self._receiver.heard(item, self)

    @property
    def is_open(self) -> bool:
        return not self._websocket.closed

    def send(self, octets: bytes) -> bool:
        if self._websocket.closed:
            return False
        self._writer.write([octets])
        self._writer.flush_soon()
        return True

    def answering(self, via: Via) -> Flow:  # noqa: ARG002
        return self

    def proved(self) -> None:
        self._patience = PROVED_SECONDS

    def close(self) -> None:
        self._way.abort()

    async def leave(self) -> None:
        """Send what is queued, and close in good order."""
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._writer.flush()
                await self._websocket.close()
        except TimeoutError:
            self.close()

    async def stop(self) -> None:
        """No task stays behind."""
        await self._writer.stop()

    def _overflowed(self) -> None:
        _log.warning("sip.dropped", why="send queue is full")
        self._way.abort()
