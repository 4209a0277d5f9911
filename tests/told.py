"""An outbox for tests: keeps the events that it is given, and writes nothing."""

import asyncio
from collections.abc import Sequence

from offhook.engine.store import Write
from offhook.voice.event import Event


class Told:
    """Has them in a queue."""

    def __init__(self) -> None:
        self.events: asyncio.Queue[Event] = asyncio.Queue()

    def prepared(self, events: Sequence[Event]) -> tuple[Sequence[Event], Sequence[Write]]:
        for event in events:
            self.events.put_nowait(event)
        return events, ()

    def told(self, events: Sequence[Event]) -> None: ...
