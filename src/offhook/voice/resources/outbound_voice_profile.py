"""Outbound voice profiles: what calls to phone numbers the connections that use one may make."""

from offhook.voice.resources.field import Field, choice, flag, group, moment, text, texts, whole
from offhook.voice.resources.resource import Filter, Resource

NO_COUNT = "this release counts no calls by the number that is called"
TIME = "(?:[01][0-9]|2[0-3]):[0-5][0-9]"
UUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
SORTS = ("enabled", "created_at", "name", "service_plan", "traffic_type", "usage_payment_method")

OUTBOUND_VOICE_PROFILES = Resource(
    path="outbound_voice_profiles",
    title="outbound voice profile",
    record_type="outbound_voice_profile",
    id_form="decimal",
    table="profiles",
    fields=(
        text("id", read_only=True),
        text("record_type", read_only=True),
        text("name", required=True, low=3, high=256),
        text("billing_group_id", nullable=True, pattern=UUID, expects="a UUID"),
        group(
            "call_recording",
            texts("call_recording_caller_phone_numbers", pattern=r"\+[1-9][0-9]{6,14}", expects="+E.164"),
            choice("call_recording_channels", ("single", "dual"), "single"),
            choice("call_recording_format", ("wav", "mp3"), "wav"),
            choice("call_recording_type", ("all", "none", "by_caller_phone_number"), "none"),
        ),
        group(
            "calling_window",
            whole("calls_per_cld", 0, 2**31, nullable=True, only=(None,), because=NO_COUNT),
            text("end_time", nullable=True, pattern=TIME, expects="a time of day, HH:MM"),
            text("start_time", nullable=True, pattern=TIME, expects="a time of day, HH:MM"),
        ),
        whole("concurrent_call_limit", 1, 100_000, nullable=True),
        text("daily_spend_limit", nullable=True, high=16, pattern=r"[0-9]{1,9}(?:\.[0-9]{1,4})?", expects="an amount"),
        flag("daily_spend_limit_enabled"),
        flag("enabled", True),
        Field("max_destination_rate", "decimal", nullable=True, low=0, high=1000),
        choice("service_plan", ("global",), "global"),
        texts("tags"),
        choice("traffic_type", ("conversational",), "conversational"),
        choice("usage_payment_method", ("rate-deck",), "rate-deck"),
        texts("whitelisted_destinations", ("US", "CA"), pattern="[A-Z]{2}", expects="ISO 3166 alpha-2 codes"),
        whole("connections_count", 0, 2**31, read_only=True),
        moment("created_at", read_only=True),
        moment("updated_at", read_only=True),
    ),
    columns=tuple((name, name) for name in ("name", "enabled", "service_plan", "traffic_type", "usage_payment_method")),
    filters=(Filter("name", "name", ("contains",)),),
    sorts=tuple((name, name) for name in SORTS),
    default_sort="-created_at",
    created=200,
)
