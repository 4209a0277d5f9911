"""The way from the core's events to the outbox: who is told what, in whose order. Knows no URLs."""

from collections.abc import Callable, Sequence

import msgspec

from offhook.engine.outbox import Outbox, Sending
from offhook.engine.ports import Chance, Clock
from offhook.engine.quality import Quality
from offhook.engine.store import Write
from offhook.voice.event import CallHungUp, Document, Event, payload
from offhook.voice.verbs.words import callback


class Teller:
    """Implements `engine.shadow.Outbox`. `domain` is the SIP domain in which parties are named, `quality` what was
    measured of calls. `listeners` are told of every event once it is safe."""

    def __init__(
        self, outbox: Outbox, clock: Clock, chance: Chance, domain: str, quality: Quality | None = None
    ) -> None:
        self._outbox = outbox
        self._clock = clock
        self._chance = chance
        self._domain = domain
        self._quality = quality or Quality()
        self.listeners: list[Callable[[Sequence[Event]], None]] = []

    def told(self, events: Sequence[Event]) -> None:
        """These events are safe: whoever follows calls hears of them."""
        for listener in self.listeners:
            listener(events)

    def prepared(self, events: Sequence[Event]) -> tuple[Sequence[Event], Sequence[Write]]:
        """Those of these events that have a URL to go to, and the rows of all, for the transaction of what they tell
        of."""
        rows = self._outbox.writes([self._sending(event) for event in events], self._clock.wall())
        return [event for event, add in zip(events, rows, strict=True) if add.row["status"] == "pending"], rows

    def _sending(self, event: Event) -> Sending:
        about = event.about
        return Sending(
            account_id=about.party.account_id,
            connection_id=about.party.connection_id,
            order=about.ids.call_session_id,
            event_type=event.type,
            payload=self._payload(event),
            occurred_at=event.at,
            hooks=about.hooks,
            id=self._chance.uuid(),
        )

    def _payload(self, event: Event) -> Document:
        stats = self._quality.take(event.port) if isinstance(event, CallHungUp) else None
        if event.about.hooks.callbacks is not None:
            more = {} if stats is None else {"CallQualityStats": msgspec.json.encode(stats).decode()}
            return dict(callback(event, self._domain, more))
        document = payload(event, self._domain)
        return document | {"call_quality_stats": stats} if isinstance(event, CallHungUp) else document
