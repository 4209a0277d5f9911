"""Connections of every kind in one list, with what they have in common; and the active calls of one."""

from offhook.voice.resources.call_control_application import CALL_CONTROL_APPLICATIONS
from offhook.voice.resources.credential_connection import CREDENTIAL_CONNECTIONS
from offhook.voice.resources.field import flag, moment, shown, text, texts
from offhook.voice.resources.resource import Resource
from offhook.voice.resources.sip_connection import FILTERS, SORTS
from offhook.voice.resources.texml_application import TEXML_APPLICATIONS
from offhook.voice.resources.trunk_connection import TRUNK_CONNECTIONS

# By the `kind` of a row: whatever it is, its id is a connection's.
KINDS: dict[str, Resource] = {
    resource.record_type: resource
    for resource in (CREDENTIAL_CONNECTIONS, CALL_CONTROL_APPLICATIONS, TEXML_APPLICATIONS, *TRUNK_CONNECTIONS)
}

# What every kind of connection has.
SHOWN = shown(
    text("id"),
    text("record_type"),
    text("connection_name"),
    flag("active"),
    text("anchorsite_override"),
    text("outbound_voice_profile_id", nullable=True),
    texts("tags"),
    text("webhook_api_version", nullable=True),
    text("webhook_event_failover_url", nullable=True),
    text("webhook_event_url", nullable=True),
    moment("created_at"),
    moment("updated_at"),
)

CONNECTIONS = Resource(
    path="connections",
    title="connection",
    record_type="connection",
    id_form="decimal",
    table="connections",
    fields=SHOWN,
    actions=("list", "show"),
    filters=FILTERS,
    sorts=SORTS,
    page_size=250,
)
