"""What accounts have paid in, and how much they may owe."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Accounts from before may owe what a new one may."""
    with op.batch_alter_table("accounts") as batch:
        batch.add_column(sa.Column("paid_in", sa.BigInteger(), nullable=False, server_default="0"))
        batch.add_column(sa.Column("credit_limit", sa.BigInteger(), nullable=False, server_default="1000000000000"))
    with op.batch_alter_table("accounts") as batch:
        batch.alter_column("paid_in", server_default=None)
        batch.alter_column("credit_limit", server_default=None)
