"""What Alembic runs: with the connection that it was given, in its transaction."""

from __future__ import annotations

from alembic import context

from services.notifier.store.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    transaction_per_migration=False,
)
context.run_migrations()
