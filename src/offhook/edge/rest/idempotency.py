"""Requests with an `Idempotency-Key`: done once and answered alike when they are repeated. Knows no operation.

Answers are kept in memory, because one of them is a login token, which is stored nowhere. After a restart a repeated
request is done again.
"""

import msgspec
from aiohttp import hdrs, web

from offhook.edge.rest.guard import ACCOUNT, Handler
from offhook.engine.ports import Clock
from offhook.voice.resources.problem import rejected

HEADER = "Idempotency-Key"
MAX_KEY = 255
MAX_KEPT = 10_000
KEPT_SECONDS = 24 * 3600.0

# Whose key, for which operation: elsewhere the same key means another request.
_Key = tuple[str, str, str]


class _Answer(msgspec.Struct, frozen=True):
    status: int
    body: bytes
    content_type: str
    kept_until: float


class Once:
    """Remembers the answers of successful requests for a day, the latest `MAX_KEPT` of them."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._under_way: set[_Key] = set()
        self._answers: dict[_Key, _Answer] = {}  # oldest first

    def guarding(self, handler: Handler) -> Handler:
        """The handler, which is not asked again for what it has done. Rejected with 10036 while it is still at it."""

        async def handle(request: web.Request) -> web.StreamResponse:
            given = request.headers.get(HEADER)
            if given is None:
                return await handler(request)
            if not 0 < len(given) <= MAX_KEY:
                raise rejected("10015", f"An Idempotency-Key has 1 to {MAX_KEY} characters.")
            return await self._once((request[ACCOUNT], request.path, given), handler, request)

        return handle

    async def _once(self, key: _Key, handler: Handler, request: web.Request) -> web.StreamResponse:
        self._forget()
        if key in self._under_way:
            raise rejected("10036", "A request with this Idempotency-Key is being processed.")
        if (answer := self._answers.get(key)) is not None:
            headers = {hdrs.CONTENT_TYPE: answer.content_type}
            return web.Response(status=answer.status, body=answer.body, headers=headers)
        self._under_way.add(key)
        try:
            response = await handler(request)
        finally:
            self._under_way.remove(key)
        if isinstance(response, web.Response) and isinstance(response.body, bytes):
            until = self._clock.monotonic() + KEPT_SECONDS
            content_type = response.headers[hdrs.CONTENT_TYPE]
            self._answers[key] = _Answer(response.status, response.body, content_type, until)
        return response

    def _forget(self) -> None:
        """What is a day old, and the oldest where there are too many."""
        now = self._clock.monotonic()
        while self._answers:
            oldest = next(iter(self._answers))
            if len(self._answers) < MAX_KEPT and now < self._answers[oldest].kept_until:
                return
            del self._answers[oldest]
