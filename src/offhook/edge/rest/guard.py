"""Who asks, and with which body: what every route of the API needs first. Knows no resource.

Bodies are bounded in size (after decompression), in time and in depth. Of two equal keys in an object the last one
counts, as in every JSON library that our customers use.
"""

import asyncio
import traceback
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import msgspec
import structlog
from aiohttp import ClientConnectionError, hdrs, web
from aiohttp.http_exceptions import HttpProcessingError

from offhook.edge.rest.answers import problem
from offhook.engine.store import StoreError
from offhook.voice.resources.problem import Rejected, rejected

_log = structlog.get_logger("offhook.rest")

T = TypeVar("T", bytes, bytearray)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
AccountOfKey = Callable[[str], str | None]

MAX_BODY = 1 << 20
MAX_HEADERS = 64 << 10
BODY_SECONDS = 15.0
MAX_KEY = 512
ACCOUNT = web.RequestKey("account_id", str)


def guarded(handler: Handler, account_of_key: AccountOfKey) -> Handler:
    """The handler behind its door: the key is checked, and whatever is wrong becomes a problem in the envelope."""

    async def answered(request: web.Request) -> web.StreamResponse:
        try:
            _expect_modest(request)
            request[ACCOUNT] = _account(request, account_of_key)
            return await handler(request)
        except Rejected as refused:
            return _closing(problem(refused)) if refused.status in (408, 413, 431) else problem(refused)
        except StoreError:
            _log.warning("rest.store_unavailable")
            return problem(rejected("10007", "The database cannot be used right now.", status=503))
        except Exception as error:
            # Messages and local variables may hold secrets; where it happened does not.
            frames = [f"{frame.name}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)]
            _log.error("rest.failed", error=type(error).__name__, frames=frames[-6:])
            return problem(rejected("10007", "Something went wrong on the server.", status=500))

    return answered


async def body_of(request: web.Request) -> dict[str, Any]:
    """The JSON object of a request; an empty body is an empty object. Rejected for everything else."""
    raw = await _read(request)
    if not raw:
        return {}
    try:
        found: Any = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise rejected("10023", "The body is not valid JSON.") from None
    except RecursionError:
        raise rejected("10023", "The body is nested too deeply.") from None
    if not isinstance(found, dict):
        raise rejected("10015", "The body must be a JSON object.")
    return found  # pyright: ignore[reportUnknownVariableType] -- JSON objects have string keys


def _expect_modest(request: web.Request) -> None:
    """The HTTP parser bounds each header; this bounds all of them together."""
    if sum(len(name) + len(value) for name, value in request.raw_headers) > MAX_HEADERS:
        raise rejected("10015", f"The headers are larger than {MAX_HEADERS} bytes.", status=431)


def _account(request: web.Request, account_of_key: AccountOfKey) -> str:
    """Whose key came along. Keys in the query or in a second header are no keys."""
    given = request.headers.getall(hdrs.AUTHORIZATION, [])
    scheme, _, key = given[0].partition(" ") if len(given) == 1 else ("", "", "")
    usable = scheme.lower() == "bearer" and 0 < len(key) <= MAX_KEY and key.isascii()
    account = account_of_key(key) if usable else None
    if account is None:
        raise rejected("10009", "No valid API key was given: send it as Authorization: Bearer.")
    return account


async def _read(request: web.Request) -> bytes:
    if (request.content_length or 0) > MAX_BODY:
        raise _too_large()
    raw = bytearray()
    try:
        if request.content.is_eof():
            # It came with the headers, as nearly all do: there is nothing to wait for.
            return _bounded(request.content.read_nowait())
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.content.iter_any():
                raw += chunk
                _bounded(raw)
    except TimeoutError:
        raise rejected("10015", "The body came too slowly.", status=408) from None
    except (HttpProcessingError, web.RequestPayloadError, ClientConnectionError):
        raise rejected("10015", "The body cannot be read.") from None
    return bytes(raw)


def _bounded(raw: T) -> T:
    if len(raw) > MAX_BODY:
        raise _too_large()
    return raw


def _too_large() -> Rejected:
    return rejected("10015", f"The body is larger than {MAX_BODY} bytes.", status=413)


def _closing(response: web.Response) -> web.Response:
    """The rest of the body is not waited for."""
    response.force_close()
    return response
