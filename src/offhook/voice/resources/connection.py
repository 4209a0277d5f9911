"""Connections of every kind in one list, with what they have in common; and the active calls of one."""

from offhook.voice.resources.credential_connection import FILTERS, SORTS
from offhook.voice.resources.resource import Resource

# What every kind of connection has.
SHOWN = (
    "id", "record_type", "connection_name", "active", "anchorsite_override", "outbound_voice_profile_id", "tags",
    "webhook_api_version", "webhook_event_failover_url", "webhook_event_url", "created_at", "updated_at",
)  # fmt: skip

CONNECTIONS = Resource(
    path="connections",
    title="connection",
    record_type="connection",
    id_form="decimal",
    table="connections",
    fields=(),
    actions=("list", "show"),
    filters=FILTERS,
    sorts=SORTS,
    page_size=250,
)
