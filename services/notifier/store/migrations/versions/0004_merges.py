"""Records that are merged: which event says so, where their cases belong, and where they are.

And every name under which a case was told of, so that old links lead on.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from services.runtime.errors import OperatorError

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add tables and two columns; merges that were heard of before are not known any more."""
    op.add_column("patients", sa.Column("merged_into", sa.String(), nullable=True))
    op.add_column("patients", sa.Column("handed_to", sa.String(), nullable=True))
    op.create_index("patients_merged_into", "patients", ["merged_into"], unique=False)
    op.create_table(
        "merges",
        sa.Column("patient_id", sa.String(), nullable=False),
        sa.Column("event_id", sa.String(), nullable=False),
        sa.Column("merged_into", sa.String(), nullable=True),
        sa.Column("issued_at", sa.BigInteger(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("patient_id", "event_id", name=op.f("merges_pkey")),
    )
    op.create_table(
        "names",
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("patient_id", sa.String(), nullable=False),
        sa.Column("course_id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("reference", name=op.f("names_pkey")),
    )
    op.execute("INSERT INTO names SELECT reference, patient_id, course_id FROM cases")


def downgrade() -> None:
    """Refuse, as the first step does.

    Raises:
        OperatorError: always.
    """
    raise OperatorError("the store goes forward only; restore a backup instead")
