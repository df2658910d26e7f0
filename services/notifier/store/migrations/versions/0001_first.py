"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from services.runtime.errors import OperatorError

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_SQLITE = (
    (
        "CREATE TRIGGER audit_kept BEFORE UPDATE ON audit "
        "BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END"
    ),
    (
        "CREATE TRIGGER audit_stays BEFORE DELETE ON audit "
        "BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END"
    ),
)
_POSTGRESQL = (
    (
        "CREATE FUNCTION audit_is_kept() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the audit trail is append-only'; END $$"
    ),
    (
        "CREATE TRIGGER audit_kept BEFORE UPDATE OR DELETE ON audit "
        "FOR EACH ROW EXECUTE FUNCTION audit_is_kept()"
    ),
    (
        "CREATE TRIGGER audit_stays BEFORE TRUNCATE ON audit "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_is_kept()"
    ),
)


def upgrade() -> None:
    """Make everything."""
    _inputs()
    _cases()
    _outbox()
    _audit()


def downgrade() -> None:
    """Refuse: before this was nothing, and what was done about alerts must not be thrown away.

    Raises:
        OperatorError: always.
    """
    raise OperatorError("the store has no earlier form; restore a backup instead")


def _inputs() -> None:
    """What came in, and how far."""
    op.create_table(
        "meta",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("meta_pkey")),
    )
    op.create_table(
        "positions",
        sa.Column("feed", sa.String(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("feed", name=op.f("positions_pkey")),
    )
    op.create_table(
        "inputs",
        sa.Column(
            "seq",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("patient_id", sa.String(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("seq", name=op.f("inputs_pkey")),
        sa.UniqueConstraint("key", name=op.f("inputs_key_key")),
    )
    op.create_index(
        "inputs_waiting",
        "inputs",
        ["patient_id", "seq"],
        unique=False,
        sqlite_where=sa.text("body IS NOT NULL"),
        postgresql_where=sa.text("body IS NOT NULL"),
    )
    op.create_table(
        "patients",
        sa.Column("patient_id", sa.String(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("care_team", sa.String(), nullable=True),
        sa.Column("care_team_at", sa.BigInteger(), nullable=True),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("patient_id", name=op.f("patients_pkey")),
    )
    op.create_index(
        "patients_due",
        "patients",
        ["due_at"],
        unique=False,
        sqlite_where=sa.text("due_at IS NOT NULL"),
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
    op.create_table(
        "courses",
        sa.Column("patient_id", sa.String(), nullable=False),
        sa.Column("course_id", sa.String(), nullable=False),
        sa.Column("issued_at", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("patient_id", "course_id", name=op.f("courses_pkey")),
    )


def _cases() -> None:
    """Cases, their findings and deeds."""
    op.create_table(
        "cases",
        sa.Column("patient_id", sa.String(), nullable=False),
        sa.Column("course_id", sa.String(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("team", sa.String(), nullable=False),
        sa.Column("severity", sa.String(), nullable=False),
        sa.Column("act_by", sa.BigInteger(), nullable=True),
        sa.Column("in_digest", sa.Boolean(), nullable=False),
        sa.Column("wake_at", sa.BigInteger(), nullable=True),
        sa.Column("stepped_at", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.CheckConstraint("owner <> ''", name=op.f("cases_owned_check")),
        sa.ForeignKeyConstraint(
            ["patient_id"], ["patients.patient_id"], name=op.f("cases_patient_id_fkey")
        ),
        sa.PrimaryKeyConstraint("patient_id", "course_id", name=op.f("cases_pkey")),
        sa.UniqueConstraint("case_id", name=op.f("cases_case_id_key")),
        sa.UniqueConstraint("reference", name=op.f("cases_reference_key")),
    )
    op.create_index("cases_digest", "cases", ["owner", "in_digest"], unique=False)
    op.create_index("cases_state", "cases", ["state"], unique=False)
    op.create_table(
        "findings",
        sa.Column("alert_id", sa.String(), nullable=False),
        sa.Column("patient_id", sa.String(), nullable=False),
        sa.Column("course_id", sa.String(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("rule", sa.String(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("alert_id", name=op.f("findings_pkey")),
    )
    op.create_index("findings_case", "findings", ["patient_id", "course_id"], unique=False)
    op.create_table(
        "actions",
        sa.Column(
            "seq",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("action_id", sa.String(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("published_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("seq", name=op.f("actions_pkey")),
        sa.UniqueConstraint("action_id", name=op.f("actions_action_id_key")),
    )
    op.create_index("actions_of_case", "actions", ["case_id"], unique=False)
    op.create_index(
        "actions_waiting",
        "actions",
        ["seq"],
        unique=False,
        sqlite_where=sa.text("published_at IS NULL"),
        postgresql_where=sa.text("published_at IS NULL"),
    )


def _outbox() -> None:
    """Notices and attempts."""
    op.create_table(
        "notices",
        sa.Column(
            "seq",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("notice_id", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("patient_id", sa.String(), nullable=True),
        sa.Column("course_id", sa.String(), nullable=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("recipient", sa.String(), nullable=False),
        sa.Column("strength", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=True),
        sa.Column("tried", sa.String(), server_default="", nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("decided_at", sa.BigInteger(), nullable=False),
        sa.Column("sent_at", sa.BigInteger(), nullable=True),
        sa.Column("lease_until", sa.BigInteger(), nullable=True),
        sa.Column("worker", sa.String(), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("duplicate", sa.Boolean(), nullable=False),
        sa.Column("bundle", sa.String(), nullable=True),
        sa.Column("why", sa.String(), server_default="", nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "state IN ('pending', 'sending', 'delivered', 'failed', 'dropped', 'bundled')",
            name=op.f("notices_state_check"),
        ),
        sa.PrimaryKeyConstraint("seq", name=op.f("notices_pkey")),
        sa.UniqueConstraint("key", name=op.f("notices_key_key")),
        sa.UniqueConstraint("notice_id", name=op.f("notices_notice_id_key")),
    )
    op.create_index(
        "notices_due",
        "notices",
        ["due_at"],
        unique=False,
        sqlite_where=sa.text("due_at IS NOT NULL"),
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
    op.create_index(
        "notices_leased",
        "notices",
        ["lease_until"],
        unique=False,
        sqlite_where=sa.text("state = 'sending'"),
        postgresql_where=sa.text("state = 'sending'"),
    )
    op.create_index("notices_patient", "notices", ["patient_id", "course_id"], unique=False)
    op.create_index(
        "notices_recipient", "notices", ["recipient", "strength", "sent_at"], unique=False
    )
    op.create_table(
        "attempts",
        sa.Column("notice_id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("worker", sa.String(), nullable=False),
        sa.Column("duplicate", sa.Boolean(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("result", sa.String(), nullable=True),
        sa.Column("reason", sa.String(), server_default="", nullable=False),
        sa.Column("receipt", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["notice_id"], ["notices.notice_id"], name=op.f("attempts_notice_id_fkey")
        ),
        sa.PrimaryKeyConstraint("notice_id", "number", name=op.f("attempts_pkey")),
    )
    op.create_table(
        "digests",
        sa.Column("recipient", sa.String(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("recipient", name=op.f("digests_pkey")),
    )


def _audit() -> None:
    """The audit trail; its triggers refuse every change."""
    op.create_table(
        "audit",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("audit_pkey")),
    )
    op.create_index("audit_of_case", "audit", ["case_id"], unique=False)
    op.create_table(
        "chain",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("chain_pkey")),
    )
    op.execute(
        sa.text("INSERT INTO chain (id, seq, hash) VALUES (1, 0, :start)").bindparams(
            sa.bindparam("start", bytes(32), sa.LargeBinary())
        )
    )
    triggers = _SQLITE if op.get_bind().dialect.name == "sqlite" else _POSTGRESQL
    for each in triggers:
        op.execute(each)
