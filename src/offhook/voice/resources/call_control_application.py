"""Call Control applications: connections without clients, whose calls are a backend's commands and webhooks."""

from offhook.voice.resources.field import Field, choice, flag, group, moment, reference, text, texts, url, whole
from offhook.voice.resources.resource import Filter, Resource
from offhook.voice.resources.sip_connection import SITES

APPLICATION_SITES = (*SITES, "Chennai, IN")

ACTIVE = flag("active", True)
ANCHOR = choice("anchorsite_override", APPLICATION_SITES, "Latency")
COST = flag("call_cost_in_webhooks")
DTMF = choice("dtmf_type", ("RFC 2833", "Inband", "SIP INFO"), "RFC 2833")
FIRST_COMMAND = flag("first_command_timeout")
FIRST_COMMAND_SECONDS = whole("first_command_timeout_secs", 1, 600, 30)
INBOUND = group(
    "inbound",
    whole("channel_limit", 1, 100_000, nullable=True),
    flag("shaken_stir_enabled"),
    text("sip_subdomain", nullable=True, high=63, pattern="(?:[a-z0-9-]*)", expects="letters, digits and hyphens"),
    choice("sip_subdomain_receive_settings", ("only_my_connections", "from_anyone"), "from_anyone"),
)
OUTBOUND = group(
    "outbound",
    whole("channel_limit", 1, 100_000, nullable=True),
    reference("outbound_voice_profile_id", nullable=True),
)
STAMPS: tuple[Field, ...] = (moment("created_at", read_only=True), moment("updated_at", read_only=True))

CALL_CONTROL_APPLICATIONS = Resource(
    path="call_control_applications",
    title="call control application",
    record_type="call_control_application",
    id_form="decimal",
    table="connections",
    fields=(
        text("id", read_only=True),
        text("record_type", read_only=True),
        text("application_name", required=True, low=1, high=256),
        url("webhook_event_url", required=True),
        ACTIVE,
        ANCHOR,
        COST,
        DTMF,
        FIRST_COMMAND,
        FIRST_COMMAND_SECONDS,
        INBOUND,
        OUTBOUND,
        flag("redact_dtmf_debug_logging"),
        texts("tags", lives_in=("update",)),
        choice("webhook_api_version", ("1", "2"), "1"),
        url("webhook_event_failover_url", nullable=True),
        whole("webhook_timeout_secs", 0, 30, nullable=True),
        *STAMPS,
    ),
    columns=(
        ("application_name", "connection_name"),
        ("active", "active"),
        ("outbound.outbound_voice_profile_id", "outbound_voice_profile_id"),
    ),
    filters=(
        Filter("application_name", "connection_name", ("contains",), shortest=3),
        Filter("connection_id", "id"),
        Filter("outbound.outbound_voice_profile_id", "outbound_voice_profile_id"),
        # The official type has one set of filters for several lists; applications have none of these.
        *(Filter(name, None) for name in ("application_session_id", "failed", "from", "leg_id", "name", "to")),
        Filter("occurred_at", None, ("eq", "gt", "gte", "lt", "lte"), reads="moment"),
        Filter("product", None, choices=("call_control", "fax", "texml")),
        Filter("status", None, choices=("init", "in_progress", "completed")),
        Filter("type", None, choices=("command", "webhook")),
    ),
    sorts=(("created_at", "created_at"), ("connection_name", "connection_name"), ("active", "active")),
    generic=("page[after]", "page[before]", "page[limit]"),
)
