"""Which trace each alert came by; of those that came before nobody knows it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from services.runtime.errors import OperatorError

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add a table."""
    op.create_table(
        "traces",
        sa.Column("alert_id", sa.String(), nullable=False),
        sa.Column("trace", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("alert_id", name=op.f("traces_pkey")),
    )


def downgrade() -> None:
    """Refuse, as the first step does.

    Raises:
        OperatorError: always.
    """
    raise OperatorError("the store goes forward only; restore a backup instead")
