"""TeXML applications: connections without clients, whose calls follow documents that their URLs give."""

from offhook.voice.resources.call_control_application import (
    ACTIVE,
    ANCHOR,
    COST,
    DTMF,
    FIRST_COMMAND,
    FIRST_COMMAND_SECONDS,
    INBOUND,
    OUTBOUND,
    STAMPS,
)
from offhook.voice.resources.field import choice, text, texts, url
from offhook.voice.resources.resource import Filter, Resource

TEXML_APPLICATIONS = Resource(
    path="texml_applications",
    title="TeXML application",
    record_type="texml_application",
    id_form="decimal",
    table="connections",
    fields=(
        text("id", read_only=True),
        text("record_type", read_only=True),
        text("friendly_name", required=True, low=1, high=256),
        url("voice_url", required=True),
        ACTIVE,
        ANCHOR,
        COST,
        DTMF,
        FIRST_COMMAND,
        FIRST_COMMAND_SECONDS,
        INBOUND,
        OUTBOUND,
        url("status_callback", None, nullable=True),
        choice("status_callback_method", ("get", "post"), "post"),
        texts("tags"),
        url("voice_fallback_url", None, nullable=True),
        choice("voice_method", ("get", "post"), "post"),
        *STAMPS,
    ),
    columns=(
        ("friendly_name", "connection_name"),
        ("active", "active"),
        ("outbound.outbound_voice_profile_id", "outbound_voice_profile_id"),
    ),
    filters=(
        Filter("friendly_name", "connection_name", shortest=3),
        Filter("outbound_voice_profile_id", "outbound_voice_profile_id"),
    ),
    sorts=(("created_at", "created_at"), ("friendly_name", "connection_name"), ("active", "active")),
    page_size=250,
)
