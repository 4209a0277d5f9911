"""Recordings on the disk: begun with the media core, made ready by a worker, told of, deleted. Knows no legs' rules.

The core writes `<id>.part` as the call goes on. When it says that a recording is over, or when the server starts after
a crash, the worker makes the file that was asked for, and one transaction completes the row and tells the customer.
Until then the row says `going_on`: whatever is interrupted is done again at the next start.
"""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from pathlib import Path

import msgspec
import structlog

from offhook.engine.links import Links
from offhook.engine.ports import Clock, MediaCore
from offhook.engine.recording_job import Job, Made
from offhook.engine.recordings import card_of, file_name, urls
from offhook.engine.shadow import Outbox
from offhook.engine.store import Change, Drop, Load, Missing, Row, Store, StoreError, Where, Write
from offhook.engine.transcription import Transcriber
from offhook.engine.transcripts import Transcripts
from offhook.engine.worker import Crew, WorkerFailed
from offhook.media import commands as media
from offhook.media.events import RecordEnded
from offhook.voice import effect
from offhook.voice.conference_event import ConferenceRecordingSaved
from offhook.voice.event import About, Event, RecordingFailed, RecordingSaved
from offhook.voice.recording import Card

_log = structlog.get_logger("offhook.engine")

# Wideband: what a phone call can have, at a third of the bytes of full-band audio.
RATE = 16_000
MAKE_SECONDS = 3600.0
MAKERS = 1
# How long a server that stops waits for what is being made ready; the next start does the rest.
PATIENCE_SECONDS = 10.0


class Archive:
    """The recordings in `folder`, which belongs to the platform alone. Call `recover` once the platform can be reached;
    `close` it when the calls are over, before the core.

    `about_of` gives a live leg as its events show it now.
    """

    def __init__(
        self,
        folder: Path,
        core: MediaCore,
        store: Store,
        outbox: Outbox,
        clock: Clock,
        links: Links,
        transcriber: Transcriber | None = None,
        about_of: Callable[[str], About | None] = lambda _: None,
    ) -> None:
        self._folder = folder
        self._core = core
        self._store = store
        self._outbox = outbox
        self._clock = clock
        self._links = links
        self._about_of = about_of
        self._transcripts = Transcripts(transcriber, store, outbox, clock, self.path)
        self._crew = Crew("offhook.engine.recording_worker", size=MAKERS, seconds=MAKE_SECONDS)
        self._going_on: dict[str, Card] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._quiet = asyncio.Event()
        self._quiet.set()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def path(self, card: Card) -> Path:
        """Where the file of a recording is once it is complete."""
        return self._folder / file_name(card)

    # ---- while the call goes on ------------------------------------------------------------------------------

    def perform(self, it: effect.Recording) -> None:
        """Begin, pause or end a recording."""
        match it:
            case effect.Record(port, card):
                self._going_on[card.id] = card
                self._quiet.clear()
                self._core.send(self._order(port, card))
            case effect.PauseRecord(port, recording, paused):
                self._core.send(media.PauseRecord(port, recording, paused))
            case effect.StopRecord(port, recording, about):
                if recording in self._going_on:
                    self._going_on[recording] = msgspec.structs.replace(self._going_on[recording], about=about)
                self._core.send(media.StopRecord(port, recording))

    def ended(self, event: RecordEnded) -> None:
        """The core has ended one: make it ready."""
        card = self._going_on.pop(event.recording, None)
        if card is not None:
            # Whoever stopped it has said as of whom it is to be told.
            live = None if event.reason == "stopped" else self._about_of(card.about.ids.call_control_id)
            about = live or card.about
            self._begin(self._finish(msgspec.structs.replace(card, about=about), event))
        self._note_quiet()

    def _order(self, port: int, card: Card) -> media.Record:
        settings = card.settings
        return media.Record(
            port,
            card.id,
            str(self._part(card)),
            RATE,
            settings.track,
            2 if settings.kept_channels == "dual" else 1,
            settings.max_seconds * 1000,
            settings.silence_seconds * 1000,
        )

    # ---- afterwards ------------------------------------------------------------------------------------------

    async def recover(self) -> None:
        """Make ready what a crash has left, and take away files that no recording knows; the rest goes on by itself."""
        rows = await self._store.load("recordings")
        known = {path for row in rows for path in (self.path(card_of(row)), self._part(card_of(row)))}
        await _aside(lambda: _sweep(self._folder, known))
        await self._transcripts.recover()
        for row in rows:
            if row["status"] != "completed":
                self._begin(self._finish(card_of(row), None))

    async def file(self, name: str) -> tuple[Path, Card] | None:
        """The file of a complete recording by its name in links; None where there is none (any more)."""
        where = (Where("id", "eq", name.partition(".")[0]), Where("status", "eq", "completed"))
        rows = await self._store.load(Load("recordings", where, limit=1))
        card = card_of(rows[0]) if rows else None
        return (self.path(card), card) if card is not None and file_name(card) == name else None

    def remove(self, card: Card) -> None:
        """A recording was deleted: so is its file."""
        self._begin(_aside(lambda: self.path(card).unlink(missing_ok=True)))

    async def forget_all(self) -> None:
        """Keep nothing of anybody's any more; the calls are over."""
        await self._settled()
        await _aside(lambda: _sweep(self._folder, set()))

    async def close(self) -> None:
        """Wait a little for what is being made ready, then end."""
        await self._settled()
        for task in self._tasks:
            task.cancel()
        await self._transcripts.close()
        await self._crew.close()

    async def _settled(self) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._quiet.wait(), PATIENCE_SECONDS)

    # ---- inside ----------------------------------------------------------------------------------------------

    async def _finish(self, card: Card, event: RecordEnded | None) -> None:
        """Make a recording ready and tell of it. `event` is None after a crash."""
        try:
            made = await self._made(card)
            if event is not None and event.reason in ("no_space", "failed"):
                _log.error("a recording was cut off", recording=card.id, reason=event.reason, why=event.detail)
                await self._write([], RecordingFailed(card.about, self._clock.wall(), card.id, _cut_off(event)))
            await self._keep(card, made)
        except StoreError as error:
            _log.error("a recording was not stored", recording=card.id, why=str(error))

    async def _keep(self, card: Card, made: Made) -> None:
        now, id, account = self._clock.wall(), card.id, card.about.party.account_id
        if made.error:
            _log.error("a recording could not be made ready", recording=id, why=made.error)
            await self._write(
                [Drop("recordings", account, id)], RecordingFailed(card.about, now, id, "nothing could be kept")
            )
            return
        ended_at = card.started_at + made.ms / 1000
        values: Row = {"status": "completed", "updated_at": now, "ended_at": ended_at, "milliseconds": made.ms}
        changes: list[Write] = [Change("recordings", account, id, values), *self._transcripts.wanted(card, made.ms)]
        try:
            await self._write(changes, self._saved(card, now, ended_at))
        except Missing:
            self.path(card).unlink(missing_ok=True)  # its account was forgotten meanwhile
        else:
            self._transcripts.begin(card)

    def _saved(self, card: Card, now: float, ended_at: float) -> Event:
        settings = card.settings
        of_file = settings.kept_channels, settings.format, card.started_at, ended_at, urls(card, self._links)
        if card.source == "conference":
            state = card.about.client_state
            return ConferenceRecordingSaved(card.about, now, card.conference_id, state, card.id, *of_file)
        return RecordingSaved(card.about, now, card.id, *of_file)

    async def _made(self, card: Card) -> Made:
        settings = card.settings
        job = Job(str(self._part(card)), str(self.path(card)), settings.format, settings.trim)
        try:
            answer = await self._crew.ask(msgspec.msgpack.encode(job))
        except WorkerFailed as error:
            return Made(error=str(error))
        return msgspec.msgpack.decode(answer, type=Made)

    async def _write(self, writes: list[Write], event: Event) -> None:
        _, rows = self._outbox.prepared([event])
        if writes or rows:
            await self._store.write(*writes, *rows)
        self._outbox.told([event])

    def _part(self, card: Card) -> Path:
        return self._folder / f"{card.id}.part"

    def _begin(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._quiet.clear()
        self._tasks.add(task)
        task.add_done_callback(self._over)

    def _over(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("a recording failed", error=type(error).__name__)
        self._note_quiet()

    def _note_quiet(self) -> None:
        if not self._tasks and not self._going_on:
            self._quiet.set()


async def _aside(work: Callable[[], None]) -> None:
    await asyncio.get_running_loop().run_in_executor(None, work)


def _sweep(folder: Path, known: set[Path]) -> None:
    for path in folder.iterdir():
        if path not in known:
            path.unlink(missing_ok=True)


def _cut_off(event: RecordEnded) -> str:
    return "the disk is full" if event.reason == "no_space" else "the recording could not be written"
