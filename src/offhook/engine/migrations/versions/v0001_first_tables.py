"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Accounts, keys, identities, numbers, profiles, live legs and their records."""
    op.create_table(
        "accounts",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("created_at", sa.Double[float](), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accounts")),
    )
    op.create_index("ix_accounts_account", "accounts", ["account_id", "created_at"], unique=False)
    op.create_table(
        "api_keys",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("created_at", sa.Double[float](), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("revoked_at", sa.Double[float](), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("digest", name=op.f("uq_api_keys_digest")),
    )
    op.create_index("ix_api_keys_account", "api_keys", ["account_id", "created_at"], unique=False)
    op.create_table(
        "connections",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("created_at", sa.Double[float](), nullable=False),
        sa.Column("updated_at", sa.Double[float](), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("connection_name", sa.String(), nullable=False),
        sa.Column("user_name", sa.String(), nullable=True),
        sa.Column("password", sa.LargeBinary(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("outbound_voice_profile_id", sa.String(), nullable=True),
        sa.Column("settings", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_connections")),
        sa.UniqueConstraint("user_name", name=op.f("uq_connections_user_name")),
    )
    op.create_index("ix_connections_account", "connections", ["account_id", "created_at"], unique=False)
    op.create_table(
        "credentials",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("created_at", sa.Double[float](), nullable=False),
        sa.Column("updated_at", sa.Double[float](), nullable=False),
        sa.Column("connection_id", sa.String(), nullable=False),
        sa.Column("sip_username", sa.String(), nullable=False),
        sa.Column("password", sa.LargeBinary(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("tag", sa.String(), nullable=True),
        sa.Column("expires_at", sa.Double[float](), nullable=False),
        sa.Column("settings", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credentials")),
        sa.UniqueConstraint("sip_username", name=op.f("uq_credentials_sip_username")),
    )
    op.create_index("ix_credentials_account", "credentials", ["account_id", "created_at"], unique=False)
    op.create_index(op.f("ix_credentials_connection_id"), "credentials", ["connection_id"], unique=False)
    op.create_table(
        "detail_records",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("created_at", sa.Double[float](), nullable=False),
        sa.Column("record_type", sa.String(), nullable=False),
        sa.Column("connection_id", sa.String(), nullable=True),
        sa.Column("call_session_id", sa.String(), nullable=True),
        sa.Column("call_leg_id", sa.String(), nullable=True),
        sa.Column("started_at", sa.Double[float](), nullable=False),
        sa.Column("finished_at", sa.Double[float](), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_detail_records")),
    )
    op.create_index("ix_detail_records_account", "detail_records", ["account_id", "created_at"], unique=False)
    op.create_table(
        "legs",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("created_at", sa.Double[float](), nullable=False),
        sa.Column("call_session_id", sa.String(), nullable=False),
        sa.Column("call_leg_id", sa.String(), nullable=False),
        sa.Column("connection_id", sa.String(), nullable=False),
        sa.Column("username", sa.String(), nullable=False),
        sa.Column("side", sa.String(), nullable=False),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("place", sa.String(), nullable=False),
        sa.Column("dialog", sa.String(), nullable=False),
        sa.Column("destination", sa.String(), nullable=False),
        sa.Column("started_at", sa.Double[float](), nullable=False),
        sa.Column("answered_at", sa.Double[float](), nullable=True),
        sa.Column("heartbeat_at", sa.Double[float](), nullable=False),
        sa.Column("micros_per_minute", sa.Integer(), nullable=False),
        sa.Column("client_state", sa.Text(), nullable=True),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_legs")),
    )
    op.create_index("ix_legs_account", "legs", ["account_id", "created_at"], unique=False)
    op.create_index(op.f("ix_legs_call_session_id"), "legs", ["call_session_id"], unique=False)
    op.create_table(
        "numbers",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("created_at", sa.Double[float](), nullable=False),
        sa.Column("updated_at", sa.Double[float](), nullable=False),
        sa.Column("phone_number", sa.String(), nullable=False),
        sa.Column("connection_id", sa.String(), nullable=True),
        sa.Column("connection_name", sa.String(), nullable=True),
        sa.Column("country_iso_alpha2", sa.String(), nullable=False),
        sa.Column("phone_number_type", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("customer_reference", sa.String(), nullable=True),
        sa.Column("billing_group_id", sa.String(), nullable=True),
        sa.Column("usage_payment_method", sa.String(), nullable=False),
        sa.Column("tags", sa.Text(), nullable=False),
        sa.Column("settings", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_numbers")),
        sa.UniqueConstraint("phone_number", name=op.f("uq_numbers_phone_number")),
    )
    op.create_index("ix_numbers_account", "numbers", ["account_id", "created_at"], unique=False)
    op.create_index(op.f("ix_numbers_connection_id"), "numbers", ["connection_id"], unique=False)
    op.create_table(
        "profiles",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("created_at", sa.Double[float](), nullable=False),
        sa.Column("updated_at", sa.Double[float](), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("service_plan", sa.String(), nullable=False),
        sa.Column("traffic_type", sa.String(), nullable=False),
        sa.Column("usage_payment_method", sa.String(), nullable=False),
        sa.Column("settings", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_profiles")),
    )
    op.create_index("ix_profiles_account", "profiles", ["account_id", "created_at"], unique=False)
    op.create_table(
        "tokens",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("created_at", sa.Double[float](), nullable=False),
        sa.Column("credential_id", sa.String(), nullable=False),
        sa.Column("expires_at", sa.Double[float](), nullable=False),
        sa.Column("revoked_at", sa.Double[float](), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokens")),
    )
    op.create_index("ix_tokens_account", "tokens", ["account_id", "created_at"], unique=False)
    op.create_index(op.f("ix_tokens_credential_id"), "tokens", ["credential_id"], unique=False)
