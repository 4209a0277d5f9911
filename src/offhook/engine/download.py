"""What a URL of a customer gives: audio to be played or kept. Of HTTP it knows statuses; the port does the rest."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from offhook.engine.ports import Fetch, Fetched, FetchFailed, FetchRequest, NoAudio
from offhook.voice.resources.media_file import MAX_BYTES

SECONDS = 10.0
_MISSING = (404, 410)


class Content(NamedTuple):
    """A file; `content_type` is as its sender says, empty where that says nothing."""

    data: bytes
    content_type: str


# Gets the content of a URL, or raises NoAudio.
Download = Callable[[str], Awaitable[Content]]


def downloads(fetch: Fetch) -> Download:
    """Downloads through this port: whole files, within the bounds of size and time for media."""

    async def download(url: str) -> Content:
        try:
            return _content(await fetch.fetch(FetchRequest(url, seconds=SECONDS, limit=MAX_BYTES)))
        except FetchFailed as error:
            raise NoAudio("failed", str(error)) from None

    return download


def _content(fetched: Fetched) -> Content:
    if fetched.status in _MISSING:
        raise NoAudio("file_not_found", f"the server answered {fetched.status}")
    if not 200 <= fetched.status < 300:
        raise NoAudio("failed", f"the server answered {fetched.status}")
    content_type = next((value for name, value in fetched.headers if name == "content-type"), "")
    return Content(fetched.body, content_type.partition(";")[0].strip())
