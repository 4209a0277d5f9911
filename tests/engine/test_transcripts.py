"""Category: engine. Recordings that are to be written down, over a store in memory: cut off, failed or deleted."""

import asyncio
import wave
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
from tests.told import Told

from offhook.engine.clock import SystemClock
from offhook.engine.recordings import file_name
from offhook.engine.store import Drop, Find, Row, Store, Where
from offhook.engine.transcription import RATE, Understood
from offhook.engine.transcripts import Transcripts, transcription_id
from offhook.voice.event import About, RecordingTranscribed
from offhook.voice.leg import LegIds, Party
from offhook.voice.recording import Card, Settings
from offhook.voice.sound import Clip

ABOUT = About(LegIds("v3:leg", "session", "leg"), Party("a", "account", "1", "a"), "+1", "+2", "", "outgoing", 0.0)
CARD = Card("0b9c0a0e-0000-4000-8000-000000000001", Settings("dual", "wav", language="en"), ABOUT, 1_000_000_000.0)


class Engine:
    """Says how long the audio was, and how loud it was at most; waits before that, or fails, if it is told to."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.go.set()
        self.started = asyncio.Event()
        self.broken = False

    async def listen(self, audio: AsyncIterator[Clip], language: str) -> AsyncIterator[Understood]:
        self.started.set()
        await self.go.wait()
        if self.broken:
            raise OSError("the model is gone")
        clips = [clip async for clip in audio]
        yield Understood("perhaps", certainty="interim")
        yield Understood(f"{language}:")
        yield Understood(f"{sum(len(clip.pcm) for clip in clips) / 2 / RATE} s of {clips[0].pcm[:4].hex()}")

    async def close(self) -> None:
        """It has nothing to close."""


class Room:
    """Transcripts of the recordings in a folder. `anew` is the same after a restart."""

    def __init__(self, folder: Path, store: Store | None = None) -> None:
        self.store = store or Store.at(None)
        self.told = Told()
        self.engine = Engine()
        self._folder = folder
        self.transcripts = Transcripts(
            self.engine, self.store, self.told, SystemClock(), lambda card: folder / file_name(card)
        )

    async def want(self, card: Card) -> None:
        """A recording of 1.5 s is complete; its channels are +1,000 and -500."""
        with wave.open(str(self._folder / file_name(card)), "wb") as file:
            file.setnchannels(2)
            file.setsampwidth(2)
            file.setframerate(RATE)
            file.writeframes(b"\xe8\x03\x0c\xfe" * (RATE * 3 // 2))
        await self.store.write(*self.transcripts.wanted(card, 1500))

    async def anew(self) -> "Room":
        await self.transcripts.close()
        return Room(self._folder, self.store)

    async def row(self, card: Card) -> Row:
        where = (Where("recording_id", "eq", card.id),)
        [row] = (await self.store.find(Find("recording_transcriptions", "account", where))).rows
        return row

    async def close(self) -> None:
        await self.transcripts.close()
        await self.store.close()


async def test_what_a_restart_interrupts_is_done_after_it(tmp_path: Path) -> None:
    room = Room(tmp_path)
    await room.want(CARD)
    room.engine.go.clear()
    room.transcripts.begin(CARD)
    await room.engine.started.wait()
    room = await room.anew()
    assert (await room.row(CARD))["status"] == "in-progress"
    await room.transcripts.recover()
    saved = await room.told.events.get()
    assert isinstance(saved, RecordingTranscribed)
    assert saved.transcription_id == transcription_id(CARD)
    # The channels mixed: (1000 - 500) / 2.
    assert saved.text == "en: 1.5 s of fa00fa00"
    await room.close()


async def test_a_failure_loses_nothing(tmp_path: Path) -> None:
    room = Room(tmp_path)
    await room.want(CARD)
    room.engine.broken = True
    room.transcripts.begin(CARD)
    await room.engine.started.wait()
    room = await room.anew()
    await room.transcripts.recover()
    saved = await room.told.events.get()
    assert isinstance(saved, RecordingTranscribed)
    assert (await room.row(CARD))["text"] == saved.text
    await room.close()


async def test_what_is_deleted_meanwhile_does_not_come_back(tmp_path: Path) -> None:
    room = Room(tmp_path)
    without_row, without_file, last = (msgspec.structs.replace(CARD, id=CARD.id[:-1] + digit) for digit in "234")
    for card in (without_row, without_file, last):
        await room.want(card)
    (tmp_path / file_name(without_file)).unlink()
    room.engine.go.clear()
    for card in (without_row, without_file, last):
        room.transcripts.begin(card)
    await room.engine.started.wait()
    await room.store.write(Drop("recording_transcriptions", "account", transcription_id(without_row)))
    room.engine.go.set()
    told = ""
    while told != last.id:
        event = await room.told.events.get()
        assert isinstance(event, RecordingTranscribed)
        told = event.recording_id
        assert told != without_file.id
    rows = (await room.store.find(Find("recording_transcriptions", "account"))).rows
    assert [row["recording_id"] for row in rows] == [last.id]
    await room.close()


async def test_nothing_is_wanted_of_a_recording_without_a_language(tmp_path: Path) -> None:
    room = Room(tmp_path)
    assert room.transcripts.wanted(Card(CARD.id, Settings("dual", "wav"), ABOUT, 0.0), 1500) == []
    await room.close()
