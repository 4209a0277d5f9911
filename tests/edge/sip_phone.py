"""A SIP phone for tests, whose every message the test writes or sees: sockets, digest and dialogs, no opinion."""

import asyncio
import ssl
from collections.abc import Callable
from itertools import count
from typing import Literal, TypeVar

import aiohttp

from offhook.client.media import Port
from offhook.edge.server import Platform
from offhook.media import events
from offhook.media.commands import CoreConfig
from offhook.media.core import Core
from offhook.wire.digest import choose, parse_challenge, respond_to
from offhook.wire.sip_admission import respond
from offhook.wire.sip_dialog import Dialog, as_uac, as_uas, record_route
from offhook.wire.sip_fields import Fields
from offhook.wire.sip_framing import KeepAlive, Stream, read_datagram
from offhook.wire.sip_message import Request, Response, write
from offhook.wire.sip_requests import ack_of
from offhook.wire.sip_uri import write_host

Transport = Literal["UDP", "TCP", "TLS", "WS"]
SECONDS = 10.0
SDP: Fields = (("Content-Type", "application/sdp"),)
M = TypeVar("M", Request, Response)
_serial = count(1)


class SipPhone:
    """Open it with `opened`, as a context manager."""

    def __init__(self, platform: Platform, user: str, password: str, transport: Transport) -> None:
        self.platform = platform
        self.user, self.password = user, password
        self.transport = transport
        self.domain = platform.env["OFFHOOK_SIP_DOMAIN"]
        self.local = ("", 0)
        self.core = Core(CoreConfig(bind=["127.0.0.1"]))
        self.media_up = asyncio.Event()
        self.unread: list[Request | Response] = []
        self.keep_alives: list[KeepAlive] = []
        self._send: Callable[[bytes], object]
        self._came = asyncio.Event()
        self._stream = Stream()
        self._tasks: list[asyncio.Task[None]] = []
        self._close: list[Callable[[], object]] = []
        self._session: aiohttp.ClientSession | None = None
        self._websocket: aiohttp.ClientWebSocketResponse | None = None
        self.lost = asyncio.Event()

    async def __aenter__(self) -> "SipPhone":
        self.core.start(asyncio.get_running_loop())
        host, _, port = self.platform.env["OFFHOOK_SIP_ADDRESS"].rpartition(":")
        match self.transport:
            case "UDP":
                await self._open_udp(host.strip("[]"), int(port))
            case "TCP":
                await self._open_stream(host.strip("[]"), int(port), None)
            case "TLS":
                context = ssl.create_default_context()
                context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
                host, _, port = self.platform.env["OFFHOOK_SIP_TLS_ADDRESS"].rpartition(":")
                await self._open_stream(host.strip("[]"), int(port), context)
            case "WS":
                await self._open_websocket()
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for close in self._close:
            close()
        if self._session is not None and self._websocket is not None:
            await self._websocket.close()
            await self._session.close()
        self.core.close()

    # ---- sockets -------------------------------------------------------------------------------------------

    async def _open_udp(self, host: str, port: int) -> None:
        phone = self

        class Datagrams(asyncio.DatagramProtocol):
            def datagram_received(self, data: bytes, addr: object) -> None:
                item = read_datagram(data)
                if isinstance(item, Request | Response):
                    phone.take(item)

        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(Datagrams, remote_addr=(host, port))
        self.local = transport.get_extra_info("sockname")[:2]
        self._send = transport.sendto
        self._close.append(transport.close)

    async def _open_stream(self, host: str, port: int, context: ssl.SSLContext | None) -> None:
        reader, writer = await asyncio.open_connection(host, port, ssl=context)
        self.local = writer.get_extra_info("sockname")[:2]
        self._send = writer.write
        self._close.append(writer.close)

        async def read() -> None:
            while octets := await reader.read(65536):
                for item in self._stream.receive(octets):
                    if isinstance(item, KeepAlive):
                        self.keep_alives.append(item)
                        self._came.set()
                    elif isinstance(item, Request | Response):  # a response to others' Vias is none of ours
                        self.take(item)
            self.lost.set()

        self._tasks.append(asyncio.create_task(read()))

    async def _open_websocket(self) -> None:
        self._session = session = aiohttp.ClientSession()
        self._websocket = websocket = await session.ws_connect(self.platform.env["OFFHOOK_WS_URL"], protocols=("sip",))
        assert websocket.protocol == "sip"
        self.local = ("df7jal23ls0d.invalid", 5060)
        outgoing: asyncio.Queue[bytes] = asyncio.Queue()
        self._send = outgoing.put_nowait

        async def write_all() -> None:
            while True:
                octets = await outgoing.get()
                try:
                    await websocket.send_str(octets.decode())
                except UnicodeDecodeError:
                    await websocket.send_bytes(octets)

        async def read() -> None:
            async for message in websocket:
                item = read_datagram(message.data.encode())
                if isinstance(item, Request | Response):
                    self.take(item)
            self.lost.set()

        self._tasks += [asyncio.create_task(write_all()), asyncio.create_task(read())]

    def take(self, item: Request | Response) -> None:
        self.unread.append(item)
        self._came.set()

    def send(self, message: Request | Response | bytes) -> None:
        self._send(message if isinstance(message, bytes) else write(message))

    # ---- what comes ----------------------------------------------------------------------------------------

    async def _next(self, kind: type[M], fits: Callable[[M], bool]) -> M:
        async with asyncio.timeout(SECONDS):
            while True:
                for item in self.unread:
                    if isinstance(item, kind) and fits(item):
                        self.unread.remove(item)
                        return item
                self._came.clear()
                await self._came.wait()

    async def request(self, method: str) -> Request:
        """The next request of that method."""
        return await self._next(Request, lambda it: it.method == method)

    async def response(self, to: Request, lowest: int = 200) -> Response:
        """The next response to a request, of that status or higher."""

        def fits(it: Response) -> bool:
            return it.cseq == to.cseq and it.call_id == to.call_id and it.status >= lowest

        return await self._next(Response, fits)

    async def kept_alive(self) -> KeepAlive:
        async with asyncio.timeout(SECONDS):
            while not self.keep_alives:
                self._came.clear()
                await self._came.wait()
        return self.keep_alives.pop()

    # ---- what goes out -------------------------------------------------------------------------------------

    def via(self) -> str:
        return f"SIP/2.0/{self.transport} {write_host(*self.local)};branch=z9hG4bK{next(_serial)}-{id(self)};rport"

    @property
    def contact(self) -> str:
        return f"<sip:{self.user}@{write_host(*self.local)};transport={self.transport.lower()}>"

    def new(self, method: str, uri: str, more: Fields = (), body: bytes = b"", to: str = "", cseq: int = 1) -> Request:
        fields = (
            ("Via", self.via()),
            ("Max-Forwards", "70"),
            ("From", f"<sip:{self.user}@{self.domain}>;tag=t{next(_serial)}"),
            ("To", to or f"<{uri}>"),
            ("Call-ID", f"call{next(_serial)}@{id(self)}"),
            ("CSeq", f"{cseq} {method}"),
            *more,
        )
        return Request(method=method, uri=uri, fields=fields, body=body)

    def proving(self, request: Request, challenged: Response, password: str = "") -> Request:
        """The same request once more, with credentials."""
        name = "WWW-Authenticate" if challenged.status == 401 else "Proxy-Authenticate"
        challenges = [found for value in challenged.every(name) if (found := parse_challenge(value)) is not None]
        chosen = choose(challenges)
        assert chosen is not None
        proof = respond_to(chosen, self.user, password or self.password, request.method, request.uri, "0a4f113b")
        header = "Authorization" if challenged.status == 401 else "Proxy-Authorization"
        fields = [field for field in request.fields if field[0] not in ("Via", "CSeq", header)]
        head = (("Via", self.via()), ("CSeq", f"{request.cseq.number + 1} {request.method}"), (header, str(proof)))
        return Request(method=request.method, uri=request.uri, fields=(*head, *fields), body=request.body)

    async def ask(self, request: Request) -> tuple[Request, Response]:
        """Send it, and once more with credentials if it is challenged: what was sent last and its final response."""
        self.send(request)
        response = await self.response(request)
        if response.status not in (401, 407):
            return request, response
        if request.method == "INVITE":
            self.send(ack_of(request, response))
        proved = self.proving(request, response)
        self.send(proved)
        return proved, await self.response(proved)

    async def register(self, *contacts: str, expires: int = 3600, more: Fields = (), to: str = "") -> Response:
        fields = (*(("Contact", each) for each in contacts or (self.contact,)), ("Expires", str(expires)), *more)
        whom = to or f"<sip:{self.user}@{self.domain}>"
        _, response = await self.ask(self.new("REGISTER", f"sip:{self.domain}", fields, to=whom))
        return response

    # ---- calls ---------------------------------------------------------------------------------------------

    def port(self) -> Port:
        """A media end of the phone's own."""
        return Port(self.core, self._media_event)

    def _media_event(self, event: events.Event) -> None:
        if isinstance(event, events.PortConnected):
            self.media_up.set()

    async def invite(self, destination: str, body: bytes, more: Fields = ()) -> "SipCall":
        """Dial; the call once the INVITE with credentials is on its way."""
        fields = (("Contact", self.contact), *(SDP if body else ()), *more)
        request = self.new("INVITE", f"sip:{destination}@{self.domain}", fields, body)
        self.send(request)
        challenged = await self.response(request)
        assert challenged.status == 407
        self.send(ack_of(request, challenged))
        proved = self.proving(request, challenged)
        self.send(proved)
        return SipCall(self, proved)

    async def called(self) -> "SipCall":
        """The next call to this phone, not answered yet."""
        request = await self.request("INVITE")
        return SipCall(self, request)


class SipCall:
    """One call of a phone, whoever made it."""

    def __init__(self, phone: SipPhone, invite: Request) -> None:
        self.phone = phone
        self.invite = invite
        self.dialog: Dialog | None = None
        self.tag = f"mine{next(_serial)}"

    async def heard(self, status: int) -> Response:
        """The next response to our INVITE of that status."""
        return await self.phone._next(Response, lambda it: it.call_id == self.invite.call_id and it.status == status)

    async def accepted(self) -> Response:
        """Our INVITE's 2xx, acknowledged."""
        response = await self.phone.response(self.invite)
        assert response.status == 200, response.status
        self.acknowledge(response)
        return response

    def acknowledge(self, response: Response, body: bytes = b"") -> None:
        self.dialog = as_uac(self.invite, response)
        more = SDP if body else ()
        self.dialog, ack = self.dialog.request("ACK", self.phone.via(), more, body, sequence=response.cseq.number)
        self.phone.send(ack)

    def respond(self, status: int, body: bytes = b"", more: Fields = ()) -> Response:
        """Respond to the INVITE that we got."""
        contact = ("Contact", self.phone.contact)
        fields = (*record_route(self.invite), contact, *more, *(SDP if body else ()))
        response = respond(self.invite, status, self.tag, fields, body)
        if status > 100:
            self.dialog = as_uas(self.invite, self.tag, status)
        self.phone.send(response)
        return response

    def start(self, method: str, more: Fields = (), body: bytes = b"") -> Request:
        """Send a request within the dialog."""
        assert self.dialog is not None
        fields = (("Contact", self.phone.contact), *more, *(SDP if body else ()))
        self.dialog, request = self.dialog.request(method, self.phone.via(), fields, body)
        self.phone.send(request)
        return request

    async def ask(self, method: str, more: Fields = (), body: bytes = b"") -> Response:
        """Send a request within the dialog; its final response, acknowledged where it has to be."""
        request = self.start(method, more, body)
        response = await self.phone.response(request)
        if method == "INVITE":
            assert self.dialog is not None
            if response.status < 300:
                self.dialog, ack = self.dialog.request("ACK", self.phone.via(), sequence=request.cseq.number)
                self.phone.send(ack)
            else:
                self.phone.send(ack_of(request, response))
        return response

    async def ends(self) -> Request:
        """The BYE of the other side, answered."""
        bye = await self.phone.request("BYE")
        self.phone.send(respond(bye, 200, ""))
        return bye
