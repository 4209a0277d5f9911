"""The one HTTP client for every URL that a customer gives us: what may be reached, how much, for how long.

Every address that a name has is checked, and the connection is made to an address that was checked: the check is
repeated on the very address of each new socket, so that a name which answers differently the second time gains
nothing. Redirects go through the same gate. Nothing is decompressed. A log line never holds a URL: it may hold a
password.
"""

import asyncio
import contextlib
import ipaddress
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial
from typing import Any, Literal
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from offhook.engine.ports import Fetched, FetchFailed, FetchRequest, Headers
from offhook.wire.webhook import public

Reach = Literal["public", "development"]
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

MAX_REDIRECTS = 3
MAX_URL = 2048
# Below the five seconds after which common servers close: a request must not meet a closing connection.
KEEPALIVE_SECONDS = 4.0
MAX_LOOK_UPS = 64
# A name is asked again after so long; the addresses that it had are checked again at every connection.
DNS_SECONDS = 30

_HTTP, _WEBSOCKET = frozenset(("http", "https")), frozenset(("ws", "wss"))
# How long the far end of a websocket may take to close it.
CLOSE_SECONDS = 2.0
_REDIRECTS = frozenset((301, 302, 303, 307, 308))
# Where clouds tell machines their secrets, within ranges that `development` may reach.
_METADATA = frozenset(map(ipaddress.ip_address, ("169.254.169.254", "100.100.100.200", "fd00:ec2::254")))
_PRIVATE = tuple(
    map(ipaddress.ip_network, ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7"))
)
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def allowed(address: Address, reach: Reach) -> bool:
    """Whether the server may connect to this address: public ones, in development also loopback and private ones."""
    address = _meant(address)
    if address in _METADATA:
        return False
    if reach == "development" and any(address in network for network in _PRIVATE):
        return True
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


def _meant(address: Address) -> Address:
    """The IPv4 address that an IPv6 one carries, if it does."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    embedded = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
    if embedded is None and address in _NAT64:
        embedded = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return embedded or address


class Resolve(AbstractResolver):
    """Asks for a name's addresses; OSError where a single one of them may not be reached."""

    def __init__(self, reach: Reach, look_up: "Callable[[str, int], Any]") -> None:
        self._reach: Reach = reach
        self._look_up = look_up

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_UNSPEC,  # noqa: ARG002
    ) -> list[ResolveResult]:
        found = await self._look_up(host, port)
        for where in found:
            _expect_allowed(where[4][0], self._reach)
        return [
            ResolveResult(
                hostname=host, host=where[4][0], port=port, family=where[0], proto=0, flags=socket.AI_NUMERICHOST
            )
            for where in found
        ]

    async def close(self) -> None: ...


class _Refused(OSError):
    """The address may not be reached."""


def _expect_allowed(host: str, reach: Reach) -> None:
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        raise _Refused("not an address") from None
    if not allowed(address, reach):
        raise _Refused("this server may not connect to that address")


# UnicodeError: a name that the resolver cannot encode.
_FAILURES = (aiohttp.ClientError, OSError, UnicodeError)


class GuardedFetch:
    """Implements `ports.Fetch`. Make it in the running loop; `close` it at the end."""

    def __init__(self, reach: Reach, look_up: Callable[[str, int], Any] | None = None) -> None:
        self._reach: Reach = reach
        # Of its own: names whose servers are silent keep their threads for half a minute.
        self._names = ThreadPoolExecutor(MAX_LOOK_UPS, "offhook-names")
        connector = aiohttp.TCPConnector(
            resolver=Resolve(reach, look_up or self._look_up),
            socket_factory=self._socket,
            limit=0,  # who asks bounds how much at once: waiting here would count as waiting for the answer
            keepalive_timeout=KEEPALIVE_SECONDS,
            ttl_dns_cache=DNS_SECONDS,
        )
        self._http = aiohttp.ClientSession(
            connector=connector,
            trust_env=False,
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None),
            skip_auto_headers=("User-Agent", "Content-Type"),
        )

    async def fetch(self, request: FetchRequest) -> Fetched:
        """Ask, following redirects; FetchFailed where no usable answer comes of it."""
        try:
            return await self._follow(request, asyncio.get_running_loop().time() + request.seconds)
        except TimeoutError:
            raise FetchFailed("timeout", f"no answer within {request.seconds:g} seconds") from None
        except _FAILURES as error:
            raise _failure(error) from error

    async def websocket(
        self, url: str, headers: Headers, seconds: float, limit: int, heartbeat: float
    ) -> aiohttp.ClientWebSocketResponse:
        """Connect to a ws or wss URL within `seconds`; FetchFailed where that fails. Messages have at most `limit`
        bytes; who answers no ping for long is taken for lost."""
        checked = _checked(url, _WEBSOCKET)
        # An attrs class, of whose arguments the type checker knows nothing.
        timeout = aiohttp.ClientWSTimeout(ws_close=CLOSE_SECONDS)  # pyright: ignore[reportCallIssue]
        try:
            async with asyncio.timeout(seconds):
                return await self._http.ws_connect(
                    checked, headers=dict(headers), timeout=timeout, max_msg_size=limit, heartbeat=heartbeat, compress=0
                )
        except TimeoutError:
            raise FetchFailed("timeout", f"no connection within {seconds:g} seconds") from None
        except _FAILURES as error:
            raise _failure(error) from error

    async def close(self) -> None:
        """Close every connection."""
        await self._http.close()
        self._names.shutdown(wait=False, cancel_futures=True)

    # ---- inside ----------------------------------------------------------------------------------------------

    async def _look_up(self, host: str, port: int) -> Any:
        asked = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
        return await asyncio.get_running_loop().run_in_executor(self._names, asked)

    def _socket(self, where: Any) -> socket.socket:
        """The socket for a connection to one address; the last gate, whatever way led here."""
        family, kind, protocol, _, address = where
        _expect_allowed(address[0], self._reach)
        made = socket.socket(family=family, type=kind, proto=protocol)
        made.setblocking(False)
        return made

    async def _follow(self, request: FetchRequest, deadline: float) -> Fetched:
        url, method, body = _checked(request.url), request.method, request.body
        for _ in range(MAX_REDIRECTS + 1):
            response = await self._ask(url, method, body, request.headers, deadline)
            try:
                location = response.headers.get("location")
                if response.status not in _REDIRECTS or not location:
                    return await _read(response, request, deadline)
            finally:
                # Back to the pool, or closed where something of the body is left.
                response.release()
            url = _joined(url, location)
            if response.status == 303:
                method, body = "GET", b""
        raise FetchFailed("redirects", f"more than {MAX_REDIRECTS} redirects")

    async def _ask(
        self, url: URL, method: str, body: bytes, headers: Headers, deadline: float
    ) -> aiohttp.ClientResponse:
        named = {"accept-encoding": "identity", **dict(headers)}
        async with asyncio.timeout_at(deadline):
            return await self._http.request(method, url, data=body or None, headers=named, allow_redirects=False)


async def _read(response: aiohttp.ClientResponse, request: FetchRequest, deadline: float) -> Fetched:
    if request.types:
        _expect_type(response, request.types)
    if request.whole:
        async with asyncio.timeout_at(deadline):
            kept = await _whole(response, request.limit)
    else:
        kept = await _beginning(response, request.limit, deadline)
    headers = tuple((name.lower(), value) for name, value in response.headers.items())
    return Fetched(response.status, headers, kept, public(str(response.url)))


def _is_name(host: str) -> bool:
    """Whether a host's name can be asked for: it has an encoding, and no empty or overlong label (RFC 1035)."""
    labels = host.removesuffix(".").encode("idna").split(b".")
    return all(0 < len(label) < 64 for label in labels) and sum(map(len, labels)) + len(labels) <= 254


@lru_cache(maxsize=1024)
def _checked(text: str, schemes: frozenset[str] = _HTTP) -> URL:
    """The URL, if it is one that may be asked at all."""
    try:
        parts = urlsplit(text)
        good = parts.scheme in schemes and parts.hostname and len(text) <= MAX_URL and parts.port != 0
        url = URL(text, encoded=True)
        good = good and _is_name(url.host or "")
    except ValueError:
        good, url = False, URL()
    if not good or not url.host:
        raise FetchFailed("url", f"not a URL of {' or '.join(sorted(schemes))}")
    return url


def _joined(url: URL, location: str) -> URL:
    """Where a redirect leads."""
    try:
        return _checked(str(url.join(URL(location, encoded=True))))
    except ValueError:
        raise FetchFailed("url", "it redirects to what is no URL") from None


def _expect_type(response: aiohttp.ClientResponse, types: tuple[str, ...]) -> None:
    if response.status < 300 and not response.content_type.startswith(types):
        raise FetchFailed("type", f"the content type is {response.content_type[:64]}")
    if response.headers.get("content-encoding", "identity") != "identity":
        raise FetchFailed("type", "the content is compressed, which was not asked for")


async def _whole(response: aiohttp.ClientResponse, limit: int) -> bytes:
    if (response.content_length or 0) > limit:
        raise FetchFailed("size", f"more than {limit} bytes")
    kept = bytearray()
    async for chunk in response.content.iter_any():
        kept += chunk
        if len(kept) > limit:
            raise FetchFailed("size", f"more than {limit} bytes")
    return bytes(kept)


async def _beginning(response: aiohttp.ClientResponse, limit: int, deadline: float) -> bytes:
    """What comes of the body until the deadline, up to `limit` bytes: its status was all that mattered."""
    kept = bytearray()
    with contextlib.suppress(TimeoutError, aiohttp.ClientError):
        if response.content.is_eof():
            # It came with the headers, as nearly all do: there is nothing to wait for.
            return response.content.read_nowait(limit)
        async with asyncio.timeout_at(deadline):
            async for chunk in response.content.iter_any():
                kept += chunk
                if len(kept) >= limit:
                    break
    return bytes(kept[:limit])


def _failure(error: Exception) -> FetchFailed:
    """What a failed request is called. The texts of these errors hold no URL, only a host."""
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    if isinstance(cause, _Refused):
        return FetchFailed("address", str(cause))
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return FetchFailed("name", "the host's name has no address")
    if isinstance(error, aiohttp.ClientSSLError):
        return FetchFailed("tls", "no secure connection could be made")
    if isinstance(error, aiohttp.InvalidURL | UnicodeError):
        return FetchFailed("url", "not an http or https URL")
    if isinstance(error, aiohttp.ClientConnectorError):
        return FetchFailed("connect", "no connection could be made")
    return FetchFailed("protocol", "the connection broke, or what came is not HTTP")
