"""Addresses of trunks, and carriers."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def _table(name: str, *columns: sa.Column[object]) -> None:
    op.create_table(
        name,
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("created_at", sa.Double[float](), nullable=False),
        sa.Column("updated_at", sa.Double[float](), nullable=False),
        *columns,
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")),
    )
    op.create_index(f"ix_{name}_account", name, ["account_id", "created_at"], unique=False)


def upgrade() -> None:
    """A row for each address of a connection, and one for each carrier."""
    _table(
        "gateways",
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("connection_id", sa.String()),
        sa.Column("host", sa.String(), nullable=False),
        sa.Column("port", sa.Integer()),
        sa.Column("dns_record_type", sa.String()),
        sa.Column("settings", sa.Text(), nullable=False),
    )
    op.create_index(op.f("ix_gateways_connection_id"), "gateways", ["connection_id"], unique=False)
    _table(
        "carriers",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("password", sa.LargeBinary()),
        sa.Column("settings", sa.Text(), nullable=False),
    )
