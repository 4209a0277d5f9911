"""Webhook deliveries: what became of each event that had a URL, attempt by attempt. A delivery has its event's id."""

from offhook.voice.resources.resource import Filter, Resource

WEBHOOK_DELIVERIES = Resource(
    path="webhook_deliveries",
    title="webhook delivery",
    record_type="webhook_delivery",
    id_form="uuid",
    table="events",
    fields=(),
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
