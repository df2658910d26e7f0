"""What people have chosen for their own pages of the inbox."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from services.runtime.errors import OperatorError

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add a table."""
    op.create_table(
        "preferences",
        sa.Column("who", sa.String(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("who", name=op.f("preferences_pkey")),
    )


def downgrade() -> None:
    """Refuse, as the first step does.

    Raises:
        OperatorError: always.
    """
    raise OperatorError("the store goes forward only; restore a backup instead")
