"""Brings a database up to date, or says that somebody must."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from services.runtime.errors import OperatorError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from services.notifier.store.database import Database

_SCRIPTS: Final = Path(__file__).parent / "migrations"
_LOCK: Final = 0x5A_17_A6_E5
"""Two notifiers that migrate at the same time take turns."""


def migrate(database: Database) -> None:
    """Take every step that is missing, all or none.

    Raises:
        OperatorError: a newer release wrote the database.
        Unavailable: it can't be written.
    """
    with database.transaction() as connection:
        if database.shared:
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        if _missing(connection):
            command.upgrade(config_of(connection), "head")


def check(database: Database) -> None:
    """Make sure that nothing is missing.

    Raises:
        OperatorError: something is, or a newer release wrote the database.
    """
    with database.transaction() as connection:
        if _missing(connection):
            raise OperatorError("--database: not up to date; run `salvage notify migrate`")


def _missing(connection: Connection) -> bool:
    steps = ScriptDirectory.from_config(config_of(connection))
    taken = MigrationContext.configure(connection).get_current_revision()
    known = {step.revision for step in steps.walk_revisions()}
    if taken is not None and taken not in known:
        raise OperatorError("--database: a newer version of salvage-watch wrote it")
    return taken != steps.get_current_head()


def config_of(connection: Connection) -> Config:
    """Alembic's settings for a transaction."""
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
