"""What people's answers say of the rules: dispositions by rule, standings, times of each alert.

And what is shared with research, where a site does that.
"""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

from services.runtime.errors import OperatorError

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_ACTIONS = sa.table(
    "actions",
    sa.column("seq", sa.BigInteger()),
    sa.column("body", sa.Text()),
    sa.column("rule", sa.String()),
    sa.column("disposition", sa.String()),
)
_PAGE = 1_000


def upgrade() -> None:
    """Add columns and tables; what was done before counts as well."""
    op.add_column("actions", sa.Column("rule", sa.String(), server_default="", nullable=False))
    op.add_column("actions", sa.Column("disposition", sa.String(), nullable=True))
    _fill()
    op.create_index(
        "actions_judged",
        "actions",
        ["rule", "seq"],
        unique=False,
        sqlite_where=sa.text("disposition IS NOT NULL"),
        postgresql_where=sa.text("disposition IS NOT NULL"),
    )
    _standings()
    _timings()
    _research()


def downgrade() -> None:
    """Refuse: an earlier release would go on interrupting with rules that lost the right to.

    Raises:
        OperatorError: always.
    """
    raise OperatorError("the store is not taken back to an earlier form; restore a backup instead")


def _fill() -> None:
    """Rule and disposition stand in each deed's own text."""
    connection, last = op.get_bind(), 0
    query = sa.select(_ACTIONS.c.seq, _ACTIONS.c.body).order_by(_ACTIONS.c.seq).limit(_PAGE)
    change = sa.update(_ACTIONS).where(_ACTIONS.c.seq == sa.bindparam("number"))
    change = change.values(rule=sa.bindparam("of"), disposition=sa.bindparam("code"))
    while found := connection.execute(query.where(_ACTIONS.c.seq > last)).all():
        deeds = [(row.seq, json.loads(row.body)) for row in found]
        rows = [
            {"number": seq, "of": deed["rule"], "code": deed.get("disposition")}
            for seq, deed in deeds
        ]
        connection.execute(change, rows)
        last = found[-1].seq


def _standings() -> None:
    op.create_table(
        "standings",
        sa.Column("rule", sa.String(), nullable=False),
        sa.Column("interrupts", sa.Boolean(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("decided_by", sa.String(), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("rule", name=op.f("standings_pkey")),
    )


def _timings() -> None:
    op.create_table(
        "timings",
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("alert_id", sa.String(), nullable=False),
        sa.Column("rule", sa.String(), nullable=False),
        sa.Column("evidence_at", sa.BigInteger(), nullable=True),
        sa.Column("alerted_at", sa.BigInteger(), nullable=False),
        sa.Column("act_by", sa.BigInteger(), nullable=True),
        sa.Column("noticed_at", sa.BigInteger(), nullable=True),
        sa.Column("acknowledged_at", sa.BigInteger(), nullable=True),
        sa.Column("disposed_at", sa.BigInteger(), nullable=True),
        sa.Column("salvage_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("case_id", "alert_id", name=op.f("timings_pkey")),
    )
    op.create_index("timings_of_rule", "timings", ["rule"], unique=False)


def _research() -> None:
    op.create_table(
        "research",
        sa.Column(
            "seq",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("finding", sa.String(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("published_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("seq", name=op.f("research_pkey")),
        sa.UniqueConstraint("finding", "revision", name=op.f("research_finding_revision_key")),
    )
    op.create_index(
        "research_waiting",
        "research",
        ["seq"],
        unique=False,
        sqlite_where=sa.text("published_at IS NULL"),
        postgresql_where=sa.text("published_at IS NULL"),
    )
