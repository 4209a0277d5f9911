"""Recordings of calls and conferences."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """A row for each recording; the audio lies beside the database."""
    op.create_table(
        "recordings",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("created_at", sa.Double[float](), nullable=False),
        sa.Column("updated_at", sa.Double[float](), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("call_control_id", sa.String(), nullable=False),
        sa.Column("call_leg_id", sa.String(), nullable=False),
        sa.Column("call_session_id", sa.String(), nullable=False),
        sa.Column("connection_id", sa.String(), nullable=False),
        sa.Column("conference_id", sa.String(), nullable=True),
        sa.Column("caller", sa.String(), nullable=False),
        sa.Column("called", sa.String(), nullable=False),
        sa.Column("started_at", sa.Double[float](), nullable=False),
        sa.Column("ended_at", sa.Double[float](), nullable=True),
        sa.Column("milliseconds", sa.BigInteger(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recordings")),
    )
    op.create_index("ix_recordings_account", "recordings", ["account_id", "created_at"], unique=False)
