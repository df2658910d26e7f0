"""The tables of the SQLite file, and how an older file becomes a newer one.

A step, once published, is never edited: a file in the field has already taken it. A change is a
new step at the end. `PRAGMA user_version` counts the steps that a file has taken.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from services.runtime.errors import OperatorError

if TYPE_CHECKING:
    import sqlite3

STEPS: Final[tuple[str, ...]] = (
    """
    -- What was received, byte for byte: whatever a mapping got wrong can be read again.
    CREATE TABLE raw (
        id INTEGER PRIMARY KEY,
        hash BLOB NOT NULL,              -- SHA-256 of the bytes
        source TEXT NOT NULL,
        form TEXT NOT NULL,
        place TEXT NOT NULL,             -- file:line of the first receipt
        received INTEGER NOT NULL,       -- microseconds UTC, as all instants here
        times INTEGER NOT NULL DEFAULT 1,
        bytes BLOB NOT NULL,
        UNIQUE (source, hash)
    );

    -- THE TRUTH: every version of every fact, append-only. All below can be built from it,
    -- except what was already published.
    CREATE TABLE facts (
        seq INTEGER PRIMARY KEY,
        patient_id TEXT NOT NULL,
        source TEXT NOT NULL,
        event_id TEXT NOT NULL,
        issued INTEGER NOT NULL,
        status TEXT NOT NULL,
        received INTEGER NOT NULL,
        raw INTEGER NOT NULL REFERENCES raw (id),
        version BLOB NOT NULL UNIQUE,    -- digest of the event: the same version comes in once
        event TEXT NOT NULL              -- canonical JSON
    );
    CREATE INDEX facts_of_patient ON facts (patient_id, seq);

    -- What was published of a patient, by course ('' = the whole patient) and rule.
    CREATE TABLE rule_states (
        patient_id TEXT NOT NULL,
        course_id TEXT NOT NULL,
        rule TEXT NOT NULL,
        journal TEXT NOT NULL,
        PRIMARY KEY (patient_id, course_id, rule)
    ) WITHOUT ROWID;

    CREATE TABLE timers (
        patient_id TEXT NOT NULL,
        course_id TEXT NOT NULL,
        rule TEXT NOT NULL,
        due INTEGER NOT NULL,
        PRIMARY KEY (patient_id, course_id, rule)
    ) WITHOUT ROWID;
    CREATE INDEX timers_due ON timers (due);

    -- Conditions that could not be evaluated: unknown never counts as "no" in silence.
    CREATE TABLE undecided (
        patient_id TEXT NOT NULL,
        course_id TEXT NOT NULL,
        rule TEXT NOT NULL,
        criterion TEXT NOT NULL,
        source TEXT NOT NULL,
        event_id TEXT NOT NULL,
        reason TEXT NOT NULL,
        PRIMARY KEY (patient_id, course_id, rule, criterion, source, event_id, reason)
    ) WITHOUT ROWID;

    -- Records that were merged into a surviving one.
    CREATE TABLE identities (
        patient_id TEXT NOT NULL,        -- the survivor
        member TEXT NOT NULL,
        PRIMARY KEY (patient_id, member)
    ) WITHOUT ROWID;
    CREATE INDEX identities_member ON identities (member);

    -- Patients at whom our own code failed: kept from the engine, their facts still stored.
    CREATE TABLE suspended (
        patient_id TEXT PRIMARY KEY,
        defect TEXT NOT NULL,
        since INTEGER NOT NULL
    );

    -- Every revision of every alert; its sequence is its place in the outbox.
    CREATE TABLE alerts (
        sequence INTEGER PRIMARY KEY AUTOINCREMENT,
        alert_id TEXT NOT NULL,
        revision INTEGER NOT NULL,
        digest TEXT NOT NULL,
        patient_id TEXT NOT NULL,
        rule TEXT NOT NULL,
        state TEXT NOT NULL,
        severity TEXT NOT NULL,
        body TEXT NOT NULL,
        UNIQUE (alert_id, revision)
    );
    CREATE INDEX alerts_of_patient ON alerts (patient_id);

    -- How far each reader of the outbox has come.
    CREATE TABLE subscribers (name TEXT PRIMARY KEY, delivered INTEGER NOT NULL);

    CREATE TABLE deadletters (
        id TEXT NOT NULL,
        place TEXT NOT NULL,             -- tells records without any bytes apart; else ''
        reason TEXT NOT NULL,
        source TEXT NOT NULL,
        received INTEGER NOT NULL,
        times INTEGER NOT NULL DEFAULT 1,
        body TEXT NOT NULL,
        PRIMARY KEY (id, place)
    );

    -- What was odd about records that were kept, gathered.
    CREATE TABLE notices (
        source TEXT NOT NULL,
        reason TEXT NOT NULL,
        detail TEXT NOT NULL,
        times INTEGER NOT NULL,
        latest INTEGER NOT NULL,
        PRIMARY KEY (source, reason, detail)
    );

    -- How far each file was read.
    CREATE TABLE marks (
        name TEXT PRIMARY KEY,
        digest TEXT NOT NULL,
        stamp TEXT NOT NULL,
        records INTEGER NOT NULL,
        finished INTEGER NOT NULL
    );

    CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
    """,
    """
    -- When a replay made something of the letter; what comes again unusable is open again.
    ALTER TABLE deadletters ADD COLUMN resolved INTEGER;
    CREATE INDEX deadletters_open ON deadletters (reason, source) WHERE resolved IS NULL;
    """,
    """
    -- What is known of each document (MDM): the versions of facts that it gave, as they were sent,
    -- and what was said of it as a whole.
    CREATE TABLE documents (
        document TEXT NOT NULL,
        kind TEXT NOT NULL,              -- fact, change
        body TEXT NOT NULL,              -- JSON
        PRIMARY KEY (document, kind, body)
    ) WITHOUT ROWID;

    -- Under which patients each identifier was accepted. Patients known before this table was made
    -- are known by their own.
    CREATE TABLE persons (
        identifier TEXT NOT NULL,        -- authority|number
        patient_id TEXT NOT NULL,
        PRIMARY KEY (identifier, patient_id)
    ) WITHOUT ROWID;
    INSERT INTO persons SELECT DISTINCT patient_id, patient_id FROM facts;
    """,
    """
    -- W3C Trace Context of the judging that published it, where somebody traced that.
    ALTER TABLE alerts ADD COLUMN trace TEXT;
    """,
)


def migrate(connection: sqlite3.Connection) -> None:
    """Bring a file up to date, one transaction a step.

    Raises:
        OperatorError: the file was written by a newer version of this software.
    """
    (taken,) = connection.execute("PRAGMA user_version").fetchone()
    if taken > len(STEPS):
        raise OperatorError("--data: the store was written by a newer version of salvage-watch")
    for number, step in enumerate(STEPS[taken:], start=taken + 1):
        connection.executescript(f"BEGIN IMMEDIATE;{step};PRAGMA user_version={number};COMMIT;")
