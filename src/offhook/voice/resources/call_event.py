"""Call events: everything that the customer was or could have been told, whether or not it had a URL to go to."""

from offhook.voice.resources.field import Field, group, moment, shown, text
from offhook.voice.resources.resource import Filter, Resource

CALL_EVENTS = Resource(
    path="call_events",
    title="call event",
    record_type="call_event",
    id_form="uuid",
    table="events",
    fields=shown(
        text("record_type"),
        text("call_leg_id", nullable=True),
        text("call_session_id", nullable=True),
        moment("event_timestamp"),
        group("metadata", text("connection_id"), Field("event", "map")),
        text("name"),
        text("type"),
    ),
    actions=("list",),
    filters=(
        Filter("application_name", "application_name", ("contains",), shortest=3),
        Filter("application_session_id", "call_session_id"),
        Filter("connection_id", "connection_id"),
        Filter("failed", "status", choices=("true", "false")),
        Filter("from", "caller"),
        Filter("leg_id", "call_leg_id"),
        Filter("name", "event_type"),
        Filter("occurred_at", "occurred_at", ("eq", "gt", "gte", "lt", "lte"), reads="moment"),
        Filter("outbound.outbound_voice_profile_id", "outbound_voice_profile_id"),
        Filter("product", "event_type", choices=("call_control", "fax", "texml")),
        # The state of a conference, which the official type offers for every list.
        Filter("status", None, choices=("init", "in_progress", "completed")),
        Filter("to", "called"),
        Filter("type", "event_type", choices=("command", "webhook")),
    ),
    sorts=(("created_at", "created_at"), ("sequence", "sequence")),
    default_sort="-created_at,-sequence",
    generic=("page[after]", "page[before]", "page[limit]"),
)
