"""The columns of the database, and nothing of what they mean. Every table has `id` and `account_id`.

Times are Uniy seconds. `settings` and `document` are JSON texts of what no query asks about. Migrations under
`engine/migrations` bring older databases here.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.schema import SchemaItem

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _table(name: str, *items: SchemaItem) -> Table:
    return Table(
        name,
        metadata,
        Column("id", String, primary_key=True),
        Column("account_id", String, nullable=False),
        Column("created_at", Double[float](), nullable=False),
        *items,
        Index(f"ix_{name}_account", "account_id", "created_at"),
    )


# Micro-dollars: what was paid in, and how far the balance may fall below nothing.
accounts = _table(
    "accounts",
    Column("name", String, nullable=False),
    Column("paid_in", BigInteger, nullable=False),
    Column("credit_limit", BigInteger, nullable=False),
)

# `digest` is the SHA-256 of a key of 256 random bits; the key itself is shown once and kept nowhere.
api_keys = _table(
    "api_keys",
    Column("digest", String, nullable=False, unique=True),
    Column("revoked_at", Double[float]()),
)

connections = _table(
    "connections",
    Column("updated_at", Double[float](), nullable=False),
    Column("kind", String, nullable=False),
    Column("connection_name", String, nullable=False),
    Column("user_name", String, unique=True),
    Column("password", LargeBinary),
    Column("active", Boolean, nullable=False),
    Column("outbound_voice_profile_id", String),
    Column("settings", Text, nullable=False),
)

credentials = _table(
    "credentials",
    Column("updated_at", Double[float](), nullable=False),
    Column("connection_id", String, nullable=False, index=True),
    Column("sip_username", String, nullable=False, unique=True),
    Column("password", LargeBinary, nullable=False),
    Column("name", String, nullable=False),
    Column("tag", String),
    # Infinity where it never expires, so that one comparison asks for the live ones.
    Column("expires_at", Double[float](), nullable=False),
    Column("settings", Text, nullable=False),
)

# One row per minted token: what can be revoked, and when it may be forgotten.
tokens = _table(
    "tokens",
    Column("credential_id", String, nullable=False, index=True),
    Column("expires_at", Double[float](), nullable=False),
    Column("revoked_at", Double[float]()),
)

numbers = _table(
    "numbers",
    Column("updated_at", Double[float](), nullable=False),
    Column("phone_number", String, nullable=False, unique=True),
    Column("connection_id", String, index=True),
    Column("connection_name", String),
    Column("country_iso_alpha2", String, nullable=False),
    Column("phone_number_type", String, nullable=False),
    Column("status", String, nullable=False),
    Column("customer_reference", String),
    Column("billing_group_id", String),
    Column("usage_payment_method", String, nullable=False),
    Column("tags", Text, nullable=False),
    Column("settings", Text, nullable=False),
)

profiles = _table(
    "profiles",
    Column("updated_at", Double[float](), nullable=False),
    Column("name", String, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("service_plan", String, nullable=False),
    Column("traffic_type", String, nullable=False),
    Column("usage_payment_method", String, nullable=False),
    Column("settings", Text, nullable=False),
)

# Where trunks of connections are: the addresses of `ips` and `fqdns`.
gateways = _table(
    "gateways",
    Column("updated_at", Double[float](), nullable=False),
    Column("kind", String, nullable=False),
    Column("connection_id", String, index=True),
    Column("host", String, nullable=False),
    Column("port", Integer),
    Column("dns_record_type", String),
    Column("settings", Text, nullable=False),
)

# The owner's ways to the telephone network; `password` is sealed.
carriers = _table(
    "carriers",
    Column("updated_at", Double[float](), nullable=False),
    Column("name", String, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("password", LargeBinary),
    Column("settings", Text, nullable=False),
)

# The durable shadow of a live leg; `id` is its call_control_id, `document` its party. It goes when the leg ends.
legs = _table(
    "legs",
    Column("call_session_id", String, nullable=False, index=True),
    Column("call_leg_id", String, nullable=False),
    Column("connection_id", String, nullable=False),
    Column("username", String, nullable=False),
    Column("side", String, nullable=False),
    Column("stage", String, nullable=False),
    Column("place", String, nullable=False),
    Column("dialog", String, nullable=False),
    Column("destination", String, nullable=False),
    Column("started_at", Double[float](), nullable=False),
    Column("answered_at", Double[float]()),
    Column("heartbeat_at", Double[float](), nullable=False),
    Column("client_state", Text),
    Column("document", Text, nullable=False),
    # Of `price_plans`: what its minutes and add-ons will be charged by.
    Column("plan", String),
)

# The rates by which legs are charged that came to be under them: one row per plan that an account has had.
price_plans = _table("price_plans", Column("document", Text, nullable=False))

# What a command was answered; `id` is its scope (a leg's call_control_id, or a connection's id) and its command_id.
commands = _table("commands", Column("document", Text, nullable=False))

# Queues that their customers made; of those that came to be with a call nothing outlives the calls.
queues = _table(
    "queues",
    Column("updated_at", Double[float](), nullable=False),
    Column("name", String, nullable=False),
    Column("max_size", Integer, nullable=False),
    Column("life", String, nullable=False),
)

# Conferences, also those that are over; `document` is the card.
conferences = _table(
    "conferences",
    Column("updated_at", Double[float](), nullable=False),
    Column("expires_at", Double[float](), nullable=False),
    Column("name", String, nullable=False),
    Column("status", String, nullable=False),
    Column("connection_id", String, nullable=False),
    Column("application_name", String, nullable=False),
    Column("outbound_voice_profile_id", String),
    Column("call_leg_id", String, nullable=False),
    Column("call_session_id", String, nullable=False),
    Column("caller", String, nullable=False),
    Column("called", String, nullable=False),
    Column("document", Text, nullable=False),
)

# One row per line of an ended leg's bill; `document` is the record as the API shows it, `micros` what it costs.
detail_records = _table(
    "detail_records",
    Column("record_type", String, nullable=False),
    Column("connection_id", String),
    Column("call_session_id", String),
    Column("call_leg_id", String),
    Column("call_control_id", String, index=True),
    Column("started_at", Double[float](), nullable=False),
    Column("finished_at", Double[float](), nullable=False),
    Column("outbound_voice_profile_id", String),
    Column("micros", BigInteger, nullable=False),
    Column("document", Text, nullable=False),
)

# One row per event, and its delivery: `id` is the webhook's, `document` its data, `route` where it goes (both frozen
# when it happened), `attempts` what came of it, latest first. `sequence` is the order in which an endpoint hears.
PENDING = text("status = 'pending'")
events = _table(
    "events",
    Column("sequence", BigInteger, nullable=False),
    Column("order_key", String, nullable=False),
    Column("endpoint", String, nullable=False),
    Column("status", String, nullable=False),
    Column("event_type", String, nullable=False),
    Column("occurred_at", Double[float](), nullable=False),
    Column("connection_id", String, nullable=False),
    Column("application_name", String, nullable=False),
    Column("outbound_voice_profile_id", String),
    Column("call_leg_id", String),
    Column("call_session_id", String, index=True),
    Column("caller", String),
    Column("called", String),
    Column("document", Text, nullable=False),
    Column("route", Text, nullable=False),
    Column("attempts", Text, nullable=False),
    Column("tried", Integer, nullable=False),
    Column("started_at", Double[float]()),
    Column("finished_at", Double[float]()),
    Index("ix_events_pending", "account_id", "endpoint", "sequence", sqlite_where=PENDING, postgresql_where=PENDING),
)

# Recordings from their beginning (`going_on`, then `completed`); `document` is the card as it was then.
recordings = _table(
    "recordings",
    Column("updated_at", Double[float](), nullable=False),
    Column("status", String, nullable=False),
    Column("call_control_id", String, nullable=False),
    Column("call_leg_id", String, nullable=False),
    Column("call_session_id", String, nullable=False),
    Column("connection_id", String, nullable=False),
    Column("conference_id", String),
    Column("caller", String, nullable=False),
    Column("called", String, nullable=False),
    Column("started_at", Double[float](), nullable=False),
    Column("ended_at", Double[float]()),
    Column("milliseconds", BigInteger, nullable=False),
    Column("document", Text, nullable=False),
)

# What is said in recordings; `document` is the card of the recording.
recording_transcriptions = _table(
    "recording_transcriptions",
    Column("updated_at", Double[float](), nullable=False),
    Column("recording_id", String, nullable=False),
    Column("status", String, nullable=False),
    Column("milliseconds", BigInteger, nullable=False),
    Column("text", Text, nullable=False),
    Column("document", Text, nullable=False),
)

# Devices that can be woken; `secret` is all that is known of one, sealed.
push_devices = _table("push_devices", Column("secret", LargeBinary, nullable=False))

# What wakes an app on a phone; `secret` is sealed.
push_credentials = _table(
    "push_credentials",
    Column("updated_at", Double[float](), nullable=False),
    Column("type", String, nullable=False),
    Column("alias", String, nullable=False),
    Column("secret", LargeBinary, nullable=False),
    Column("settings", Text, nullable=False),
    UniqueConstraint("account_id", "alias"),
)
