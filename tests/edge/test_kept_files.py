"""Category: edge. What a platform keeps on the disk is for nobody else who uses the machine (STO-07)."""

import os
from pathlib import Path

import aiohttp
import pytest

from offhook.edge.server import start_dev

FOR_OTHERS = 0o077


@pytest.fixture
def lax_umask() -> object:
    before = os.umask(0)
    yield
    os.umask(before)


def open_to_others(folder: Path) -> list[str]:
    """The files below that others can reach: neither they nor a folder on the way keep them out."""
    found: list[str] = []
    for each in folder.iterdir():
        if not each.stat().st_mode & FOR_OTHERS:
            continue
        found += open_to_others(each) if each.is_dir() else [each.name]
    return found


@pytest.mark.usefixtures("lax_umask")
async def test_files_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    platform = await start_dev(db=tmp_path / "kept.db")
    headers = {"Authorization": f"Bearer {platform.env['TELNYX_API_KEY']}"}
    form = aiohttp.FormData({"media_name": "greeting"})
    form.add_field("media", b"RIFF", filename="a.wav")
    try:
        media = platform.env["TELNYX_BASE_URL"] + "/media"
        async with aiohttp.ClientSession(headers=headers) as http, http.post(media, data=form) as response:
            assert response.status == 201
        assert {Path(name).suffix for name in os.listdir(tmp_path)} >= {".db", ".media", ".recordings"}
        assert open_to_others(tmp_path) == []
    finally:
        await platform.stop()
