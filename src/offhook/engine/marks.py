"""Writes down soon what need not be awaited: in order, and together with what comes while the database is busy."""

import asyncio
from collections.abc import Sequence

import structlog

from offhook.engine.store import Change, Missing, Store, StoreError

_log = structlog.get_logger("offhook.webhooks")


class Marks:
    """Changes of rows whose loss would only mean that something is done once more."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: list[Change] = []
        self._writing: asyncio.Task[None] | None = None

    def mark(self, change: Change) -> None:
        """Write it when the database has time."""
        self._waiting.append(change)
        if self._writing is None or self._writing.done():
            self._writing = asyncio.ensure_future(self._write())

    async def written(self) -> None:
        """Return once nothing waits any more."""
        if self._writing is not None:
            await self._writing

    def forget(self) -> None:
        """Write nothing more, as if the process had ended."""
        self._waiting.clear()
        if self._writing is not None:
            self._writing.cancel()

    async def _write(self) -> None:
        while self._waiting:
            changes, self._waiting = self._waiting, []
            try:
                await self._store.write(*changes)
            except StoreError:
                await self._write_singly(changes)

    async def _write_singly(self, changes: Sequence[Change]) -> None:
        """One of them cannot be written: where its row is gone nobody asks for it any more."""
        for change in changes:
            try:
                await self._store.write(change)
            except Missing:
                continue
            except StoreError:
                # After the next start it is delivered once more, which its id tells.
                _log.warning("webhook.unmarked", id=change.id)
