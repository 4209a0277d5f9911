"""Which web pages and host names may use a door, decided before anything else of a request is looked at.

A browser sends the page's `Origin` (RFC 6454) with every websocket upgrade and cross-origin request; programs
send none. The `Host` guards against DNS names that an attacker points at this machine (DNS rebinding).
"""

import ipaddress
from collections.abc import Callable, Iterable
from functools import lru_cache
from urllib.parse import urlsplit

import structlog
from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

_log = structlog.get_logger("offhook.edge")

Predicate = Callable[[str], bool]


class OriginPolicy:
    """Who may come in. `"null"` (sandboxed pages, files) is an origin like any other: refused unless listed."""

    def __init__(self, *, origin: Predicate, host: Predicate, programs: bool = True) -> None:
        """`origin` and `host` judge the two headers' values; `programs` lets requests without an Origin in."""
        self._origin = origin
        self._host = host
        self._programs = programs

    @classmethod
    def loopback(cls) -> "OriginPolicy":
        """For `dev`, whose keys everybody knows: pages and host names of this machine only, on any port."""
        return cls(origin=_is_loopback_origin, host=_is_loopback_host)

    @classmethod
    def listed(cls, origins: Iterable[str], *, programs: bool = True) -> "OriginPolicy":
        """Exactly these origins (`https://app.example`), under any host name."""
        allowed = frozenset(origin.rstrip("/").lower() for origin in origins)
        return cls(origin=lambda origin: origin.lower() in allowed, host=_anything, programs=programs)

    @classmethod
    def anywhere(cls) -> "OriginPolicy":
        """No limit: every door authenticates in band and none by cookie."""
        return cls(origin=_anything, host=_anything)

    def refusal(self, request: web.Request) -> str | None:
        """Which header is refused; None where the request may come in."""
        if not self._host(request.headers.get(hdrs.HOST, "")):
            return hdrs.HOST
        origins = request.headers.getall(hdrs.ORIGIN, [])
        if not (all(map(self._origin, origins)) if origins else self._programs):
            return hdrs.ORIGIN
        return None


def guard(policy: OriginPolicy) -> Middleware:
    """The middleware that answers 403 to whoever the policy refuses, before any handler and before any upgrade, and
    closes the connection."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        refused = policy.refusal(request)
        if refused is None:
            return await handler(request)
        _log.warning("edge.refused", header=str(refused))
        response = web.Response(status=403, text=f"this {refused} is not allowed here\n")
        response.force_close()
        return response

    return middleware


def _anything(_value: str) -> bool:
    return True


def _is_loopback_origin(origin: str) -> bool:
    try:
        parts = urlsplit(origin)
        return parts.scheme in ("http", "https") and _is_loopback_name(parts.hostname)
    except ValueError:
        return False


def _is_loopback_host(host: str) -> bool:
    try:
        return _is_loopback_name(urlsplit(f"//{host}").hostname)
    except ValueError:
        return False


@lru_cache(maxsize=256)  # every request asks, nearly always about the same name
def _is_loopback_name(name: str | None) -> bool:
    if name is None:
        return False
    if name == "localhost" or name.endswith(".localhost"):  # RFC 6761 section 6.3
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
