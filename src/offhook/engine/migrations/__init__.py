"""Brings an older database to the tables of today. Knows alembic; every step is one file under `versions`."""

from pathlib import Path

import sqlalchemy as sa

# The newest step, so that an up-to-date database is opened without loading alembic; a test compares.
HEAD = "0011"


def upgrade(engine: sa.Engine) -> None:
    """All steps that this database lacks, in one transaction: it is up to date afterwards or unchanged."""
    with engine.begin() as connection:
        if _version(connection) == HEAD:
            return
        from alembic import command
        from alembic.config import Config

        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _version(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    return connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
