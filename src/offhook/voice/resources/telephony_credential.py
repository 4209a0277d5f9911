"""Telephony credentials: a generated username and password under a connection, from which tokens are minted."""

from offhook.voice.resources.field import flag, moment, reference, text
from offhook.voice.resources.resource import Filter, Resource

RESOURCE_PREFIX = "connection:"
MAX_PER_TAG = 1000

TELEPHONY_CREDENTIALS = Resource(
    path="telephony_credentials",
    title="telephony credential",
    record_type="credential",
    id_form="uuid",
    table="credentials",
    fields=(
        text("id", read_only=True),
        text("record_type", read_only=True),
        reference("connection_id", required=True, unseen=True),
        moment("expires_at", nullable=True),
        text("name", default="", high=256),
        text("tag", nullable=True, high=256),
        flag("expired", read_only=True),
        text("resource_id", read_only=True),
        text("sip_username", read_only=True),
        text("sip_password", read_only=True),
        text("user_id", read_only=True),
        moment("created_at", read_only=True),
        moment("updated_at", read_only=True),
    ),
    columns=(("connection_id", "connection_id"), ("name", "name"), ("tag", "tag")),
    filters=(
        Filter("name", "name"),
        Filter("tag", "tag"),
        Filter("status", None, choices=("active", "expired")),
        Filter("resource_id", "connection_id", prefix=RESOURCE_PREFIX),
        Filter("sip_username", "sip_username"),
    ),
    sorts=(("created_at", "created_at"), ("name", "name")),
    default_sort="created_at",
    page_size=50,
)
