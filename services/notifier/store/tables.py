"""The tables, one law each. Migrations make them; a test holds the two together.

What is a patient's stands only in `inputs`, `patients`, `merges`, `courses`, `cases`, `names`,
`findings`, `actions` and `audit`; nothing of those leaves the house but by channels that write into
the record.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from services.notifier.store.instants import Instant

_NAMES: Final = {
    "ix": "%(table_name)s_%(column_0_N_name)s",
    "uq": "%(table_name)s_%(column_0_N_name)s_key",
    "ck": "%(table_name)s_%(constraint_name)s_check",
    "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
    "pk": "%(table_name)s_pkey",
}
METADATA: Final = MetaData(naming_convention=_NAMES)
Sequence: Final = BigInteger().with_variant(Integer, "sqlite")
"""SQLite numbers rows by itself only in a column that it calls INTEGER."""

META = Table(
    "meta",
    METADATA,
    Column("key", String, primary_key=True),
    Column("value", String, nullable=False),
)

# How far each feed was read; written together with what was read.
POSITIONS = Table(
    "positions",
    METADATA,
    Column("feed", String, primary_key=True),
    Column("position", BigInteger, nullable=False),
)

# What came in. A key comes in once, for ever; its body goes when it has been worked on.
INPUTS = Table(
    "inputs",
    METADATA,
    Column("seq", Sequence, primary_key=True, autoincrement=True),
    Column("key", String, nullable=False, unique=True),
    Column("patient_id", String, nullable=False),
    Column("at", Instant, nullable=False),
    Column("body", Text),
)
Index(
    "inputs_waiting",
    INPUTS.c.patient_id,
    INPUTS.c.seq,
    sqlite_where=INPUTS.c.body.is_not(None),
    postgresql_where=INPUTS.c.body.is_not(None),
)

# One row a patient: whoever works on one of their cases has locked it. `due_at` is the earliest
# instant at which something is to be done: an input that waits, or a case's own wake-up.
PATIENTS = Table(
    "patients",
    METADATA,
    Column("patient_id", String, primary_key=True),
    Column("due_at", Instant),
    Column("care_team", String),
    Column("care_team_at", Instant),
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("merged_into", String),  # the next record on the way to the surviving one
    Column("handed_to", String),  # whose cases this record's are by now
)
Index("patients_merged_into", PATIENTS.c.merged_into)
Index(
    "patients_due",
    PATIENTS.c.due_at,
    sqlite_where=PATIENTS.c.due_at.is_not(None),
    postgresql_where=PATIENTS.c.due_at.is_not(None),
)

# Which event says into which record a patient's was merged; nothing when it was taken back.
MERGES = Table(
    "merges",
    METADATA,
    Column("patient_id", String, primary_key=True),
    Column("event_id", String, primary_key=True),
    Column("merged_into", String),
    Column("issued_at", Instant, nullable=False),
    Column("rank", Integer, nullable=False),
)

COURSES = Table(
    "courses",
    METADATA,
    Column("patient_id", String, primary_key=True),
    Column("course_id", String, primary_key=True),
    Column("issued_at", Instant, nullable=False),
    Column("body", Text, nullable=False),
)

# A case has an owner, always. `course_id` is '' for what concerns the whole patient.
CASES = Table(
    "cases",
    METADATA,
    Column("patient_id", String, ForeignKey(PATIENTS.c.patient_id), primary_key=True),
    Column("course_id", String, primary_key=True),
    Column("case_id", String, nullable=False, unique=True),
    Column("reference", String, nullable=False, unique=True),
    Column("revision", Integer, nullable=False),
    Column("state", String, nullable=False),
    Column("owner", String, nullable=False),
    Column("team", String, nullable=False),
    Column("severity", String, nullable=False),
    Column("act_by", Instant),
    Column("in_digest", Boolean, nullable=False),
    Column("wake_at", Instant),
    Column("stepped_at", Instant, nullable=False),
    Column("body", Text, nullable=False),
    CheckConstraint("owner <> ''", name="owned"),
)
# Under which names cases were told of outside the house: those of earlier episodes lead here too.
NAMES = Table(
    "names",
    METADATA,
    Column("reference", String, primary_key=True),
    Column("patient_id", String, nullable=False),
    Column("course_id", String, nullable=False),
)
Index("cases_digest", CASES.c.owner, CASES.c.in_digest)
Index("cases_state", CASES.c.state)

# Every alert as last heard of; what the record's channels and pages say of a case.
FINDINGS = Table(
    "findings",
    METADATA,
    Column("alert_id", String, primary_key=True),
    Column("patient_id", String, nullable=False),
    Column("course_id", String, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("rule", String, nullable=False),
    Column("body", Text, nullable=False),
)
Index("findings_case", FINDINGS.c.patient_id, FINDINGS.c.course_id)

# What people did: published in this order, and kept. Rule and disposition stand beside the text,
# because rules are judged by them.
ACTIONS = Table(
    "actions",
    METADATA,
    Column("seq", Sequence, primary_key=True, autoincrement=True),
    Column("action_id", String, nullable=False, unique=True),
    Column("case_id", String, nullable=False),
    Column("at", Instant, nullable=False),
    Column("body", Text, nullable=False),
    Column("published_at", Instant),
    Column("rule", String, nullable=False, server_default=""),
    Column("disposition", String),
)
Index("actions_of_case", ACTIONS.c.case_id)
Index(
    "actions_waiting",
    ACTIONS.c.seq,
    sqlite_where=ACTIONS.c.published_at.is_(None),
    postgresql_where=ACTIONS.c.published_at.is_(None),
)

_JUDGED = ACTIONS.c.disposition.is_not(None)
Index(
    "actions_judged",
    ACTIONS.c.rule,
    ACTIONS.c.seq,
    sqlite_where=_JUDGED,
    postgresql_where=_JUDGED,
)

# Rules of which it was decided whether they may interrupt, and since when their dispositions count.
STANDINGS = Table(
    "standings",
    METADATA,
    Column("rule", String, primary_key=True),
    Column("interrupts", Boolean, nullable=False),
    Column("since", Instant, nullable=False),
    Column("decided_by", String, nullable=False),
    Column("why", String, nullable=False),
)

# When each alert of a case's episode reached what. Kept for good, and nobody's name is in it.
TIMINGS = Table(
    "timings",
    METADATA,
    Column("case_id", String, primary_key=True),
    Column("alert_id", String, primary_key=True),
    Column("rule", String, nullable=False),
    Column("evidence_at", Instant),
    Column("alerted_at", Instant, nullable=False),
    Column("act_by", Instant),
    Column("noticed_at", Instant),
    Column("acknowledged_at", Instant),
    Column("disposed_at", Instant),
    Column("salvage_at", Instant),
)
Index("timings_of_rule", TIMINGS.c.rule)

# What is shared with research, where a site does that: pseudonyms only.
RESEARCH = Table(
    "research",
    METADATA,
    Column("seq", Sequence, primary_key=True, autoincrement=True),
    Column("finding", String, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("body", Text, nullable=False),
    Column("published_at", Instant),
    UniqueConstraint("finding", "revision"),
)
Index(
    "research_waiting",
    RESEARCH.c.seq,
    sqlite_where=RESEARCH.c.published_at.is_(None),
    postgresql_where=RESEARCH.c.published_at.is_(None),
)

# The outbox: written in the transaction that decided it.
NOTICES = Table(
    "notices",
    METADATA,
    Column("seq", Sequence, primary_key=True, autoincrement=True),
    Column("notice_id", String, nullable=False, unique=True),
    Column("key", String, nullable=False, unique=True),  # idempotency key, as it leaves the house
    Column("patient_id", String),
    Column("course_id", String),
    Column("kind", String, nullable=False),  # of `channels.contract.Kind`
    Column("recipient", String, nullable=False),
    Column("strength", String, nullable=False),  # '' for a copy to the record
    Column("channel", String),  # the one in use; given from the beginning for the record
    Column("tried", String, nullable=False, server_default=""),  # those that refused, by name
    Column("state", String, nullable=False),
    Column("due_at", Instant),  # when to try; None when nothing is to be tried any more
    Column("decided_at", Instant, nullable=False),
    Column("sent_at", Instant),  # the last attempt's beginning
    Column("lease_until", Instant),
    Column("worker", String),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("duplicate", Boolean, nullable=False),
    Column("bundle", String),  # the notice in which this one left together with others
    Column("why", String, nullable=False, server_default=""),
    Column("body", Text, nullable=False),
    CheckConstraint(
        "state IN ('pending', 'sending', 'delivered', 'failed', 'dropped', 'bundled')",
        name="state",
    ),
)
_DUE = NOTICES.c.due_at.is_not(None)
Index("notices_due", NOTICES.c.due_at, sqlite_where=_DUE, postgresql_where=_DUE)
_LEASED = NOTICES.c.state == "sending"
Index("notices_leased", NOTICES.c.lease_until, sqlite_where=_LEASED, postgresql_where=_LEASED)
Index("notices_recipient", NOTICES.c.recipient, NOTICES.c.strength, NOTICES.c.sent_at)
Index("notices_patient", NOTICES.c.patient_id, NOTICES.c.course_id)

# Written and committed before anything leaves; no result means that nobody knows.
ATTEMPTS = Table(
    "attempts",
    METADATA,
    Column("notice_id", String, ForeignKey(NOTICES.c.notice_id), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("channel", String, nullable=False),
    Column("worker", String, nullable=False),
    Column("duplicate", Boolean, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("result", String),
    Column("reason", String, nullable=False, server_default=""),
    Column("receipt", String),
)

# When somebody's next digest is due.
DIGESTS = Table(
    "digests",
    METADATA,
    Column("recipient", String, primary_key=True),
    Column("due_at", Instant, nullable=False),
)

# Append-only, by triggers; each line holds the hash of the one before.
AUDIT = Table(
    "audit",
    METADATA,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),
    Column("case_id", String),
    Column("body", Text, nullable=False),
    Column("hash", LargeBinary(32), nullable=False),
)
Index("audit_of_case", AUDIT.c.case_id)

# One row: where the chain ends. Whoever appends has locked it.
CHAIN = Table(
    "chain",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, nullable=False),
    Column("hash", LargeBinary(32), nullable=False),
)

# The worklist reads only this index until it knows which cases stand on a page.
_OPEN = CASES.c.state != "closed"
Index(
    "cases_worklist",
    *(CASES.c[name] for name in ("team", "state", "owner", "severity", "act_by", "reference")),
    sqlite_where=_OPEN,
    postgresql_where=_OPEN,
)
_CLOSED = CASES.c.state == "closed"
Index(
    "cases_closed",
    CASES.c.team,
    CASES.c.stepped_at,
    CASES.c.reference,
    sqlite_where=_CLOSED,
    postgresql_where=_CLOSED,
)

# Who is signed in. What the browser holds stands here only as a digest.
SIGNED_IN = Table(
    "signed_in",
    METADATA,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("who", Text, nullable=False),
    Column("began_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),
)

# Other teams' cases that somebody opened in an emergency; kept, to be reviewed.
GLASS = Table(
    "glass",
    METADATA,
    Column("number", Sequence, primary_key=True, autoincrement=True),
    Column("reference", String, nullable=False),
    Column("team", String, nullable=False),
    Column("who", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("words", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("until", Instant, nullable=False),
    Column("reviewed_by", String, nullable=False, server_default=""),
    Column("reviewed_at", Instant),
)
Index("glass_who", GLASS.c.who, GLASS.c.until)

# Which revision of a case somebody last opened.
SEEN = Table(
    "seen",
    METADATA,
    Column("who", String, primary_key=True),
    Column("reference", String, primary_key=True),
    Column("revision", Integer, nullable=False),
)

# What people have chosen for their own pages; nothing of a patient.
PREFERENCES = Table(
    "preferences",
    METADATA,
    Column("who", String, primary_key=True),
    Column("body", Text, nullable=False),
)

# By which trace (W3C Trace Context) each alert came last. No id in it is made of what was received.
TRACES = Table(
    "traces",
    METADATA,
    Column("alert_id", String, primary_key=True),
    Column("trace", String, nullable=False),
)

# Logout tokens of the identity provider that were used, by digest: none is used twice.
LOGOUTS = Table(
    "logouts",
    METADATA,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("until", Instant, nullable=False),
)
