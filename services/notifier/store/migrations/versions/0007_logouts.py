"""Logout tokens that were used already."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from services.runtime.errors import OperatorError

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add a table."""
    op.create_table(
        "logouts",
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("logouts_pkey")),
    )


def downgrade() -> None:
    """Refuse, as the first step does.

    Raises:
        OperatorError: always.
    """
    raise OperatorError("the store goes forward only; restore a backup instead")
