"""Commands that were answered, and ended calls by their call_control_id."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """What a repeated command needs to be answered alike, also once its call has ended."""
    op.create_table(
        "commands",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("created_at", sa.Double[float](), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_commands")),
    )
    op.create_index("ix_commands_account", "commands", ["account_id", "created_at"], unique=False)
    with op.batch_alter_table("detail_records") as batch:
        batch.add_column(sa.Column("call_control_id", sa.String(), nullable=True))
    op.create_index(op.f("ix_detail_records_call_control_id"), "detail_records", ["call_control_id"], unique=False)
