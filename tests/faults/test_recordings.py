"""Category: faults. What becomes of recordings when the server is killed, when the disk is full, and when names are
traps."""

import asyncio
import io
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import numpy as np
import pytest
import soundfile
from tests.endpoint import Endpoint
from tests.platform_process import Platform
from tests.told import Told

from offhook import Client, Tone
from offhook.engine.archive import Archive
from offhook.engine.clock import SystemClock
from offhook.engine.links import Links
from offhook.engine.recording_job import Job
from offhook.engine.recording_worker import HEADER_BYTES, Unmade, make
from offhook.engine.recordings import row_of
from offhook.engine.seed import SEEDED
from offhook.engine.store import Add, Find, Store
from offhook.media.events import RecordEnded
from offhook.testing.fakes import FakeCore
from offhook.voice import effect
from offhook.voice.conference_event import ConferenceRecordingSaved
from offhook.voice.event import About, RecordingFailed, RecordingSaved
from offhook.voice.leg import LegIds, Party
from offhook.voice.recording import Card, Settings

JOHN = SEEDED.identities[0]
RATE = 16_000
ABOUT = About(
    LegIds("v3:leg", "session", "leg"), Party("a", "account", "connection", "a"), "a", "b", "A", "outgoing", 1e9
)
ID = "0b9c0a0e-0000-4000-8000-000000000001"


def card(format: str = "wav", trim: str = "nothing", channels: str = "single") -> Card:
    settings = Settings(channels, format, trim=trim)  # pyright: ignore
    return Card(ID, settings, ABOUT, 1_000_000_000.0)


def part(folder: Path, sound: "np.ndarray[Any, Any]", channels: int = 1, tail: bytes = b"") -> Path:
    """What the core has written when it was cut off."""
    file = io.BytesIO()
    soundfile.write(file, np.zeros((1, channels)), RATE, format="WAV", subtype="PCM_16")
    header = bytearray(file.getvalue()[:HEADER_BYTES])
    header[4:8] = header[40:44] = b"\xff" * 4
    path = folder / f"{ID}.part"
    path.write_bytes(bytes(header) + sound.astype("<i2").tobytes() + tail)
    return path


def tone(seconds: float) -> "np.ndarray[Any, Any]":
    return np.sin(2 * np.pi * 500 * np.arange(int(RATE * seconds)) / RATE) * 10_000


@pytest.fixture
async def endpoint() -> AsyncIterator[Endpoint]:
    made = await Endpoint().start()
    yield made
    await made.stop()


# ---- the server dies -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("format", ["wav", "mp3"])
async def test_a_killed_server_keeps_all_but_the_last_second(tmp_path: Path, endpoint: Endpoint, format: str) -> None:
    database = str(tmp_path / "calls.db")
    first = await Platform.start(tmp_path, "--db", database, "--webhook-url", endpoint.url)
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {first.api_key}"}) as http:
        await prepare(http, first)
        phone = Client(first.ws_url, login=JOHN.login, password=JOHN.password)
        await phone.connect()
        await phone.ready()
        call = await phone.new_call("+12025550199", audio=Tone(500.0))
        await call.wait_for("early")
        actions = f"{first.base_url}/calls/{call.ids.call_control}/actions"
        record = {"record": "record-from-answer", "record_format": format, "record_channels": "single"}
        async with http.post(f"{actions}/answer", json=record) as answered:
            id = (await answered.json())["data"]["recording_id"]
        await call.answered()
        growing = tmp_path / "calls.db.recordings" / f"{id}.part"
        async with asyncio.timeout(20):
            while (written := size(growing)) < 2 * 2 * RATE:  # noqa: ASYNC110 -- a file of another process
                await asyncio.sleep(0.02)
        first.process.kill()
        await first.process.wait()
        await phone.disconnect()
        (tmp_path / "ready.json").unlink()  # what the first has left
        second = await Platform.start(tmp_path, "--db", database, "--webhook-url", endpoint.url)
        try:
            saved = await event_of(endpoint, "call.recording.saved")
            assert saved["payload"]["recording_id"] == id
            async with http.get(saved["payload"]["recording_urls"][format]) as response:
                sound, _ = soundfile.read(io.BytesIO(await response.read()))
        finally:
            await second.stop()
    assert len(sound) >= (written - HEADER_BYTES) // 2
    spectrum = np.abs(np.fft.rfft(sound[RATE : 2 * RATE]))
    assert abs(int(np.argmax(spectrum)) - 500) < 10


def size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


async def prepare(http: aiohttp.ClientSession, platform: Platform) -> None:
    """Let John's calls be parked."""
    async with http.get(f"{platform.base_url}/credential_connections") as response:
        found = (await response.json())["data"]
    id = next(each["id"] for each in found if each["user_name"] == JOHN.login)
    change = {"outbound": {"call_parking_enabled": True}}
    async with http.patch(f"{platform.base_url}/credential_connections/{id}", json=change) as response:
        response.raise_for_status()


async def event_of(endpoint: Endpoint, kind: str) -> Any:
    seen = 0
    while True:
        requests = await endpoint.after(seen + 1)
        for _, body in requests[seen:]:
            data = msgspec.json.decode(body)["data"]
            if data["event_type"] == kind:
                return data
        seen = len(requests)


# ---- what is left of a file ------------------------------------------------------------------------------------


def test_a_torn_end_does_not_count_and_a_second_try_comes_to_the_same(tmp_path: Path) -> None:
    job = Job(str(part(tmp_path, tone(1.0), tail=b"\x01" * 333)), str(tmp_path / "r.wav"), "wav", "nothing")
    assert make(job) == make(job) == 1000
    sound, rate = soundfile.read(tmp_path / "r.wav")
    assert (len(sound), rate) == (RATE, RATE)
    assert [path.name for path in tmp_path.iterdir()] == ["r.wav"]


@pytest.mark.parametrize("format", ["wav", "mp3"])
def test_silence_is_trimmed_at_both_ends_only(tmp_path: Path, format: str) -> None:
    still = np.zeros(2 * RATE)
    sound = np.concatenate([still, tone(1.0), still, tone(1.0), still])
    result = tmp_path / f"r.{format}"
    job = Job(str(part(tmp_path, sound)), str(result), format, "silence")  # pyright: ignore
    assert make(job) == 4400
    found, _ = soundfile.read(result)
    assert abs(len(found) / RATE - 4.4) < 0.1
    assert np.abs(found[int(1.5 * RATE) : int(2.9 * RATE)]).max() < 0.01


@pytest.mark.parametrize("format", ["wav", "mp3"])
@pytest.mark.parametrize("channels", [1, 2])
def test_a_tone_is_as_loud_and_as_pure_as_it_was(tmp_path: Path, format: str, channels: int) -> None:
    sound = np.stack([tone(2.0)] * channels, axis=1)
    result = tmp_path / f"r.{format}"
    make(Job(str(part(tmp_path, sound, channels)), str(result), format, "nothing"))  # pyright: ignore
    found, _ = soundfile.read(result, always_2d=True)
    for channel in found.T:
        middle = channel[RATE // 2 : RATE // 2 + RATE]
        energy = np.abs(np.fft.rfft(middle)) ** 2
        assert energy[495:506].sum() / energy.sum() > 0.99
        assert 0.9 < np.abs(middle).max() * 32768 / 10_000 < 1.1


def test_nothing_but_silence_is_kept_as_it_is(tmp_path: Path) -> None:
    job = Job(str(part(tmp_path, np.zeros(RATE))), str(tmp_path / "r.wav"), "wav", "silence")
    assert make(job) == 1000


def test_of_nothing_nothing_is_made(tmp_path: Path) -> None:
    job = Job(str(part(tmp_path, np.zeros(0))), str(tmp_path / "r.wav"), "wav", "nothing")
    with pytest.raises(Unmade):
        make(job)


# ---- the archive -----------------------------------------------------------------------------------------------


class Room:
    """An archive over a store in memory."""

    def __init__(self, folder: Path) -> None:
        self.store = Store.at(None)
        self.told = Told()
        self.core = FakeCore()
        self.archive = Archive(folder, self.core, self.store, self.told, SystemClock(), Links(b"key", SystemClock()))

    async def statuses(self) -> list[str]:
        return [row["status"] for row in (await self.store.find(Find("recordings", "account"))).rows]

    async def close(self) -> None:
        await self.archive.close()
        await self.store.close()


async def test_a_full_disk_is_told_and_what_was_written_is_kept(tmp_path: Path) -> None:
    """STO-02: the recording ends with an error, the call goes on; what there was can still be had."""
    room = Room(tmp_path)
    await room.store.write(Add("recordings", row_of(card())))
    room.archive.perform(effect.Record(1, card()))
    part(tmp_path, tone(3.0), tail=b"\x01")
    room.archive.ended(RecordEnded(1, ID, 5_000, "no_space", "No space left on device"))
    failed, saved = await room.told.events.get(), await room.told.events.get()
    assert isinstance(failed, RecordingFailed)
    assert failed.fields()["status_detail"] == "the disk is full"
    assert isinstance(saved, RecordingSaved)
    assert saved.ended_at - saved.started_at == 3.0
    assert await room.statuses() == ["completed"]
    await room.close()


async def test_a_recording_without_a_file_is_told_as_an_error_and_is_not_there(tmp_path: Path) -> None:
    room = Room(tmp_path)
    await room.store.write(Add("recordings", row_of(card())))
    room.archive.perform(effect.Record(1, card()))
    room.archive.ended(RecordEnded(1, ID, 0, "closed"))
    assert isinstance(await room.told.events.get(), RecordingFailed)
    assert await room.statuses() == []
    await room.close()


async def test_a_new_start_finishes_what_there_is_and_removes_what_nobody_knows(tmp_path: Path) -> None:
    room = Room(tmp_path)
    part(tmp_path, tone(2.0))
    (tmp_path / "orphan.wav").write_bytes(b"left by a deletion that was cut off")
    await room.store.write(Add("recordings", row_of(card("mp3", channels="single"))))
    await room.archive.recover()
    saved = await room.told.events.get()
    assert isinstance(saved, RecordingSaved)
    assert saved.urls["wav"] is None
    assert os.listdir(tmp_path) == [f"{ID}.mp3"]
    await room.close()


async def test_a_conference_that_was_cut_off_is_told_of_as_one(tmp_path: Path) -> None:
    room = Room(tmp_path)
    part(tmp_path, tone(2.0))
    cut_off = msgspec.structs.replace(card(), source="conference", conference_id="c")
    await room.store.write(Add("recordings", row_of(cut_off)))
    await room.archive.recover()
    saved = await room.told.events.get()
    assert isinstance(saved, ConferenceRecordingSaved)
    assert (saved.conference_id, saved.recording_id, saved.ended_at - saved.started_at) == ("c", ID, 2.0)
    await room.close()


def test_a_link_ends_and_is_for_one_file_only() -> None:
    class Turned(SystemClock):
        at = 1e9

        def wall(self) -> float:
            return self.at

    clock = Turned()
    links = Links(b"key", clock)
    query = dict(pair.split("=") for pair in links.link("a.wav").partition("?")[2].split("&"))
    assert links.good("a.wav", query)
    assert not links.good("b.wav", query)
    assert not Links(b"other", clock).good("a.wav", query)
    for bad in ({}, query | {"expires": "9" * 13}, query | {"expires": "x"}, query | {"signature": "ä"}):
        assert not links.good("a.wav", bad)
    clock.at += 600
    assert not links.good("a.wav", query)
