"""Category: faults. Requests that two servers could read in two ways are refused and the connection closed (API-09)."""

import asyncio
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest

from offhook.edge.server import Platform, start_dev


@pytest.fixture
async def platform() -> AsyncIterator[Platform]:
    started = await start_dev()
    yield started
    await started.stop()


async def answer(platform: Platform, request: str) -> bytes:
    """All that comes back until the server closes the connection."""
    async with asyncio.timeout(10):
        port = urlsplit(platform.env["OFFHOOK_CONSOLE_URL"]).port
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        key = f"Authorization: Bearer {platform.env['TELNYX_API_KEY']}"
        writer.write(request.replace("KEY", key).encode("latin-1"))
        received = await reader.read()
        writer.close()
        await writer.wait_closed()
    return received


HOST = "Host: localhost\r\n"
POST = f"POST /v2/queues HTTP/1.1\r\n{HOST}KEY\r\n"
CHUNKED = f"{POST}Transfer-Encoding: chunked\r\n\r\n"

TWO_MEANINGS = {
    "a message of HTTP/1.0 in chunks": CHUNKED.replace("HTTP/1.1", "HTTP/1.0") + "0\r\n\r\n",
    "HTTP/0.9": "GET /v2/whoami\r\n\r\n",
    "no Host": "GET /v2/whoami HTTP/1.1\r\nKEY\r\n\r\n",
    "two Hosts": f"GET /v2/whoami HTTP/1.1\r\n{HOST}Host: evil.test\r\nKEY\r\n\r\n",
    "the same Host twice": f"GET /v2/whoami HTTP/1.1\r\n{HOST}{HOST}KEY\r\n\r\n",
    "a Host with a path": "GET /v2/whoami HTTP/1.1\r\nHost: localhost/x\r\nKEY\r\n\r\n",
    "a Host with a user": "GET /v2/whoami HTTP/1.1\r\nHost: evil.test@localhost\r\nKEY\r\n\r\n",
    "a Host with no port": "GET /v2/whoami HTTP/1.1\r\nHost: localhost:http\r\nKEY\r\n\r\n",
    "a Host of two words": "GET /v2/whoami HTTP/1.1\r\nHost: localhost evil.test\r\nKEY\r\n\r\n",
    "another server in the target": f"GET http://evil.test/v2/whoami HTTP/1.1\r\n{HOST}KEY\r\n\r\n",
    "another server in the Host": "GET http://localhost/v2/whoami HTTP/1.1\r\nHost: evil.test\r\nKEY\r\n\r\n",
    "a user in the target": f"GET http://localhost@evil.test/v2/whoami HTTP/1.1\r\n{HOST}KEY\r\n\r\n",
    "another scheme": f"GET ftp://localhost/v2/whoami HTTP/1.1\r\n{HOST}KEY\r\n\r\n",
    "a target that is an authority": f"GET evil.test:80 HTTP/1.1\r\n{HOST}KEY\r\n\r\n",
    "a tunnel": f"CONNECT evil.test:80 HTTP/1.1\r\n{HOST}KEY\r\n\r\n",
    "two lengths": f"{POST}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks of chunks": f"{POST}Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    "a transfer coding of its own": f"{POST}Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n",
    "a chunk of no size": f"{CHUNKED}-2\r\n{{}}\r\n0\r\n\r\n",
    "chunks in bare lines": f"{CHUNKED}2\n{{}}\n0\n\n",
    "a line that ends in LF": f"GET /v2/whoami HTTP/1.1\r\nX: y\nZ: w\r\n{HOST}KEY\r\n\r\n",
    "a line that ends in CR": f"GET /v2/whoami HTTP/1.1\r\nX: y\rZ: w\r\n{HOST}KEY\r\n\r\n",
    "a folded line": f"GET /v2/whoami HTTP/1.1\r\nX: y\r\n z\r\n{HOST}KEY\r\n\r\n",
}


@pytest.mark.parametrize("request_text", TWO_MEANINGS.values(), ids=TWO_MEANINGS)
async def test_a_request_with_two_meanings_is_refused_and_the_connection_closed(
    platform: Platform, request_text: str
) -> None:
    received = await answer(platform, request_text)
    assert received.split(b" ", 2)[1] == b"400"
    assert b"organization_id" not in received


@pytest.mark.parametrize("request_text", [
    "GET /v2/whoami HTTP/1.1\r\nHost: evil.test\r\nKEY\r\n\r\n",
    "GET http://evil.test/v2/whoami HTTP/1.1\r\nHost: evil.test\r\nKEY\r\n\r\n",
    "GET /v2/whoami HTTP/1.1\r\nHost:\r\nKEY\r\n\r\n",
    "GET /v2/whoami HTTP/1.0\r\nKEY\r\n\r\n",
])  # fmt: skip
async def test_the_host_of_another_server_is_refused_and_the_connection_closed(
    platform: Platform, request_text: str
) -> None:
    received = await answer(platform, request_text)
    assert received.split(b" ", 2)[1] == b"403"


@pytest.mark.parametrize("request_text", [
    f"GET /v2/whoami HTTP/1.0\r\n{HOST}KEY\r\n\r\n",
    "GET http://LOCALHOST:80/v2/whoami HTTP/1.1\r\nHost: localhost:80\r\nConnection: close\r\nKEY\r\n\r\n",
    "GET /v2/whoami HTTP/1.1\r\nHost: [::1]:8080\r\nConnection: close\r\nKEY\r\n\r\n",
])  # fmt: skip
async def test_what_is_old_or_long_but_clear_is_answered(platform: Platform, request_text: str) -> None:
    received = await answer(platform, request_text)
    assert received.split(b" ", 2)[1] == b"200"
    assert b"organization_id" in received


async def test_a_body_is_not_the_next_request(platform: Platform) -> None:
    hidden = f"GET /v2/balance HTTP/1.1\r\n{HOST}KEY\r\n\r\n"
    length = len(hidden.replace("KEY", f"Authorization: Bearer {platform.env['TELNYX_API_KEY']}"))
    first = f"GET /v2/whoami HTTP/1.1\r\n{HOST}KEY\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n"
    received = await answer(platform, first + hidden)
    assert received.count(b"HTTP/1.1 ") == 1
    assert b"available_credit" not in received


async def test_a_body_that_is_longer_than_it_says_ends_in_a_refusal(platform: Platform) -> None:
    """API-01: the rest could only be another request, and is none."""
    received = await answer(platform, f'{POST}Content-Length: 2\r\n\r\n{{}}"queue_name": "x"}}')
    assert b"HTTP/1.0 400" in received
    assert b"current_size" not in received
