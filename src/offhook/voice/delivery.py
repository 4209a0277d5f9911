"""Where a webhook goes, how often it is tried and what an answer means. No I/O; chance is the caller's.

An attempt succeeds with a 2xx. 408, 429, 5xx and everything that prevents an answer is tried again; any other status
ends the tries at that URL.
"""

from collections.abc import Iterator
from typing import Literal
from urllib.parse import urlsplit

import msgspec

from offhook.voice.hooks import Hooks
from offhook.wire.webhook import Version

Method = Literal["POST", "GET"]
Verdict = Literal["delivered", "again", "refused"]

DEFAULT_SECONDS = 2.0
# Thirteen retries within about 17 minutes: an endpoint may be away for a deployment, or for ten bad minutes.
DEFAULT_WAITS = (1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 60.0, 60.0, 120.0, 120.0, 240.0, 300.0)
# After so many tries at one URL in a row it is the other's turn.
TRIES_IN_A_ROW = 2


class Target(msgspec.Struct, frozen=True):
    """What a connection says of its webhooks; empty URLs are none, `seconds` is the time-out of an attempt."""

    url: str = ""
    failover: str = ""
    version: Version = "2"
    seconds: float = DEFAULT_SECONDS


class Application(msgspec.Struct, frozen=True):
    """What an event says of the connection that it is for, where that wants it, and whether it wants its costs told."""

    name: str = ""
    profile_id: str | None = None
    target: Target = Target()
    tells_costs: bool = False


class Route(msgspec.Struct, frozen=True):
    """Where one webhook goes, as it was when the event happened. `retries` (milliseconds) are the customer's own."""

    url: str
    method: Method = "POST"
    failover: str = ""
    version: Version = "2"
    seconds: float = DEFAULT_SECONDS
    retries: tuple[int, ...] | None = None
    named_by: Literal["connection", "command"] = "connection"


class Step(msgspec.Struct, frozen=True):
    """One attempt: how long to wait before it, in seconds, and where it goes. `spread` says that the wait is jittered,
    so that those who failed together do not come back together."""

    wait: float
    url: str
    spread: bool


def route(event_type: str, hooks: Hooks, target: Target) -> Route | None:
    """Where an event goes: the URL for its type, else the leg's, else the connection's; None where there is none. A
    leg that follows documents has callbacks, and nothing else."""
    url, method = hooks.target(event_type)
    if hooks.callbacks is not None:
        return Route(url, method, version="texml", named_by="command") if url else None
    named_by = "command" if url else "connection"
    if not (url or target.url):
        return None
    return Route(
        url or target.url,
        method if url else "POST",
        target.failover,
        target.version,
        target.seconds,
        hooks.retries.get(event_type),
        named_by,
    )


def endpoint(url: str) -> str:
    """Scheme, host and port of a URL: what is slow or dead together. What is no URL has one all the same, and fails."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "none"
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}".lower()


def steps(route: Route) -> Iterator[Step]:
    """All attempts, in order.

    By default two at the URL, then two at the failover URL, and so on in turn. With retries of the customer's own,
    each URL is tried at once and then after exactly these delays, the failover URL when the other is through.
    """
    urls = [route.url, *([route.failover] if route.failover else [])]
    if route.retries is None:
        for n, wait in enumerate((0.0, *DEFAULT_WAITS)):
            yield Step(wait, urls[n // TRIES_IN_A_ROW % len(urls)], spread=True)
        return
    for url in urls:
        for wait in (0, *route.retries):
            yield Step(wait / 1000, url, spread=False)


def verdict(status: int) -> Verdict:
    """What an HTTP status means; redirects have been followed, so one that is left is a fault."""
    if 200 <= status < 300:
        return "delivered"
    return "refused" if 400 <= status < 500 and status not in (408, 429) else "again"
