"""Category: engine. Accounts' media files: names, times to live, bounds, and what survives a restart."""

from pathlib import Path
from typing import Any

import pytest

from offhook.engine import mediafiles
from offhook.engine.download import Content
from offhook.engine.mediafiles import MediaFiles
from offhook.engine.ports import NoAudio
from offhook.engine.shelf import DirectoryShelf, MemoryShelf, Shelf
from offhook.voice.resources.media_file import MEDIA_FILES, TTL_SECONDS
from offhook.voice.resources.problem import Rejected
from offhook.voice.resources.resource import read_query

WAV, MP3 = Content(b"RIFF....WAVE", ""), Content(b"ID3....", "text/plain")


class Clock:
    now = 1_800_000_000.0

    def monotonic(self) -> float:
        return self.now

    def wall(self) -> float:
        return self.now


async def download(url: str) -> Content:
    if url.endswith("gone"):
        raise NoAudio("file_not_found", "404")
    if url.endswith("huge"):
        return Content(bytes((20 << 20) + 1), "")
    return Content(b"fLaC" + url.encode(), "")


@pytest.fixture(params=["memory", "directory"])
async def files(request: pytest.FixtureRequest, tmp_path: Path) -> MediaFiles:
    shelf: Shelf = MemoryShelf() if request.param == "memory" else DirectoryShelf(tmp_path / "media")
    made = MediaFiles(shelf, Clock(), download)
    await made.open()
    return made


def refused(error: pytest.ExceptionInfo[Rejected]) -> tuple[int, str]:
    return error.value.status, error.value.problems[0].code


def names(files: MediaFiles, account: str = "a", **query: str) -> list[str]:
    return [each["media_name"] for each in files.page(account, read_query(MEDIA_FILES, query)).documents]


async def test_a_file_is_uploaded_shown_read_changed_and_deleted(files: MediaFiles) -> None:
    made = await files.create("a", {"media_name": "menu.wav"}, WAV, "unused")
    assert made["content_type"] == "audio/wav"
    assert files.show("a", "menu.wav") == made
    assert (await files.read("a", "menu.wav")).data == WAV.data
    changed = await files.update("a", "menu.wav", {"ttl_secs": 60}, MP3)
    assert (changed["content_type"], changed["created_at"]) == ("audio/mpeg", made["created_at"])
    assert changed["expires_at"] < made["expires_at"]
    assert await files.stored("a", "menu.wav") == MP3.data
    await files.delete("a", "menu.wav")
    for again in (files.delete, files.read):
        with pytest.raises(Rejected) as error:
            await again("a", "menu.wav")
        assert refused(error) == (404, "10005")


async def test_a_file_is_fetched_from_its_url(files: MediaFiles) -> None:
    made = await files.create("a", {"media_url": "https://files.test/x"}, None, "its own name")
    assert made["media_name"] == "its own name"
    assert (await files.read("a", "its own name")).data == b"fLaChttps://files.test/x"
    for url in ("https://files.test/gone", "https://files.test/huge"):
        with pytest.raises(Rejected) as error:
            await files.create("a", {"media_url": url}, None, "other")
        assert refused(error) == (400, "90040")


async def test_accounts_do_not_see_each_others_files(files: MediaFiles) -> None:
    await files.create("a", {"media_name": "menu"}, WAV, "")
    await files.create("b", {"media_name": "menu"}, MP3, "")
    assert (await files.read("a", "menu")).data == WAV.data
    with pytest.raises(Rejected):
        files.show("c", "menu")
    with pytest.raises(NoAudio) as missing:
        await files.stored("c", "menu")
    assert missing.value.failure == "file_not_found"


async def test_lists_page_and_filter(files: MediaFiles) -> None:
    for name, content in (("one", WAV), ("two", MP3), ("three", WAV)):
        await files.create("a", {"media_name": name}, content, "")
    assert names(files) == ["one", "two", "three"]
    assert names(files, **{"filter[content_type]": "audio/mpeg,audio/flac"}) == ["two"]
    assert names(files, **{"page[size]": "2", "page[number]": "2"}) == ["three"]


async def test_what_has_expired_is_gone_and_its_name_is_free(
    files: MediaFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    await files.create("a", {"media_name": "menu"}, WAV, "")
    monkeypatch.setattr(Clock, "now", Clock.now + TTL_SECONDS + 1)
    assert names(files) == []
    with pytest.raises(NoAudio):
        await files.stored("a", "menu")
    await files.create("a", {"media_name": "menu"}, MP3, "")
    assert await files.stored("a", "menu") == MP3.data


@pytest.mark.parametrize(
    ("body", "content", "code"),
    [
        ({}, None, "10004"),
        ({"media_name": "a/b"}, WAV, "10015"),
        ({"media_name": ""}, WAV, "10033"),
        ({"media_name": "x", "ttl_secs": 0}, WAV, "10033"),
        ({"media_name": "x", "ttl_secs": 630_720_001}, WAV, "10033"),
        ({"media_name": "x", "colour": "red"}, WAV, "10015"),
        ({"media_url": "ftp://files.test/x"}, None, "10015"),
        ({"media_name": "taken"}, WAV, "10012"),
    ],
)
async def test_what_is_wrong_is_refused(files: MediaFiles, body: dict[str, Any], content: Any, code: str) -> None:
    await files.create("a", {"media_name": "taken"}, WAV, "")
    with pytest.raises(Rejected) as error:
        await files.create("a", body, content, "other")
    assert refused(error)[1] == code
    assert names(files) == ["taken"]


async def test_an_account_has_so_much_room_and_no_more(files: MediaFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mediafiles, "MAX_TOTAL_BYTES", 20)
    await files.create("a", {"media_name": "one"}, WAV, "")
    with pytest.raises(Rejected) as error:
        await files.create("a", {"media_name": "two"}, WAV, "")
    assert refused(error) == (422, "10027")
    await files.update("a", "one", {}, MP3)
    await files.create("b", {"media_name": "two"}, WAV, "")


async def test_a_restart_finds_the_files_and_clears_what_a_crash_has_left(tmp_path: Path) -> None:
    directory = tmp_path / "media"
    files = MediaFiles(DirectoryShelf(directory), Clock(), download)
    await files.create("a", {"media_name": "menu name"}, WAV, "")
    for left in ("half.media", "half.json.part", "damaged.json"):
        (directory / left).write_bytes(b"{")
    again = MediaFiles(DirectoryShelf(directory), Clock(), download)
    await again.open()
    assert (await again.read("a", "menu name")).data == WAV.data
    assert len(list(directory.iterdir())) == 2
    await again.forget_all()
    assert list(directory.iterdir()) == []
