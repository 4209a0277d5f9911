"""What every line of a bill costs, and the plans by which legs are charged."""

from decimal import Decimal

import msgspec
import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Sums are made of whole micro-dollars. Legs that a crash left before this were charged by the standard plan."""
    op.create_table(
        "price_plans",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("created_at", sa.Double[float](), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_price_plans")),
    )
    op.create_index("ix_price_plans_account", "price_plans", ["account_id", "created_at"], unique=False)
    with op.batch_alter_table("legs") as batch:
        batch.drop_column("micros_per_minute")
        batch.add_column(sa.Column("plan", sa.String(), nullable=True))
    with op.batch_alter_table("detail_records") as batch:
        batch.add_column(sa.Column("outbound_voice_profile_id", sa.String(), nullable=True))
        batch.add_column(sa.Column("micros", sa.BigInteger(), nullable=False, server_default="0"))
    _fill_in()
    with op.batch_alter_table("detail_records") as batch:
        batch.alter_column("micros", server_default=None)


def _fill_in() -> None:
    """What older records cost stands in their documents only."""
    records = sa.table("detail_records", sa.column("id"), sa.column("document"), sa.column("micros"))
    connection = op.get_bind()
    found = connection.execute(sa.select(records.c.id, records.c.document)).all()
    costs = [
        {"its": id, "micros": int(Decimal(msgspec.json.decode(document).get("cost", "0")) * 1_000_000)}
        for id, document in found
    ]
    if costs:
        change = sa.update(records).where(records.c.id == sa.bindparam("its")).values(micros=sa.bindparam("micros"))
        connection.execute(change, costs)
