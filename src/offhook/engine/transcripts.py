"""Recordings are written down: the transcription engine listens to complete files, one after the other. No commands.

A row says that a recording's text is wanted from the moment that the recording is complete; it is completed by one
transaction with the event that tells the customer. What is interrupted, or fails, is begun again at the next start.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import msgspec
import structlog

from offhook.engine.ports import Clock
from offhook.engine.recordings import card_of
from offhook.engine.resources import Document, Keeper
from offhook.engine.shadow import Outbox
from offhook.engine.store import Add, Change, Drop, Load, Missing, Row, Store, StoreError, Where, Write
from offhook.engine.transcription import RATE, Transcriber
from offhook.voice.event import RecordingTranscribed
from offhook.voice.recording import Card
from offhook.voice.resources.recording_transcription import RECORDING_TRANSCRIPTIONS
from offhook.voice.sound import Clip

# The namespace of transcriptions' ids.
_IDS = uuid.UUID("9d1f27d6-1d43-4b52-8a9b-5f0c9c1f7a10")
_CLIP_BYTES = RATE // 50 * 2
_log = structlog.get_logger("offhook.engine")


class Transcripts:
    """What is said in recordings. Call `recover` once the platform can be reached; `close` it before the engine.

    Without an engine nothing can be ordered; what a platform with one has left then waits for the next that has.
    """

    def __init__(
        self,
        engine: Transcriber | None,
        store: Store,
        outbox: Outbox,
        clock: Clock,
        path: Callable[[Card], Path],
    ) -> None:
        self._engine = engine
        self._store = store
        self._outbox = outbox
        self._clock = clock
        self._path = path
        self._turn = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()

    def wanted(self, card: Card, milliseconds: int) -> list[Write]:
        """What is to be written with the completion of a recording; nothing where nobody wants its text."""
        if card.settings.language is None:
            return []
        return [Add("recording_transcriptions", _row(card, milliseconds, self._clock.wall()))]

    def begin(self, card: Card) -> None:
        """Write this recording down, if that is wanted; `wanted` has been written."""
        if card.settings.language is not None and self._engine is not None:
            task = asyncio.create_task(self._write_down(self._engine, card), name=f"transcript of {card.id}")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def recover(self) -> None:
        """Begin what an earlier run has left."""
        where = (Where("status", "eq", "in-progress"),)
        for row in await self._store.load(Load("recording_transcriptions", where)):
            self.begin(card_of(row))

    async def close(self) -> None:
        """Leave what is not done to the next start."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _write_down(self, engine: Transcriber, card: Card) -> None:
        async with self._turn:
            try:
                if not self._path(card).exists():
                    await self._store.write(Drop("recording_transcriptions", _account(card), transcription_id(card)))
                    return  # the recording was deleted
                await self._keep(card, await _text(engine, self._path(card), card.settings.language or ""))
            except Missing:
                return  # the transcription was deleted meanwhile
            except StoreError as error:
                _log.error("a transcript was not stored", recording=card.id, why=str(error))
            except Exception:
                _log.exception("a transcription engine failed", recording=card.id)

    async def _keep(self, card: Card, text: str) -> None:
        now, id = self._clock.wall(), transcription_id(card)
        saved = RecordingTranscribed(card.about, now, card.id, id, text)
        done: Row = {"status": "completed", "updated_at": now, "text": text}
        _, rows = self._outbox.prepared([saved])
        await self._store.write(Change("recording_transcriptions", _account(card), id, done), *rows)


class RecordingTranscriptions(Keeper):
    """The transcriptions of recordings, also of those that are deleted."""

    resource = RECORDING_TRANSCRIPTIONS

    def shown(self, row: Row) -> Document:
        return self.stamps(row) | {
            "duration_millis": row["milliseconds"],
            "recording_id": row["recording_id"],
            "status": row["status"],
            "transcription_text": row["text"],
        }


def transcription_id(card: Card) -> str:
    """The id of a recording's transcription: the same however often it is begun."""
    return str(uuid.uuid5(_IDS, card.id))


def _account(card: Card) -> str:
    return card.about.party.account_id


def _row(card: Card, milliseconds: int, now: float) -> Row:
    return {
        "id": transcription_id(card),
        "account_id": _account(card),
        "created_at": now,
        "updated_at": now,
        "recording_id": card.id,
        "status": "in-progress",
        "milliseconds": milliseconds,
        "text": "",
        "document": msgspec.json.encode(card).decode(),
    }


async def _text(engine: Transcriber, path: Path, language: str) -> str:
    """All that the engine is sure of."""
    said = [each.transcript async for each in engine.listen(_clips(path), language) if each.certainty == "final"]
    return " ".join(said)


async def _clips(path: Path) -> AsyncIterator[Clip]:
    """The file from its beginning to its end, its channels mixed, as fast as it is listened to."""
    loop = asyncio.get_running_loop()
    blocks = await loop.run_in_executor(None, _blocks, path)
    while block := await loop.run_in_executor(None, next, blocks, b""):
        for start in range(0, len(block), _CLIP_BYTES):
            yield Clip(RATE, block[start : start + _CLIP_BYTES])


def _blocks(path: Path) -> Iterator[bytes]:
    # Not above: it loads NumPy, which takes a while and which a server that writes nothing down can do without.
    from offhook.engine.recording_audio import seconds

    return seconds(path, RATE)
