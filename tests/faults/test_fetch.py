"""Category: attack. URLs that customers give us: what is never reached, and answers that would never end or fit.

Case TXM-04: so is what documents and commands have played.
"""

import asyncio
import gzip
import ipaddress
import socket
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from endpoint import OK, Endpoint, says
from offhook.edge import fetch as guarded
from offhook.edge.fetch import GuardedFetch, Reach, allowed
from offhook.edge.sip_certificate import self_signed
from offhook.engine.ports import Fetched, FetchFailed, FetchRequest


def redirects(to: str, status: int = 302) -> bytes:
    return f"HTTP/1.1 {status} Go\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n".encode()


@pytest.fixture
async def endpoint() -> AsyncIterator[Endpoint]:
    made = await Endpoint().start()
    yield made
    await made.stop()


@pytest.fixture
async def fetch() -> AsyncIterator[GuardedFetch]:
    made = GuardedFetch("development")
    yield made
    await made.close()


async def fault(fetch: GuardedFetch, url: str, **wishes: Any) -> str:
    with pytest.raises(FetchFailed) as failed:
        await fetch.fetch(FetchRequest(url, **wishes))
    return failed.value.fault


async def fetched(fetch: GuardedFetch, url: str, **wishes: Any) -> Fetched:
    return await fetch.fetch(FetchRequest(url, **wishes))


# ---- addresses ---------------------------------------------------------------------------------------------------

NEVER = [
    "0.0.0.0", "169.254.169.254", "169.254.0.1", "100.100.100.200", "100.64.0.1", "224.0.0.1", "240.0.0.1",
    "255.255.255.255", "192.0.2.1", "::", "fe80::1", "ff02::1", "fd00:ec2::254", "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1", "2001:db8::1",
]  # fmt: skip
NEAR = [
    "127.0.0.1", "127.8.8.8", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "::1", "fd12::1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::1",
]  # fmt: skip
PUBLIC = ["8.8.8.8", "172.32.0.1", "2606:4700::1111", "::ffff:8.8.8.8"]


@pytest.mark.parametrize("text", NEVER)
def test_addresses_that_are_never_reached(text: str) -> None:
    address = ipaddress.ip_address(text)
    assert not allowed(address, "public")
    assert not allowed(address, "development")


@pytest.mark.parametrize("text", NEAR)
def test_addresses_that_only_development_reaches(text: str) -> None:
    address = ipaddress.ip_address(text)
    assert not allowed(address, "public")
    assert allowed(address, "development")


@pytest.mark.parametrize("text", PUBLIC)
@pytest.mark.parametrize("reach", ["public", "development"])
def test_public_addresses_are_reached(text: str, reach: Reach) -> None:
    assert allowed(ipaddress.ip_address(text), reach)


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "10.0.0.1", "169.254.169.254", "localhost", "0"],
)
async def test_no_way_of_writing_it_leads_inside(endpoint: Endpoint, host: str) -> None:
    fetch = GuardedFetch("public")
    assert await fault(fetch, f"http://{host}:{endpoint.port}/") in ("address", "url")
    assert endpoint.requests == []
    await fetch.close()


@pytest.mark.parametrize("host", ["127.1", "2130706433", "0x7f000001", "0177.0.0.1", "127.0.0.1.", "①27.0.0.1"])
async def test_odd_spellings_of_loopback_lead_nowhere(endpoint: Endpoint, host: str) -> None:
    fetch = GuardedFetch("public")
    assert await fault(fetch, f"http://{host}:{endpoint.port}/") in ("address", "url", "name", "connect")
    assert endpoint.requests == []
    await fetch.close()


def answers(*hosts: str) -> Callable[[str, int], Any]:
    """A resolver that gives these addresses, all of them each time."""

    async def look_up(_host: str, port: int) -> Any:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, port)) for host in hosts]

    return look_up


async def test_one_forbidden_address_among_others_refuses_the_name(endpoint: Endpoint) -> None:
    fetch = GuardedFetch("development", answers("127.0.0.1", "169.254.169.254"))
    assert await fault(fetch, f"http://mixed.test:{endpoint.port}/") == "address"
    assert endpoint.requests == []
    await fetch.close()


async def test_a_name_that_changes_its_mind_is_asked_once_and_connected_where_it_was_checked(
    endpoint: Endpoint,
) -> None:
    asked: list[str] = []

    async def look_up(host: str, port: int) -> Any:
        asked.append(host)
        return await answers("127.0.0.1" if len(asked) == 1 else "169.254.169.254")(host, port)

    fetch = GuardedFetch("development", look_up)
    assert (await fetched(fetch, f"http://rebinding.test:{endpoint.port}/")).body == b"hi"
    assert asked == ["rebinding.test"]
    await fetch.close()


async def test_the_last_gate_is_at_the_socket(monkeypatch: pytest.MonkeyPatch, endpoint: Endpoint) -> None:
    """Even where the resolver's check is gone, nothing is connected."""
    monkeypatch.setattr(guarded.Resolve, "resolve", _unchecked)
    fetch = GuardedFetch("public")
    assert await fault(fetch, f"http://unchecked.test:{endpoint.port}/") == "address"
    assert endpoint.requests == []
    await fetch.close()


async def _unchecked(_self: Any, host: str, port: int = 0, family: Any = None) -> Any:
    return [{"hostname": host, "host": "127.0.0.1", "port": port, "family": socket.AF_INET, "proto": 0, "flags": 0}]


@pytest.mark.parametrize(
    "url",
    ["", "file:///etc/passwd", "ftp://127.0.0.1/", "gopher://127.0.0.1/", "http://", "http:///x", "//127.0.0.1/", "x",
     "http://[::1/", "http://a:99999/", "http://127.0.0.1:0/", "http://" + "a" * 3000, "http://a..b/",
     f"http://{'a' * 64}.test/", f"http://{'a.' * 128}test/", "http://\ud800.test/"],
)  # fmt: skip
async def test_what_is_no_http_url(fetch: GuardedFetch, url: str) -> None:
    assert await fault(fetch, url) == "url"


# ---- redirects -----------------------------------------------------------------------------------------------------


async def test_a_redirect_to_loopback_is_refused_like_any_other_way(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside = await Endpoint().start("127.0.0.2")

    def as_if_public(address: Any, reach: Reach) -> bool:
        return address == ipaddress.ip_address("127.0.0.2") or allowed(address, reach)

    monkeypatch.setattr(guarded, "allowed", as_if_public)
    fetch = GuardedFetch("public")
    for inside in (endpoint.url, f"http://localhost:{endpoint.port}/", f"http://[::ffff:127.0.0.1]:{endpoint.port}/"):
        outside.answer = says(redirects(inside))
        assert await fault(fetch, outside.url) == "address"
    assert len(outside.requests) == 3
    assert endpoint.requests == []
    await fetch.close()
    await outside.stop()


@pytest.mark.parametrize("to", ["http://[::1", "http://127.0.0.1:99999/", "http://a..b/"])
async def test_a_redirect_to_what_is_no_url(fetch: GuardedFetch, endpoint: Endpoint, to: str) -> None:
    endpoint.answer = says(redirects(to))
    assert await fault(fetch, endpoint.url) == "url"


async def test_a_redirect_to_another_scheme_is_refused(fetch: GuardedFetch, endpoint: Endpoint) -> None:
    endpoint.answer = says(redirects("file:///etc/passwd"))
    assert await fault(fetch, endpoint.url) == "url"


@pytest.mark.parametrize(("hops", "outcome"), [(3, 200), (4, "redirects")])
async def test_three_redirects_are_followed(
    fetch: GuardedFetch, endpoint: Endpoint, hops: int, outcome: object
) -> None:
    async def answer(_request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(redirects("/next", 307) if len(endpoint.requests) <= hops else OK)

    endpoint.answer = answer
    if outcome == "redirects":
        assert await fault(fetch, endpoint.url, method="POST", body=b"x") == "redirects"
    else:
        assert (await fetched(fetch, endpoint.url, method="POST", body=b"x")).status == outcome
        assert [request[:4] for request in endpoint.requests] == [b"POST"] * 4
        assert all(request.endswith(b"x") for request in endpoint.requests)


async def test_after_303_it_is_a_get(fetch: GuardedFetch, endpoint: Endpoint) -> None:
    async def answer(request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(redirects("/seen", 303) if request.startswith(b"POST") else OK)

    endpoint.answer = answer
    assert (await fetched(fetch, endpoint.url, method="POST", body=b"x")).url.endswith("/seen")
    assert endpoint.requests[1].startswith(b"GET /seen")


async def test_passwords_stay_with_the_host_they_are_for_and_out_of_texts(
    fetch: GuardedFetch, endpoint: Endpoint
) -> None:
    other = await Endpoint().start("127.0.0.2")
    endpoint.answer = says(redirects(other.url))
    answer = await fetched(fetch, f"http://user:secret@127.0.0.1:{endpoint.port}/")
    assert b"Authorization: Basic" in endpoint.requests[0]
    assert b"Authorization" not in other.requests[0]
    assert "secret" not in answer.url
    await other.stop()
    with pytest.raises(FetchFailed) as failed:
        await fetch.fetch(FetchRequest("http://user:secret@127.0.0.1:1/"))
    assert failed.value.fault == "connect"
    assert "secret" not in str(failed.value)


# ---- answers -------------------------------------------------------------------------------------------------------


async def test_an_answer_that_never_comes_has_its_time(fetch: GuardedFetch, endpoint: Endpoint) -> None:
    async def answer(_request: bytes, _writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    endpoint.answer = answer
    assert await fault(fetch, endpoint.url, seconds=0.05) == "timeout"


async def test_a_body_that_drips(fetch: GuardedFetch, endpoint: Endpoint) -> None:
    async def answer(_request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\na")
        await asyncio.Event().wait()

    endpoint.answer = answer
    assert await fault(fetch, endpoint.url, seconds=0.5) == "timeout"
    beginning = await fetched(fetch, endpoint.url, seconds=0.5, whole=False)
    assert (beginning.status, beginning.body) == (200, b"a")


async def test_a_body_that_ends_too_soon(fetch: GuardedFetch, endpoint: Endpoint) -> None:
    async def answer(_request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nab")
        writer.close()

    endpoint.answer = answer
    assert await fault(fetch, endpoint.url) == "protocol"
    assert (await fetched(fetch, endpoint.url, whole=False)).body == b"ab"


@pytest.mark.parametrize("length", [b"content-length: 10485760\r\n", b"connection: close\r\n"])
async def test_a_body_that_is_too_large(fetch: GuardedFetch, endpoint: Endpoint, length: bytes) -> None:
    sent = 0

    async def answer(_request: bytes, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\n" + length + b"\r\n")
        for _ in range(160):
            writer.write(bytes(65536))
            await writer.drain()
            sent += 65536

    endpoint.answer = answer
    assert await fault(fetch, endpoint.url, limit=1000) == "size"
    assert (await fetched(fetch, endpoint.url, limit=1000, whole=False)).body == bytes(1000)
    assert sent < 2 * 10485760


async def test_a_bomb_is_not_lit(fetch: GuardedFetch, endpoint: Endpoint) -> None:
    bomb = gzip.compress(bytes(10_000_000))
    head = (
        f"HTTP/1.1 200 OK\r\ncontent-type: audio/wav\r\ncontent-encoding: gzip\r\ncontent-length: {len(bomb)}\r\n\r\n"
    )
    endpoint.answer = says(head.encode(), bomb)
    assert await fault(fetch, endpoint.url, types=("audio/",)) == "type"
    assert (await fetched(fetch, endpoint.url)).body == bomb
    assert b"accept-encoding: identity" in endpoint.requests[0].lower()


async def test_only_the_types_that_will_do(fetch: GuardedFetch, endpoint: Endpoint) -> None:
    assert await fault(fetch, endpoint.url, types=("audio/", "application/octet-stream")) == "type"
    assert (await fetched(fetch, endpoint.url, types=("text/",))).body == b"hi"


@pytest.mark.parametrize(
    "nonsense", [b"SSH-2.0-OpenSSH_9.6\r\n", b"HTTP/1.1 200 OK\r\nx: " + b"y" * 20000 + b"\r\n\r\n"]
)
async def test_what_is_not_http(fetch: GuardedFetch, endpoint: Endpoint, nonsense: bytes) -> None:
    endpoint.answer = says(nonsense)
    assert await fault(fetch, endpoint.url) == "protocol"


async def test_a_name_without_an_address() -> None:
    async def look_up(_host: str, _port: int) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    fetch = GuardedFetch("public", look_up)
    assert await fault(fetch, "http://nowhere.test/") == "name"
    await fetch.close()


async def test_a_plain_server_behind_https(fetch: GuardedFetch, endpoint: Endpoint) -> None:
    endpoint.answer = says(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")
    assert await fault(fetch, endpoint.url.replace("http:", "https:"), seconds=1.0) in ("tls", "timeout")


async def test_a_certificate_that_nobody_vouches_for(fetch: GuardedFetch) -> None:
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0, ssl=self_signed(["127.0.0.1"]))
    port = server.sockets[0].getsockname()[1]
    assert await fault(fetch, f"https://127.0.0.1:{port}/") == "tls"
    server.close()


async def test_a_connection_that_breaks_in_the_middle(fetch: GuardedFetch, endpoint: Endpoint) -> None:
    async def answer(_request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nab")
        await writer.drain()
        writer.transport.abort()

    endpoint.answer = answer
    assert await fault(fetch, endpoint.url) in ("protocol", "connection")


async def test_connections_are_kept_and_cookies_are_not(fetch: GuardedFetch, endpoint: Endpoint) -> None:
    endpoint.answer = says(OK.replace(b"\r\n\r\n", b"\r\nset-cookie: a=b\r\n\r\n"))
    for _ in range(3):
        await fetched(fetch, endpoint.url, whole=False, limit=1000)
    assert len(endpoint.requests) == 3
    assert not any(b"ookie" in request for request in endpoint.requests)


async def test_names_whose_servers_are_silent_hold_up_no_other_name(
    fetch: GuardedFetch, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent = threading.Event()
    real = socket.getaddrinfo

    def look_up(host: Any, *rest: Any, **more: Any) -> Any:
        if str(host).endswith(".test"):
            silent.wait(20)
        return real("127.0.0.1" if str(host).endswith(".test") else host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    stuck = [asyncio.ensure_future(fault(fetch, f"http://{n}.test:{endpoint.port}/", seconds=0.2)) for n in range(12)]
    assert set(await asyncio.gather(*stuck)) == {"timeout"}
    assert (await fetched(fetch, f"http://localhost:{endpoint.port}/", seconds=5.0)).status == 200
    silent.set()
