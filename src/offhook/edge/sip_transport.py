"""SIP's sockets: UDP, TCP and TLS listeners, and the connections over them. Knows framing, nothing of transactions.

What a far end sent goes up with its `Flow`, which is the way back to it. A connection that brings nothing useful is
closed: soon while nobody has proved anything over it, after the longest registration otherwise.
"""

import asyncio
import contextlib
import socket
import ssl
from typing import Literal, Protocol

import structlog

from offhook.voice.binding import Profile
from offhook.wire import stun_keepalive as stun
from offhook.wire.sip_admission import Refused
from offhook.wire.sip_framing import KeepAlive, Stream, Unframed, read_datagram
from offhook.wire.sip_headers import Via
from offhook.wire.sip_message import Request, Response

_log = structlog.get_logger("offhook.edge")

Transport = Literal["UDP", "TCP", "TLS", "WS", "WSS"]
Address = tuple[str, int]

STRANGER_SECONDS = 30.0
PROVED_SECONDS = 7500.0  # more than the longest registration
MESSAGE_SECONDS = 20.0  # from the first octet of a message to its last
MAX_CONNECTIONS = 10_000
MAX_UNSENT = 256 * 1024
TLS_SECONDS = 10.0
PORT_ATTEMPTS = 20
BURST = 32
MAX_DATAGRAM = 65_535


class Flow(Protocol):
    """The way back to a far end (RFC 5626). Two of the same way are equal; `peer` is where it is, `local` where it
    reaches us."""

    @property
    def transport(self) -> Transport: ...
    @property
    def peer(self) -> Address: ...
    @property
    def local(self) -> Address: ...

    @property
    def is_open(self) -> bool:
        """Whether anything can be sent over it."""
        ...

    def send(self, octets: bytes) -> bool:
        """One message. False where the way is gone; whether it arrives nobody knows."""
        ...

    def answering(self, via: Via) -> "Flow":
        """The way that answers to a request with this top Via go, once `came_from` was called of it."""
        ...

    def proved(self) -> None:
        """Somebody has proved over it who it is: it may stay open."""
        ...

    def close(self) -> None: ...


class Receiver(Protocol):
    """Who takes what comes in. Neither method raises."""

    def heard(self, item: Request | Response | Refused, flow: Flow) -> None: ...

    def lost(self, flow: Flow) -> None:
        """A connection is gone; nothing comes over it any more."""
        ...


def is_reliable(flow: Flow) -> bool:
    """Whether it is a connection, over which nothing gets lost on the way."""
    return flow.transport != "UDP"


def profile_of(flow: Flow) -> Profile:
    """What a phone at the other end is offered: those that come over a websocket are browsers (RFC 7118)."""
    return "webrtc" if flow.transport in ("WS", "WSS") else "rtp"


class UdpFlow:
    """An address, and the socket that reaches it."""

    __slots__ = ("_socket", "local", "peer")
    transport: Transport = "UDP"

    def __init__(self, socket: "UdpSocket", peer: Address) -> None:
        self._socket = socket
        self.peer = peer
        self.local = socket.local

    def __eq__(self, other: object) -> bool:
        return isinstance(other, UdpFlow) and (self.peer, self.local) == (other.peer, other.local)

    def __hash__(self) -> int:
        return hash((self.peer, self.local))

    @property
    def is_open(self) -> bool:
        return self._socket.is_open

    def send(self, octets: bytes) -> bool:
        return self._socket.send(octets, self.peer)

    def answering(self, via: Via) -> Flow:
        """To where it came from if the far end asked for that by rport, else to the port that its Via names."""
        peer = via.reply_to()
        return self if peer == self.peer else UdpFlow(self._socket, peer)

    def proved(self) -> None: ...

    def close(self) -> None: ...


class UdpSocket:
    """One UDP port. What has come by the time that it is looked at is taken in one turn of the loop, up to `BURST`, so
    that under load nobody pays a turn for each datagram."""

    def __init__(self, receiver: Receiver, bound: socket.socket) -> None:
        """`bound` is a socket that does not block; it is this one's from now on."""
        self._receiver = receiver
        self._socket = bound
        self._loop = asyncio.get_running_loop()
        self.local: Address = bound.getsockname()[:2]
        self._loop.add_reader(bound, self._read)

    def _read(self) -> None:
        for _ in range(BURST):
            try:
                octets, peer = self._socket.recvfrom(MAX_DATAGRAM)
            except BlockingIOError:
                return
            except OSError:
                continue  # nobody listens where something was sent to: the transaction's timer finds out
            self._take(octets, UdpFlow(self, peer[:2]))
            if not self.is_open:
                return  # closed by what it brought

    def _take(self, octets: bytes, flow: UdpFlow) -> None:
        if stun.is_stun(octets):
            answer = stun.answer(octets, *flow.peer)
            if answer is not None:
                flow.send(answer)
            return
        item = read_datagram(octets)
        if item is not None:
            self._receiver.heard(item, flow)

    @property
    def is_open(self) -> bool:
        return self._socket.fileno() >= 0

    def send(self, octets: bytes, peer: Address) -> bool:
        """Whether there is still a socket; what the kernel has no room for is as lost as on the way."""
        if not self.is_open:
            return False
        with contextlib.suppress(OSError):
            self._socket.sendto(octets, peer)
        return True

    def close(self) -> None:
        if self.is_open:
            self._loop.remove_reader(self._socket)
            self._socket.close()


class StreamFlow(asyncio.Protocol):
    """One TCP or TLS connection."""

    def __init__(self, transport: Literal["TCP", "TLS"], receiver: Receiver, connections: "set[StreamFlow]") -> None:
        self.transport: Transport = transport
        self.peer: Address = ("", 0)
        self.local: Address = ("", 0)
        self._receiver = receiver
        self._connections = connections
        self._stream = Stream()
        self._patience = STRANGER_SECONDS
        self._timer: asyncio.TimerHandle | None = None
        self._way: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # it is a stream's
        self._way = transport
        if len(self._connections) >= MAX_CONNECTIONS:
            transport.abort()
            return
        self._connections.add(self)
        self.peer = (transport.get_extra_info("peername") or ("", 0))[:2]
        self.local = (transport.get_extra_info("sockname") or ("", 0))[:2]
        keep_probing(transport)
        self._wait(self._patience)

    def data_received(self, data: bytes) -> None:
        assert self._way is not None  # what has no way brings nothing
        in_the_middle = self._stream.pending > 0
        for item in self._stream.receive(data):
            self._take(item)
        if self._way.is_closing():
            return
        if not self._stream.pending:
            self._wait(self._patience)
        elif not in_the_middle:
            self._wait(MESSAGE_SECONDS)

    def _take(self, item: Request | Response | Refused | KeepAlive) -> None:
        if isinstance(item, KeepAlive):
            if item is KeepAlive.PING:
                self.send(b"\r\n")
            return
        self._receiver.heard(item, self)
        if isinstance(item, Unframed):
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        if self._timer is not None:
            self._timer.cancel()
        if self in self._connections:
            self._connections.discard(self)
            self._receiver.lost(self)

    @property
    def is_open(self) -> bool:
        return self._way is not None and not self._way.is_closing()

    def send(self, octets: bytes) -> bool:
        if self._way is None or self._way.is_closing():
            return False
        self._way.write(octets)
        if self._way.get_write_buffer_size() > MAX_UNSENT:
            _log.warning("sip.dropped", why="send queue is full")
            self._way.abort()
            return False
        return True

    def answering(self, via: Via) -> Flow:  # noqa: ARG002
        return self

    def proved(self) -> None:
        self._patience = PROVED_SECONDS

    def close(self) -> None:
        if self._way is not None:
            self._way.close()

    def _wait(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(seconds, self._give_up)

    def _give_up(self) -> None:
        if self._way is not None:
            self._way.abort()


def keep_probing(transport: asyncio.Transport) -> None:
    """Let the system find out that a far end is gone without a word: after a minute of silence, within half of one."""
    raw: socket.socket | None = transport.get_extra_info("socket")
    if raw is None:
        return
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, seconds in (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3)):
        if hasattr(socket, name):  # Linux has them all
            raw.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), seconds)


class Listeners:
    """The ports on which we take SIP, and the connections that we make ourselves. Set `receiver` before opening any."""

    receiver: Receiver

    def __init__(self) -> None:
        self._udp: list[UdpSocket] = []
        self._servers: list[asyncio.Server] = []
        self._ports: dict[str, int] = {}
        self._connections: set[StreamFlow] = set()

    def __len__(self) -> int:
        """How many connections there are."""
        return len(self._connections)

    async def open_tls(self, host: str, port: int, certificate: ssl.SSLContext) -> int:
        """TLS on a port of its own, 0 takes any; the port. OSError where it cannot be used."""
        return await self._listen("TLS", host, port, certificate)

    async def open(self, host: str, port: int) -> int:
        """UDP and TCP on the same port, 0 takes one that is free for both; the port. OSError where it cannot be used.
        Each host, IPv4 or IPv6, is opened by itself."""
        for attempt in range(PORT_ATTEMPTS):
            udp = await self._bind(host, port)
            try:
                await self._listen("TCP", host, udp.local[1], None)
            except OSError:
                udp.close()
                if port or attempt == PORT_ATTEMPTS - 1:
                    raise
                continue
            self._udp.append(udp)
            return udp.local[1]
        raise AssertionError("the last attempt raises")

    async def _bind(self, host: str, port: int) -> UdpSocket:
        [(family, *_, where), *_] = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_DGRAM)
        bound = socket.socket(family, socket.SOCK_DGRAM)
        bound.setblocking(False)
        try:
            bound.bind(where)
        except OSError as error:
            bound.close()
            raise OSError(error.errno, f"{error.strerror}: UDP port {port}") from error
        return UdpSocket(self.receiver, bound)

    async def _listen(self, transport: Literal["TCP", "TLS"], host: str, port: int, tls: ssl.SSLContext | None) -> int:
        handshake = None if tls is None else TLS_SECONDS
        server = await asyncio.get_running_loop().create_server(
            lambda: StreamFlow(transport, self.receiver, self._connections),
            host,
            port,
            ssl=tls,
            ssl_handshake_timeout=handshake,
            backlog=1024,
        )
        self._servers.append(server)
        opened: int = server.sockets[0].getsockname()[1]
        self._ports.setdefault(transport, opened)
        return opened

    def datagrams(self, host: str, port: int) -> Flow:
        """The way over UDP to an address of the family that a listener has."""
        fitting = [udp for udp in self._udp if (":" in udp.local[0]) == (":" in host)]
        if not fitting:
            raise OSError(f"nothing listens on an address like {host}")
        return UdpFlow(fitting[0], (host, port))

    async def connect(self, host: str, port: int, tls: ssl.SSLContext | None = None, name: str = "") -> Flow:
        """A connection of our own; `name` is whom the certificate must be for. OSError where there is none.

        We say that we are reached at the port on which we listen: nobody can connect to that of this connection."""
        _, flow = await asyncio.get_running_loop().create_connection(
            lambda: StreamFlow("TCP" if tls is None else "TLS", self.receiver, self._connections),
            host,
            port,
            ssl=tls,
            server_hostname=(name or host) if tls else None,
            ssl_handshake_timeout=TLS_SECONDS if tls else None,
        )
        flow.local = (flow.local[0], self._ports.get(flow.transport, flow.local[1]))
        flow.proved()
        return flow

    async def close(self) -> None:
        """No port and no connection stays open."""
        for server in self._servers:
            server.close()
        for flow in list(self._connections):
            flow.close()
        for udp in self._udp:
            udp.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(TLS_SECONDS):
                await asyncio.gather(*(server.wait_closed() for server in self._servers))
