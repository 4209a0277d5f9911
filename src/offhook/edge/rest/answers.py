"""The API's envelope: documents and problems as HTTP answers. Knows no resource."""

from typing import Any

import msgspec
from aiohttp import hdrs, web

from offhook.voice.resources.problem import CredentialExpired, Problem, Rejected

_DOCS = "https://developers.telnyx.com/docs/overview/errors/"


def answer(document: Any, status: int = 200) -> web.Response:
    """A JSON answer."""
    return web.Response(body=msgspec.json.encode(document), status=status, content_type="application/json")


def data(document: Any, status: int = 200) -> web.Response:
    """One document in the envelope."""
    return answer({"data": document}, status)


def problem(rejected: Rejected) -> web.Response:
    """A refusal in the envelope. A 5xx says that trying again is of no use: the official packages obey it."""
    if isinstance(rejected, CredentialExpired):
        return answer({"errors": {"status": str(rejected)}}, rejected.status)
    response = answer({"errors": [_shown(each) for each in rejected.problems]}, rejected.status)
    if rejected.status >= 500:
        response.headers["x-should-retry"] = "false"
    if rejected.status == 401:
        response.headers[hdrs.WWW_AUTHENTICATE] = "Bearer"
    return response


def _shown(problem: Problem) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "code": problem.code,
        "detail": problem.detail,
        "meta": {"url": _DOCS + problem.code},
        "title": problem.title,
    }
    if problem.pointer is not None:
        shown["source"] = {"pointer": problem.pointer}
    elif problem.parameter is not None:
        shown["source"] = {"parameter": problem.parameter}
    return shown
