"""Webhook deliveries: what became of each event that had a URL, attempt by attempt. A delivery has its event's id."""

from offhook.voice.resources.field import Field, moment, shown, text
from offhook.voice.resources.resource import Filter, Resource

# One attempt; `errors` are the numbers of `engine.courier`, `http` the request and, where there was one, its response.
ATTEMPT = (
    Field("errors", "wholes"),
    moment("started_at"),
    moment("finished_at"),
    Field("http", "map"),
    text("status"),
)

WEBHOOK_DELIVERIES = Resource(
    path="webhook_deliveries",
    title="webhook delivery",
    record_type="webhook_delivery",
    id_form="uuid",
    table="events",
    fields=shown(
        text("id"),
        text("record_type"),
        Field("attempts", "groups", fields=ATTEMPT),
        moment("started_at", nullable=True),
        moment("finished_at", nullable=True),
        text("status", nullable=True),
        text("user_id"),
        Field("webhook", "map"),
    ),
    actions=("list", "show"),
    filters=(
        Filter("status", "status", choices=("delivered", "failed")),
        Filter("event_type", "event_type", ("in",)),
        Filter("webhook", "document", ("contains",)),
        Filter("attempts", "attempts", ("contains",)),
        Filter("started_at", "started_at", ("gte", "lte"), reads="moment"),
        Filter("finished_at", "finished_at", ("gte", "lte"), reads="moment"),
    ),
    sorts=(("created_at", "created_at"), ("sequence", "sequence")),
    default_sort="-created_at,-sequence",
)
