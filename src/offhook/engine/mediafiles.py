"""Accounts' media files: upload, list, show, change, delete, read. Knows no HTTP; where contents lie is the shelf's."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeVar

import msgspec

from offhook.engine.download import Content, Download
from offhook.engine.ports import Clock, NoAudio
from offhook.engine.resources import Listing
from offhook.engine.shelf import MediaFile, Shelf
from offhook.voice.resources.field import check
from offhook.voice.resources.media_file import MAX_BYTES, MEDIA_FILES, TTL_SECONDS
from offhook.voice.resources.moment import format_moment
from offhook.voice.resources.problem import Rejected, rejected
from offhook.voice.resources.resource import Query, expect_id, not_found

T = TypeVar("T")
Document = dict[str, Any]

MAX_FILES = 1000
MAX_TOTAL_BYTES = 2 << 30


class MediaFiles:
    """The files of all accounts. Every method names the account, sees nothing of another one, and raises `Rejected`.

    What has expired is not there any more.
    """

    def __init__(self, shelf: Shelf, clock: Clock, download: Download) -> None:
        self._shelf = shelf
        self._clock = clock
        self._download = download
        self._turn = asyncio.Lock()
        self._files: dict[tuple[str, str], MediaFile] = {}

    async def open(self) -> None:
        """Find what is there from before."""
        for file in await self._shelved(self._shelf.load):
            self._files[file.account_id, file.media_name] = file

    async def create(self, account_id: str, body: Mapping[str, Any], content: Content | None, name: str) -> Document:
        """A new file, from its content or from `media_url`. `name` is for one that its body gives none."""
        self._expect_valid(body, "create", content)
        media_name = body.get("media_name", name)
        found = content or await self._fetched(body["media_url"])
        async with self._turn:
            await self._sweep()
            if (account_id, media_name) in self._files:
                raise rejected("10012", "There is a media file of this name already.", pointer="/media_name")
            self._expect_room(account_id, len(found.data))
            now = self._clock.wall()
            expires_at = now + body.get("ttl_secs", TTL_SECONDS)
            file = MediaFile(account_id, media_name, _type(found), len(found.data), now, now, expires_at)
            await self._keep(file, found.data)
        return _shown(file)

    async def update(
        self, account_id: str, name: str, body: Mapping[str, Any], content: Content | None = None
    ) -> Document:
        """Another content for a file, or another time to live, from now on."""
        self._expect_valid(body, "update", content)
        before = self._file(account_id, name)
        found = content or (await self._fetched(body["media_url"]) if body.get("media_url") else None)
        async with self._turn:
            now = self._clock.wall()
            expires_at = now + body["ttl_secs"] if "ttl_secs" in body else before.expires_at
            after = msgspec.structs.replace(before, updated_at=now, expires_at=expires_at)
            if found is not None:
                self._expect_room(account_id, len(found.data) - before.size)
                after = msgspec.structs.replace(after, size=len(found.data), content_type=_type(found))
            await self._keep(after, None if found is None else found.data)
        return _shown(after)

    async def delete(self, account_id: str, name: str) -> None:
        """Keep a file no more."""
        async with self._turn:
            await self._drop(self._file(account_id, name))

    def show(self, account_id: str, name: str) -> Document:
        """One file."""
        return _shown(self._file(account_id, name))

    def page(self, account_id: str, query: Query) -> Listing:
        """One page of an account's files, oldest first, of the content types that are asked for."""
        found = [file for file in self._live(account_id) if all(file.content_type in it.value for it in query.chosen)]
        start = (query.page - 1) * query.size
        shown = [_shown(file) for file in found[start : start + query.size]]
        return Listing(shown, query.page, query.size, len(found))

    async def read(self, account_id: str, name: str) -> Content:
        """A file's content, with its type."""
        file = self._file(account_id, name)
        try:
            return Content(await self._shelved(lambda: self._shelf.get(file)), file.content_type)
        except (OSError, KeyError):
            raise not_found(MEDIA_FILES.title) from None

    async def stored(self, account_id: str, name: str) -> bytes:
        """A file's content for playing (`clips.Clips`); NoAudio where there is no such file."""
        try:
            return (await self.read(account_id, name)).data
        except Rejected:
            raise NoAudio("file_not_found", "there is no media file of this name") from None

    async def forget_all(self) -> None:
        """Keep nothing of anybody's any more."""
        async with self._turn:
            for file in list(self._files.values()):
                await self._drop(file)

    # ---- inside ----------------------------------------------------------------------------------------------

    def _file(self, account_id: str, name: str) -> MediaFile:
        expect_id("name", MEDIA_FILES.title, name)
        file = self._files.get((account_id, name))
        if file is None or file.expires_at <= self._clock.wall():
            raise not_found(MEDIA_FILES.title)
        return file

    def _live(self, account_id: str) -> list[MediaFile]:
        now = self._clock.wall()
        files = [file for file in self._files.values() if file.account_id == account_id and file.expires_at > now]
        return sorted(files, key=lambda file: file.created_at)

    def _expect_valid(
        self, body: Mapping[str, Any], when: Literal["create", "update"], content: Content | None
    ) -> None:
        fields = MEDIA_FILES.fields
        if content is not None:
            fields = tuple(field for field in fields if field.name != "media_url")
        problems = check(fields, body, when)
        if problems:
            raise Rejected(problems)

    def _expect_room(self, account_id: str, more: int) -> None:
        files = self._live(account_id)
        if len(files) >= MAX_FILES or sum(file.size for file in files) + more > MAX_TOTAL_BYTES:
            raise rejected(
                "10027", f"{MAX_FILES} media files or {MAX_TOTAL_BYTES >> 30} GiB are the most there can be."
            )

    async def _fetched(self, url: str) -> Content:
        try:
            content = await self._download(url)
        except NoAudio as error:
            raise rejected("90040", f"The media could not be fetched: {error}.", pointer="/media_url") from None
        if len(content.data) > MAX_BYTES:
            raise rejected("90040", f"The media are larger than {MAX_BYTES >> 20} MB.", pointer="/media_url")
        return content

    async def _sweep(self) -> None:
        now = self._clock.wall()
        for file in [file for file in self._files.values() if file.expires_at <= now]:
            await self._drop(file)

    async def _keep(self, file: MediaFile, content: bytes | None) -> None:
        await self._shelved(lambda: self._shelf.put(file, content))
        self._files[file.account_id, file.media_name] = file

    async def _drop(self, file: MediaFile) -> None:
        self._files.pop((file.account_id, file.media_name), None)
        await self._shelved(lambda: self._shelf.drop(file))

    @staticmethod
    async def _shelved(work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(None, work)


def _type(content: Content) -> str:
    """What a content is by its first bytes, else by its sender's word."""
    for magic, content_type in _MAGIC.items():
        if content.data.startswith(magic):
            return content_type
    return content.content_type or "application/octet-stream"


_MAGIC = {
    b"RIFF": "audio/wav",
    b"ID3": "audio/mpeg",
    b"\xff\xfb": "audio/mpeg",
    b"\xff\xf3": "audio/mpeg",
    b"\xff\xf2": "audio/mpeg",
    b"fLaC": "audio/flac",
    b"OggS": "audio/ogg",
}


def _shown(file: MediaFile) -> Document:
    return {
        "content_type": file.content_type,
        "created_at": format_moment(file.created_at),
        "expires_at": format_moment(file.expires_at),
        "media_name": file.media_name,
        "updated_at": format_moment(file.updated_at),
    }
