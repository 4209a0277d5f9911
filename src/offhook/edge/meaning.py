"""Which requests have one meaning: what the HTTP parser lets pass and another server on the way could read otherwise.

A request that two servers read differently lets one be told what the other has forbidden (RFC 9112 section 11.2).
Messages whose length is ambiguous do not come so far: the parser refuses them, and closes the connection.
"""

import re
from urllib.parse import urlsplit

import structlog
from aiohttp import HttpVersion10, hdrs, web
from aiohttp.typedefs import Handler

_log = structlog.get_logger("offhook.edge")

# RFC 9110 section 7.2 and RFC 3986 section 3.2.2: a host and perhaps a port; no user, no path.
_HOST = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~!$&'()*+,;=%-]*)(?::[0-9]{0,5})?")


def ambiguity(request: web.Request) -> str | None:
    """What of a request has no single meaning, in words; None where all of it has."""
    if request.version < HttpVersion10:
        return "this version of HTTP has no headers, and is not spoken here"
    if request.version == HttpVersion10 and hdrs.TRANSFER_ENCODING in request.headers:
        return "HTTP/1.0 has no transfer codings (RFC 9112 section 6.1)"
    if request.method == hdrs.METH_CONNECT:
        return "this is no proxy"
    host = request.headers.get(hdrs.HOST, "")
    if not _HOST.fullmatch(host):
        return "the Host is none (RFC 9112 section 3.2)"
    target = request.raw_path
    if not target.startswith("/") and target != "*" and _authority(target) != host.lower():
        return "the target and the Host name different servers"
    return None


@web.middleware
async def one_meaning(request: web.Request, handler: Handler) -> web.StreamResponse:
    """The middleware that answers 400 to what has no single meaning, and closes the connection."""
    why = ambiguity(request)
    if why is None:
        return await handler(request)
    _log.warning("edge.ambiguous", why=why)
    response = web.Response(status=400, text=f"{why}\n")
    response.force_close()
    return response


def _authority(target: str) -> str | None:
    """The host and port of a target in absolute form; None where it is no http URL."""
    try:
        parts = urlsplit(target)
    except ValueError:
        return None
    return parts.netloc.lower() if parts.scheme in ("http", "https") else None
