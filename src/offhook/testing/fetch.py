"""Endpoints that exist in memory only: what an app would answer to webhooks, without a port. No HTTP."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec

from offhook.engine.ports import Fetched, FetchRequest

Answer = Callable[[FetchRequest], Awaitable[int]]


class ScriptedFetch:
    """Implements `ports.Fetch`. `answer` gives each request its status, or raises FetchFailed; it may wait.

    `requests` are all of them in the order in which they came, `under_way` how many are being answered now and `most`
    how many at once at most.
    """

    def __init__(self) -> None:
        self.requests: list[FetchRequest] = []
        self.times: list[float] = []
        self.answer: Answer = ok
        self.under_way = 0
        self.most = 0

    async def fetch(self, request: FetchRequest) -> Fetched:
        """What `answer` says."""
        self.requests.append(request)
        self.times.append(asyncio.get_running_loop().time())
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            return Fetched(await self.answer(request), (), b"", request.url)
        finally:
            self.under_way -= 1

    def webhooks(self, url: str = "") -> list[dict[str, Any]]:
        """The envelopes that were sent, or those that were sent to a URL."""
        return [read(request) for request in self.requests if not url or request.url == url]


def read(request: FetchRequest) -> dict[str, Any]:
    """The envelope that a request carries."""
    if request.method == "GET":
        return dict(parse_qsl(urlsplit(request.url).query, keep_blank_values=True))
    return msgspec.json.decode(request.body)


async def ok(_request: FetchRequest) -> int:
    """Every webhook is welcome."""
    return 200
