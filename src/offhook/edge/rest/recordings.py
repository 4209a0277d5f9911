"""Routes of recordings: the deletion of many, and the download by a signed link. Knows HTTP, no audio."""

from urllib.parse import quote

from aiohttp import hdrs, web

from offhook.edge.rest.answers import answer
from offhook.edge.rest.guard import ACCOUNT, Handler, body_of
from offhook.engine.archive import Archive
from offhook.engine.links import PATH, Links
from offhook.engine.recordings import Recordings
from offhook.voice.recording import Card

_TYPES = {"mp3": "audio/mpeg", "wav": "audio/wav"}


def deleter_of_many(recordings: Recordings) -> Handler:
    """POST with the `ids` of what shall go."""

    async def handle(request: web.Request) -> web.Response:
        await recordings.delete_all(request[ACCOUNT], await body_of(request))
        return answer({"status": "ok"})

    return handle


def download_route(archive: Archive, links: Links) -> web.RouteDef:
    """GET of a recording's file, for whoever has a link of ours; no key is asked for. One range at a time."""

    async def handle(request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        if not links.good(name, request.query):
            raise web.HTTPForbidden(text="This link is not valid (any more): ask the API for a new one.\n")
        found = await archive.file(name)
        if found is None:
            raise web.HTTPNotFound(text="This recording was deleted.\n")
        path, card = found
        return web.FileResponse(path, headers=_headers(card))

    return web.get(PATH + "/{name}", handle)


def _headers(card: Card) -> dict[str, str]:
    settings = card.settings
    name = f"{settings.file_name or card.about.ids.call_leg_id}-{int(card.started_at)}.{settings.format}"
    return {
        hdrs.CONTENT_TYPE: _TYPES[settings.format],
        hdrs.CONTENT_DISPOSITION: f"attachment; filename*=UTF-8''{quote(name, safe='')}",
        hdrs.CACHE_CONTROL: "private, no-store",
        "X-Content-Type-Options": "nosniff",
    }
