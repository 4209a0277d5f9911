"""What all kinds of SIP connections have in common: how their calls behave, whoever is at the other end."""

from offhook.voice.numbering import PLANS
from offhook.voice.resources.field import Field, choice, flag, group, moment, reference, text, texts, url, whole
from offhook.voice.resources.resource import Filter

CODECS = ("G722", "G711U", "G711A", "G729", "OPUS", "AMR-WB", "H.264", "VP8")
SITES = (
    "Latency", "Chicago, IL", "Ashburn, VA", "San Jose, CA", "Sydney, Australia", "Amsterdam, Netherlands",
    "London, UK", "Toronto, Canada", "Vancouver, Canada", "Frankfurt, Germany",
)  # fmt: skip
ENGINES = (
    "denoiser", "deep_filter_net", "deep_filter_net_large", "krisp_viva_tel", "krisp_viva_tel_lite",
    "krisp_viva_promodel", "krisp_viva_ss", "quail_voice_focus",
)  # fmt: skip
UUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"


def _push_credential(name: str) -> Field:
    return text(name, nullable=True, pattern=UUID, expects="the id of a push credential", wrong_code="10017")


INBOUND: tuple[Field, ...] = (
    choice("ani_number_format", ("+E.164", "E.164", "+E.164-national", "E.164-national"), "E.164-national"),
    whole("channel_limit", 1, 100_000, nullable=True),
    texts("codecs", ("G722", "G711U", "G711A", "G729", "OPUS", "H.264"), choices=CODECS),
    choice("default_routing_method", ("sequential", "round-robin"), None, nullable=True),
    choice("dnis_number_format", ("+e164", "e164", "national", "sip_username"), "e164"),
    flag("generate_ringback_tone"),
    flag("isup_headers_enabled"),
    flag("prack_enabled"),
    flag("shaken_stir_enabled"),
    flag("sip_compact_headers_enabled", True),
    whole("timeout_1xx_secs", 1, 120, 3),
    whole("timeout_2xx_secs", 1, 600, 90),
)
SIMULTANEOUS = choice("simultaneous_ringing", ("disabled", "enabled"), "disabled")
OUTBOUND: tuple[Field, ...] = (
    text("ani_override", default="", high=32, pattern=r"(?:\+?[0-9*#]*)", expects="a phone number"),
    choice("ani_override_type", ("always", "normal", "emergency"), "always"),
    flag("call_parking_enabled", False, nullable=True),
    whole("channel_limit", 1, 100_000, nullable=True),
    flag("generate_ringback_tone"),
    flag("instant_ringback_enabled", True),
    choice("localization", ("", *sorted(PLANS)), "US"),
    reference("outbound_voice_profile_id", nullable=True),
    choice(
        "t38_reinvite_source",
        ("telnyx", "customer", "disabled", "passthru", "caller-passthru", "callee-passthru"),
        "customer",
    ),
)

ID = text("id", read_only=True)
RECORD_TYPE = text("record_type", read_only=True)
USER_NAME = text("user_name", low=4, high=32, pattern="[A-Za-z0-9]+", expects="letters and digits only")
PASSWORD = text("password", low=8, high=128)
PREFERENCE = choice("sip_uri_calling_preference", ("disabled", "unrestricted", "internal"), "disabled")
TRANSPORT = choice("transport_protocol", ("UDP", "TCP", "TLS"), "UDP")
TEXML = ("1", "2", "texml")


def settings(inbound: Field, outbound: Field, versions: tuple[str, ...] = TEXML) -> tuple[Field, ...]:
    """What is set on every kind; `versions` are those of the webhook API that it may have."""
    return (
        flag("active", True),
        choice("anchorsite_override", SITES, "Latency"),
        _push_credential("android_push_credential_id"),
        flag("bridge_generate_comfort_noise_on_cn"),
        flag("call_cost_in_webhooks"),
        flag(
            "conversation_persistence",
            only=(False,),
            because="this release transcribes no calls",
            lives_in=("update",),
        ),
        flag("default_on_hold_comfort_noise_enabled"),
        choice("dtmf_type", ("RFC 2833", "Inband", "SIP INFO"), "RFC 2833"),
        flag("encode_contact_header_enabled"),
        choice("encrypted_media", ("SRTP",), None, nullable=True),
        inbound,
        _push_credential("ios_push_credential_id"),
        group(
            "jitter_buffer",
            flag("enable_jitter_buffer"),
            whole("jitterbuffer_msec_max", 40, 400, 200),
            whole("jitterbuffer_msec_min", 40, 400, 60),
        ),
        choice("noise_suppression", ("inbound", "outbound", "both", "disabled"), "disabled"),
        group(
            "noise_suppression_details",
            whole("attenuation_limit", 0, 100, 0),
            choice("engine", ENGINES, "denoiser"),
        ),
        flag("onnet_t38_passthrough_enabled"),
        outbound,
        group(
            "rtcp_settings",
            flag("capture_enabled"),
            choice("port", ("rtcp-mux", "rtp+1"), "rtp+1"),
            whole("report_frequency_secs", 5, 3000, 5),
        ),
        texts("tags"),
        choice("webhook_api_version", versions, "1"),
        url("webhook_event_failover_url", nullable=True),
        url("webhook_event_url", nullable=True),
        whole("webhook_timeout_secs", 0, 30, nullable=True),
        moment("created_at", read_only=True),
        moment("updated_at", read_only=True),
    )


FILTERS = (
    Filter("connection_name", "connection_name", ("contains",), shortest=3),
    Filter("fqdn", None),
    Filter("outbound_voice_profile_id", "outbound_voice_profile_id"),
    Filter("outbound.outbound_voice_profile_id", "outbound_voice_profile_id"),
)
SORTS = (("created_at", "created_at"), ("connection_name", "connection_name"), ("active", "active"))
COLUMNS = (
    ("connection_name", "connection_name"),
    ("active", "active"),
    ("outbound.outbound_voice_profile_id", "outbound_voice_profile_id"),
)
