"""Events with their deliveries, and push credentials."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """What customers are told, and what wakes their apps."""
    op.create_table(
        "events",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("created_at", sa.Double[float](), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("order_key", sa.String(), nullable=False),
        sa.Column("endpoint", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("event_type", sa.String(), nullable=False),
        sa.Column("occurred_at", sa.Double[float](), nullable=False),
        sa.Column("connection_id", sa.String(), nullable=False),
        sa.Column("application_name", sa.String(), nullable=False),
        sa.Column("outbound_voice_profile_id", sa.String(), nullable=True),
        sa.Column("call_leg_id", sa.String(), nullable=True),
        sa.Column("call_session_id", sa.String(), nullable=True),
        sa.Column("caller", sa.String(), nullable=True),
        sa.Column("called", sa.String(), nullable=True),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("route", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Text(), nullable=False),
        sa.Column("tried", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.Double[float](), nullable=True),
        sa.Column("finished_at", sa.Double[float](), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
    )
    op.create_index("ix_events_account", "events", ["account_id", "created_at"], unique=False)
    op.create_index(op.f("ix_events_call_session_id"), "events", ["call_session_id"], unique=False)
    pending = sa.text("status = 'pending'")
    op.create_index(
        "ix_events_pending",
        "events",
        ["account_id", "endpoint", "sequence"],
        unique=False,
        sqlite_where=pending,
        postgresql_where=pending,
    )
    op.create_table(
        "push_credentials",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("created_at", sa.Double[float](), nullable=False),
        sa.Column("updated_at", sa.Double[float](), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("alias", sa.String(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("settings", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_push_credentials")),
        sa.UniqueConstraint("account_id", "alias", name=op.f("uq_push_credentials_account_id")),
    )
    op.create_index("ix_push_credentials_account", "push_credentials", ["account_id", "created_at"], unique=False)
