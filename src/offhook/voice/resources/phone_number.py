"""Phone numbers and their voice settings: two views of one row. Numbers come from the platform's owner."""

from offhook.voice.resources.field import Field, choice, flag, group, moment, shown, text, texts
from offhook.voice.resources.resource import Filter, Resource

NO_SCREENING = "this release screens no callers"
NO_CHANNELS = "this release bills by the minute only"
STATUSES = (
    "purchase-pending", "purchase-failed", "port-pending", "active", "deleted", "port-failed", "emergency-only",
    "ported-out", "port-out-pending",
)  # fmt: skip
TYPES = ("local", "national", "toll_free", "mobile", "shared_cost")
PAYMENT = ("pay-per-minute", "channel")
SORTS = (
    ("purchased_at", "created_at"),
    ("phone_number", "phone_number"),
    ("connection_name", "connection_name"),
    ("usage_payment_method", "usage_payment_method"),
    ("created_at", "created_at"),
)
COLUMNS = (
    ("connection_id", "connection_id"),
    ("customer_reference", "customer_reference"),
    ("billing_group_id", "billing_group_id"),
)
EMERGENCY = (
    text("emergency_address_id", nullable=True),
    flag("emergency_enabled"),
    text("emergency_status"),
)
NUMBER_FILTER = Filter("phone_number", "phone_number", ("eq",), shortest=3, prefix="+")

PHONE_NUMBERS = Resource(
    path="phone_numbers",
    title="phone number",
    record_type="phone_number",
    id_form="decimal",
    table="numbers",
    actions=("list", "show", "update", "delete"),
    fields=(
        text("address_id", nullable=True, unseen=True),
        text("billing_group_id", nullable=True),
        text(
            "connection_id",
            nullable=True,
            pattern="(?:[1-9][0-9]{18})?",
            expects="the id of a connection",
            wrong_code="10017",
        ),
        text("customer_reference", nullable=True, high=256),
        text("external_pin", nullable=True, high=64),
        flag("hd_voice_enabled"),
        texts("tags"),
        *shown(
            text("id"),
            text("record_type"),
            text("phone_number"),
            text("country_iso_alpha2"),
            text("phone_number_type"),
            text("status"),
            text("connection_name", nullable=True),
            flag("call_forwarding_enabled"),
            flag("call_recording_enabled"),
            flag("caller_id_name_enabled"),
            flag("cnam_listing_enabled"),
            flag("deletion_lock_enabled"),
            *EMERGENCY,
            text("inbound_call_screening"),
            text("messaging_campaign_id", nullable=True),
            text("messaging_profile_id", nullable=True),
            text("messaging_profile_name", nullable=True),
            text("source_type"),
            flag("t38_fax_gateway_enabled"),
            moment("activated_at"),
            moment("purchased_at"),
            moment("created_at"),
            moment("updated_at"),
        ),
    ),
    columns=COLUMNS,
    filters=(
        Filter("tag", None),
        Filter("without_tags", None),
        NUMBER_FILTER,
        Filter("status", "status", choices=STATUSES),
        Filter("country_iso_alpha2", "country_iso_alpha2", ("in",)),
        Filter("connection_id", "connection_id"),
        Filter("voice.connection_name", "connection_name", ("contains", "starts_with", "ends_with", "eq"), shortest=3),
        Filter("voice.usage_payment_method", "usage_payment_method", choices=PAYMENT),
        Filter("billing_group_id", "billing_group_id", null=True),
        Filter("emergency_address_id", None, null=True),
        Filter("customer_reference", "customer_reference"),
        Filter("number_type", "phone_number_type", ("eq",), choices=TYPES),
        Filter("source", None, choices=("ported", "purchased")),
    ),
    sorts=SORTS,
    default_sort="-created_at",
    generic=("handle_messaging_profile_error",),
)

VOICE_FIELDS: tuple[Field, ...] = (
    group(
        "call_forwarding",
        flag("call_forwarding_enabled", True),
        choice("forwarding_type", ("always", "on-failure"), None, nullable=True),
        text(
            "forwards_to",
            default="",
            nullable=True,
            pattern=r"(?:\+[1-9][0-9]{6,14}|sips?:[^\s@<>;?]{1,64}@[A-Za-z0-9.-]{1,253})?",
            expects="+E.164, or a SIP URI",
            wrong_code="10016",
        ),
    ),
    group(
        "call_recording",
        choice("inbound_call_recording_channels", ("single", "dual"), "single"),
        flag("inbound_call_recording_enabled"),
        choice("inbound_call_recording_format", ("wav", "mp3"), "wav"),
    ),
    flag("caller_id_name_enabled", unseen=True),
    group(
        "cnam_listing",
        text("cnam_listing_details", default="", high=15, pattern="[A-Za-z0-9 ]*", expects="letters, digits, spaces"),
        flag("cnam_listing_enabled"),
    ),
    choice(
        "inbound_call_screening",
        ("disabled", "reject_calls", "flag_calls"),
        "disabled",
        only=("disabled",),
        because=NO_SCREENING,
    ),
    group(
        "media_features",
        flag("accept_any_rtp_packets_enabled"),
        flag("rtp_auto_adjust_enabled", True),
        flag("t38_fax_gateway_enabled"),
    ),
    flag("tech_prefix_enabled"),
    text("translated_number", default="", pattern=r"(?:\+?[0-9]{1,20})?", expects="digits, with or without a plus"),
    choice("usage_payment_method", PAYMENT, "pay-per-minute", only=("pay-per-minute",), because=NO_CHANNELS),
    *shown(
        text("id"),
        text("record_type"),
        text("connection_id", nullable=True),
        text("customer_reference", nullable=True),
        group("emergency", *EMERGENCY),
        text("phone_number"),
    ),
)

NUMBER_VOICE = Resource(
    path="phone_numbers/voice",
    title="voice settings of phone number",
    record_type="voice_settings",
    id_form="decimal",
    table="numbers",
    actions=("list", "show", "update"),
    fields=VOICE_FIELDS,
    columns=(("usage_payment_method", "usage_payment_method"),),
    filters=(
        NUMBER_FILTER,
        Filter("connection_name", "connection_name", ("contains",), shortest=3),
        Filter("customer_reference", "customer_reference"),
        Filter("voice.usage_payment_method", "usage_payment_method", choices=PAYMENT),
    ),
    sorts=SORTS,
    default_sort="-created_at",
)
