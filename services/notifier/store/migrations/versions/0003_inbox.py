"""What the inbox keeps: who is signed in, who opened what in an emergency, what was seen."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from services.runtime.errors import OperatorError

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add tables, and the indexes of the worklist."""
    _sign_ins()
    _glass()
    op.create_table(
        "seen",
        sa.Column("who", sa.String(), nullable=False),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("who", "reference", name=op.f("seen_pkey")),
    )
    _worklist()


def downgrade() -> None:
    """Refuse, as the first step does.

    Raises:
        OperatorError: always.
    """
    raise OperatorError("the store goes forward only; restore a backup instead")


def _sign_ins() -> None:
    op.create_table(
        "signed_in",
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("began_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("signed_in_pkey")),
    )


def _glass() -> None:
    op.create_table(
        "glass",
        sa.Column(
            "number",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("team", sa.String(), nullable=False),
        sa.Column("who", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("reviewed_by", sa.String(), server_default="", nullable=False),
        sa.Column("reviewed_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("number", name=op.f("glass_pkey")),
    )
    op.create_index("glass_who", "glass", ["who", "until"], unique=False)


def _worklist() -> None:
    op.create_index(
        "cases_worklist",
        "cases",
        ["team", "state", "owner", "severity", "act_by", "reference"],
        unique=False,
        sqlite_where=sa.text("state != 'closed'"),
        postgresql_where=sa.text("state != 'closed'"),
    )
    op.create_index(
        "cases_closed",
        "cases",
        ["team", "stepped_at", "reference"],
        unique=False,
        sqlite_where=sa.text("state = 'closed'"),
        postgresql_where=sa.text("state = 'closed'"),
    )
