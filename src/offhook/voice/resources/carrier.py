"""Carriers: the platform owner's ways to the telephone network and back. The hosted product has no such resource."""

from offhook.voice.resources.field import choice, flag, moment, text, texts, whole
from offhook.voice.resources.resource import Resource

CARRIERS = Resource(
    path="carriers",
    title="carrier",
    record_type="carrier",
    id_form="decimal",
    table="carriers",
    fields=(
        text("id", read_only=True),
        text("record_type", read_only=True),
        text("name", required=True, low=1, high=256),
        flag("active", True),
        texts("gateways"),
        texts("sources"),
        texts("prefixes", ("+",), pattern=r"\+[0-9]{0,14}", expects="+ and the first digits of numbers"),
        whole("priority", 0, 1000, 10),
        text("username", default="", high=128),
        text("password", default="", high=128),
        flag("register"),
        whole("register_seconds", 60, 7200, 600),
        choice("encrypted_media", ("SRTP", "DTLS"), None, nullable=True),
        texts("codecs", ("G711U", "G711A"), choices=("G711U", "G711A", "G722", "OPUS")),
        text("tech_prefix", default="", pattern="(?:[0-9#*]{0,16})", expects="digits"),
        choice("dnis_number_format", ("+e164", "e164", "national"), "+e164"),
        flag("emergency"),
        moment("created_at", read_only=True),
        moment("updated_at", read_only=True),
    ),
    columns=(("name", "name"), ("active", "active")),
    sorts=(("created_at", "created_at"), ("name", "name")),
)
