"""Routes of media files: JSON with a URL or multipart with the file, and the download. Knows HTTP, no audio."""

import asyncio
from typing import Any

import msgspec
from aiohttp import BodyPartReader, hdrs, web
from aiohttp.http_exceptions import HttpProcessingError

from offhook.edge.rest.answers import data
from offhook.edge.rest.guard import ACCOUNT, Handler, body_of
from offhook.edge.rest.resources import Route, listed
from offhook.engine.download import Content
from offhook.engine.mediafiles import MediaFiles
from offhook.engine.ports import Chance
from offhook.voice.resources.media_file import MAX_BYTES, MEDIA_FILES
from offhook.voice.resources.problem import Rejected, rejected
from offhook.voice.resources.resource import read_query

UPLOAD_SECONDS = 60.0
MAX_TEXT_PART = 4096
MAX_PARTS = 8
_LIST_FILTER = "filter[content_type][]"


def media_routes(files: MediaFiles, chance: Chance) -> list[Route]:
    """`/media` and what is below it."""

    async def create(request: web.Request) -> web.Response:
        body, content = await _body(request)
        return data(await files.create(request[ACCOUNT], body, content, chance.uuid()), 201)

    async def update(request: web.Request) -> web.Response:
        body, content = await _body(request)
        return data(await files.update(request[ACCOUNT], _name(request), body, content))

    async def delete(request: web.Request) -> web.Response:
        await files.delete(request[ACCOUNT], _name(request))
        return web.Response(status=204)

    async def show(request: web.Request) -> web.Response:
        return data(files.show(request[ACCOUNT], _name(request)))

    async def download(request: web.Request) -> web.Response:
        found = await files.read(request[ACCOUNT], _name(request))
        # Customers choose the type: a browser must not take it for a page of ours.
        safe = {hdrs.CONTENT_DISPOSITION: "attachment", "X-Content-Type-Options": "nosniff"}
        return web.Response(body=found.data, headers=safe | {hdrs.CONTENT_TYPE: found.content_type})

    one = "/media/{id}"
    return [
        ("GET", "/media", _lister(files)),
        ("POST", "/media", create),
        ("GET", one, show),
        ("PUT", one, update),
        ("DELETE", one, delete),
        ("GET", one + "/download", download),
    ]


def _lister(files: MediaFiles) -> Handler:
    async def handle(request: web.Request) -> web.Response:
        given = dict(request.query.items())
        # The same filter as a list, as the API's own description writes it.
        if _LIST_FILTER in given:
            del given[_LIST_FILTER]
            given["filter[content_type]"] = ",".join(request.query.getall(_LIST_FILTER))
        return listed(files.page(request[ACCOUNT], read_query(MEDIA_FILES, given)))

    return handle


def _name(request: web.Request) -> str:
    return request.match_info["id"]


async def _body(request: web.Request) -> tuple[dict[str, Any], Content | None]:
    """The fields of a body, and the file that came with it in a multipart one (part `media`)."""
    if request.content_type != "multipart/form-data":
        return await body_of(request), None
    try:
        async with asyncio.timeout(UPLOAD_SECONDS):
            return await _parts(request)
    except TimeoutError:
        raise rejected("10015", "The body came too slowly.", status=408) from None
    except (ValueError, AssertionError, HttpProcessingError, web.RequestPayloadError):
        raise rejected("10015", "The body is no multipart form that can be read.") from None


async def _parts(request: web.Request) -> tuple[dict[str, Any], Content | None]:
    body: dict[str, Any] = {}
    content: Content | None = None
    reader = await request.multipart()
    for _ in range(MAX_PARTS):
        part = await reader.next()
        if part is None:
            return body, content
        if not isinstance(part, BodyPartReader) or part.name is None:
            raise ValueError("a part without a name")
        if part.name == "media":
            content = Content(await _read(part, MAX_BYTES), part.headers.get(hdrs.CONTENT_TYPE, ""))
        else:
            body[part.name] = _value(part.name, (await _read(part, MAX_TEXT_PART)).decode())
    raise ValueError("too many parts")


async def _read(part: BodyPartReader, limit: int) -> bytes:
    found = bytearray()
    while chunk := await part.read_chunk(1 << 16):
        found += chunk
        if len(found) > limit:
            raise _too_large(limit)
    return bytes(found)


def _too_large(limit: int) -> Rejected:
    return rejected("10015", f"A part of the body is larger than {limit} bytes.", status=413)


def _value(name: str, text: str) -> Any:
    """Forms know text only; a number is one where the field is one."""
    if name != "ttl_secs":
        return text
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text
