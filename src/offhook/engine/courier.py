"""One attempt at one webhook: signs it, sends it, writes down what came of it. Knows no order and no retries."""

import base64
from collections.abc import Callable
from typing import Any, Literal

import msgspec
import structlog

from offhook.engine.ports import Clock, Fetch, Fetched, FetchFailed, FetchFault, FetchRequest, Headers
from offhook.voice.delivery import Route, Verdict, verdict
from offhook.voice.resources.moment import format_moment
from offhook.wire import webhook

_log = structlog.get_logger("offhook.webhooks")

Document = dict[str, Any]
Signer = Callable[[bytes], bytes]

# What is kept of an answer's body and of its headers, in bytes.
MAX_BODY = 4096
MAX_HEADERS = 10_000
# `errors` of an attempt: an answer other than 2xx, or why there is none.
STATUS_ERROR = 1
ERRORS: dict[FetchFault, int] = {
    "timeout": 2,
    "connect": 3,
    "name": 4,
    "address": 5,
    "tls": 6,
    "redirects": 7,
    "protocol": 8,
    "url": 9,
    "size": 10,
    "type": 10,
}


class Attempt(msgspec.Struct, frozen=True):
    """What came of it: how to go on, a word for the log, and the document that the API shows."""

    verdict: Verdict
    outcome: int | FetchFault
    document: Document


class Courier:
    """Takes webhooks to their URLs. `sign` makes an Ed25519 signature of 64 bytes."""

    def __init__(self, fetch: Fetch, sign: Signer, clock: Clock) -> None:
        self._fetch = fetch
        self._sign = sign
        self._clock = clock

    async def attempt(self, data: bytes, route: Route, url: str, number: int) -> Attempt:
        """Send an event's data (`wire.webhook.data`) as attempt `number` (from 1) to one of its route's URLs.

        Each attempt is signed for itself, with its own time: receivers refuse what is older than five minutes.
        """
        started = self._clock.wall()
        try:
            request = self._request(data, route, url, number, int(started))
        except ValueError:
            return self._failed(FetchRequest(url), "url", started)
        try:
            answer = await self._fetch.fetch(request)
        except FetchFailed as failed:
            return self._failed(request, failed.fault, started)
        except Exception as error:
            # Whatever one endpoint brings about, what waits behind this webhook must go on.
            _log.error("webhook.broke", error=type(error).__name__)
            return self._failed(request, "protocol", started)
        return self._answered(request, answer, started)

    def _request(self, data: bytes, route: Route, url: str, number: int, timestamp: int) -> FetchRequest:
        body = webhook.body(data, route.version, number, url) if route.method == "POST" else b""
        query = webhook.query(data, route.version, number, url) if route.method == "GET" else ""
        signature = self._sign(webhook.signed(timestamp, body or query.encode()))
        return FetchRequest(
            url=webhook.with_query(url, query) if query else url,
            method=route.method,
            headers=webhook.headers(timestamp, base64.b64encode(signature).decode(), route.version),
            body=body,
            seconds=route.seconds,
            limit=MAX_BODY,
            whole=False,
        )

    def _answered(self, request: FetchRequest, answer: Fetched, started: float) -> Attempt:
        found = verdict(answer.status)
        response: Document = {
            "body": answer.body.decode("utf-8", "replace").replace("\0", "\N{REPLACEMENT CHARACTER}"),
            "headers": _bounded(answer.headers),
            "status": answer.status,
        }
        status = "delivered" if found == "delivered" else "failed"
        errors = [] if found == "delivered" else [STATUS_ERROR]
        return Attempt(found, answer.status, self._document(request, started, status, errors, response))

    def _failed(self, request: FetchRequest, fault: FetchFault, started: float) -> Attempt:
        # A URL that is none, or an address that must not be reached, will not become better by waiting.
        found: Verdict = "refused" if fault in ("url", "address") else "again"
        return Attempt(found, fault, self._document(request, started, "failed", [ERRORS[fault]], None))

    def _document(
        self,
        request: FetchRequest,
        started: float,
        status: Literal["delivered", "failed"],
        errors: list[int],
        response: Document | None,
    ) -> Document:
        return {
            "errors": errors,
            "finished_at": format_moment(self._clock.wall()),
            "http": {
                "request": {"headers": request.headers, "url": webhook.public(request.url)},
                "response": response,
            },
            "started_at": format_moment(started),
            "status": status,
        }


def _bounded(headers: Headers) -> Headers:
    """The first headers that together are not too much."""
    kept: list[tuple[str, str]] = []
    room = MAX_HEADERS
    for name, value in headers:
        room -= len(name) + len(value)
        if room < 0:
            break
        kept.append((name, value))
    return tuple(kept)
