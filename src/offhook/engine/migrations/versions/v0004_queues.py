"""Queues that customers make."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """What is left of a queue when nobody waits in it."""
    op.create_table(
        "queues",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("created_at", sa.Double[float](), nullable=False),
        sa.Column("updated_at", sa.Double[float](), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("max_size", sa.Integer(), nullable=False),
        sa.Column("life", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_queues")),
    )
    op.create_index("ix_queues_account", "queues", ["account_id", "created_at"], unique=False)
