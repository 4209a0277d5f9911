"""Shows the rows of the outbox: events as they happened, and what became of their webhooks. Read only."""

from collections.abc import Sequence

import msgspec

from offhook.engine.resources import NOTHING, Document, Keeper
from offhook.engine.store import Row, Where
from offhook.voice.resources.call_event import CALL_EVENTS
from offhook.voice.resources.moment import format_moment
from offhook.voice.resources.resource import Chosen
from offhook.voice.resources.webhook_delivery import WEBHOOK_DELIVERIES

# What all rows are, of which a list can be asked for something else.
_ALL = {"product": "call_control", "type": "webhook"}


class CallEvents(Keeper):
    """Every event, whether or not it went anywhere."""

    resource = CALL_EVENTS

    def conditions(self, chosen: Chosen) -> Sequence[Where]:
        name = chosen.filter.name
        if name in _ALL:
            return () if chosen.value == _ALL[name] else (NOTHING,)
        if name == "failed":
            return (Where("status", "eq" if chosen.value == "true" else "ne", "failed"),)
        return super().conditions(chosen)

    def shown(self, row: Row) -> Document:
        return {
            "call_leg_id": row["call_leg_id"],
            "call_session_id": row["call_session_id"],
            "event_timestamp": format_moment(row["occurred_at"]),
            "metadata": {"connection_id": row["connection_id"], "event": msgspec.json.decode(row["document"])},
            "name": row["event_type"],
            "record_type": self.resource.record_type,
            "type": "webhook",
        }


class WebhookDeliveries(Keeper):
    """Events that had a URL to go to; `status` is null while they are tried."""

    resource = WEBHOOK_DELIVERIES

    def always(self) -> Sequence[Where]:
        return (Where("status", "ne", "unaddressed"),)

    def shown(self, row: Row) -> Document:
        return {
            "attempts": msgspec.json.decode(row["attempts"]),
            "finished_at": None if row["finished_at"] is None else format_moment(row["finished_at"]),
            "id": row["id"],
            "record_type": self.resource.record_type,
            "started_at": None if row["started_at"] is None else format_moment(row["started_at"]),
            "status": None if row["status"] == "pending" else row["status"],
            "user_id": row["account_id"],
            "webhook": msgspec.json.decode(row["document"]),
        }
