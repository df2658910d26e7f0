"""The store: one SQLite file, written by one process, one transaction a batch.

Laws of this file:
- nothing is written outside `transaction`; what it holds becomes true together or not at all;
- facts and revisions are only ever added.
"""

from __future__ import annotations

import hashlib
import json
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from schemas.events import EVENT
from schemas.reading import decode_plain
from services.detector.engine.fact import Fact
from services.detector.engine.instants import instant
from services.detector.engine.timeline import Timeline
from services.embedded.database import Database
from services.ingest.sources.files import Mark
from services.runtime.errors import InvariantBroken

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from collections.abc import Set as AbstractSet
    from pathlib import Path

    from schemas.alerts import AlertRevision
    from schemas.deadletter import DeadLetter
    from services.ingest.coding import Notice
    from services.ingest.sources.files import Arrival

    Rows = AbstractSet[tuple[Any, ...]]

FILE_NAME = "salvage.sqlite"
_LANE = ("patient_id", "course_id", "rule")
_COLUMNS = {
    "timers": (*_LANE, "due"),
    "undecided": (*_LANE, "criterion", "source", "event_id", "reason"),
    "identities": ("patient_id", "member"),
}


class Chart(NamedTuple):
    """The facts addressed to one patient id, as `Monitor.restore` takes them."""

    patient_id: str
    versions: Iterable[tuple[Fact, int | None]]


class Store(Database):
    """What the runtime keeps, by the words of the trade."""

    def __init__(self, path: Path, *, durable: bool = True) -> None:
        """As the database's."""
        self._marks: dict[str, Mark] = {}
        super().__init__(path, durable=durable)

    def _begin(self) -> None:
        self._marks.clear()

    # -- what comes in

    def keep_raw(self, arrival: Arrival, received: int) -> int:
        """Keep the bytes of a record, once for each source.

        Returns:
            The number under which they are kept.
        """
        record = arrival.record
        row = (
            hashlib.sha256(record.raw).digest(),
            arrival.source,
            arrival.form.value,
            str(record.where),
            received,
            record.raw,
        )
        (number,) = self._db.execute(
            "INSERT INTO raw (hash, source, form, place, received, bytes) VALUES (?,?,?,?,?,?) "
            "ON CONFLICT (source, hash) DO UPDATE SET times = times + 1 RETURNING id",
            row,
        ).fetchone()
        return int(number)

    def raw_number(self, arrival: Arrival) -> int | None:
        """The number under which a record is kept; None if it isn't."""
        hashed = hashlib.sha256(arrival.record.raw).digest()
        sql = "SELECT id FROM raw WHERE source = ? AND hash = ?"
        rows = self.query(sql, (arrival.source, hashed))
        return int(rows[0][0]) if rows else None

    def add_fact(self, fact: Fact, received: int, raw: int) -> bool:
        """Add one version of a fact.

        The same content is the same version, however often it comes: the first receipt counts.

        Returns:
            Whether it was new.
        """
        event = fact.event
        text = event.to_json()
        row = (
            event.patient_id,
            event.source,
            event.event_id,
            fact.issued,
            event.status.value,
            received,
            raw,
            hashlib.sha256(text).digest()[:16],
            text.decode(),
        )
        cursor = self._db.execute(
            "INSERT INTO facts (patient_id, source, event_id, issued, status, received, raw, "
            "version, event) VALUES (?,?,?,?,?,?,?,?,?) ON CONFLICT (version) DO NOTHING",
            row,
        )
        return cursor.rowcount == 1

    def add_to_document(self, document: str, kind: str, body: str) -> bool:
        """Keep what is known of a document: `fact` or `change`, as JSON.

        Returns:
            Whether it was new.
        """
        sql = "INSERT OR IGNORE INTO documents VALUES (?,?,?)"
        return self._db.execute(sql, (document, kind, body)).rowcount == 1

    def of_document(self, document: str, kind: str) -> list[str]:
        """What is known of a document, of one kind, as JSON."""
        sql = "SELECT body FROM documents WHERE document = ? AND kind = ?"
        return [str(body) for (body,) in self.query(sql, (document, kind))]

    def add_persons(self, persons: Iterable[tuple[str, str]]) -> None:
        """Keep under which patients identifiers were accepted: (identifier, patient)."""
        self._db.executemany("INSERT OR IGNORE INTO persons VALUES (?,?)", persons)

    def add_deadletter(self, letter: DeadLetter, received: int) -> None:
        """Add a dead letter, or count it once more."""
        place = "" if letter.raw_size else str(letter.where)
        self._db.execute(
            "INSERT INTO deadletters (id, place, reason, source, received, body) "
            "VALUES (?,?,?,?,?,?) "
            "ON CONFLICT (id, place) DO UPDATE SET times = times + 1, resolved = NULL",
            (letter.id, place, letter.reason, letter.source, received, letter.to_json().decode()),
        )

    def judge_anew(
        self, letters: Iterable[tuple[str, str]], refused: Iterable[DeadLetter], now: int
    ) -> None:
        """Close the letters of a record that was read again; what is still wrong stays open.

        Args:
            letters: their keys: id and place.
            refused: what is wrong with the record now, received when it first was.
            now: instant of the replay, microseconds UTC.
        """
        self._db.executemany(
            "UPDATE deadletters SET resolved = ? WHERE id = ? AND place = ? AND resolved IS NULL",
            [(now, *key) for key in letters],
        )
        self._db.executemany(
            "INSERT INTO deadletters (id, place, reason, source, received, body) "
            "VALUES (?,'',?,?,?,?) ON CONFLICT (id, place) DO UPDATE "
            "SET resolved = NULL, reason = excluded.reason, body = excluded.body",
            [
                (one.id, one.reason, one.source, instant(one.received_at), one.to_json().decode())
                for one in refused
            ],
        )

    def add_notices(self, source: str, notices: Collection[Notice], received: int) -> None:
        """Count what was odd."""
        if not notices:
            return
        self._db.executemany(
            "INSERT INTO notices (source, reason, detail, times, latest) VALUES (?,?,?,1,?) "
            "ON CONFLICT (source, reason, detail) "
            "DO UPDATE SET times = times + 1, latest = excluded.latest",
            [(source, notice.reason, notice.detail, received) for notice in notices],
        )

    def set_mark(self, mark: Mark) -> None:
        """Note how far a file was read; of several in a transaction the last is written."""
        self._marks[mark.name] = mark

    def _complete(self) -> None:
        rows = [(m.name, m.digest, m.stamp, m.records, m.finished) for m in self._marks.values()]
        self._db.executemany("INSERT OR REPLACE INTO marks VALUES (?,?,?,?,?)", rows)

    def marks(self) -> list[Mark]:
        """How far every file was read."""
        rows = self.query("SELECT name, digest, stamp, records, finished FROM marks")
        return [
            Mark(name, digest, stamp, records, bool(finished))
            for name, digest, stamp, records, finished in rows
        ]

    # -- what goes out

    def add_revision(self, revision: AlertRevision, trace: str | None = None) -> bool:
        """Add a revision of an alert to the outbox, with the `traceparent` of its judging.

        Returns:
            Whether it was new; the same revision with the same digest was published before.

        Raises:
            InvariantBroken: another content was published under this number.
        """
        told = self._db.execute(
            "SELECT digest FROM alerts WHERE alert_id = ? AND revision = ?",
            (revision.alert_id, revision.revision),
        ).fetchone()
        if told is not None:
            if told[0] != revision.digest:
                raise InvariantBroken(f"{revision.rule}: a revision was published differently")
            return False
        self._db.execute(
            "INSERT INTO alerts (alert_id, revision, digest, patient_id, rule, state, severity, "
            "body, trace) VALUES (?,?,?,?,?,?,?,?,?)",
            (
                revision.alert_id,
                revision.revision,
                revision.digest,
                revision.patient_id,
                revision.rule,
                revision.state,
                revision.severity,
                revision.to_json().decode(),
                trace,
            ),
        )
        return True

    def outbox(self, after: int, limit: int) -> list[tuple[int, str]]:
        """Revisions behind a sequence number, in their order: (sequence, JSON)."""
        return self.query(
            "SELECT sequence, body FROM alerts WHERE sequence > ? ORDER BY sequence LIMIT ?",
            (after, limit),
        )

    def delivered(self, subscriber: str) -> int:
        """The last sequence that a subscriber has taken."""
        rows = self.query("SELECT delivered FROM subscribers WHERE name = ?", (subscriber,))
        return int(rows[0][0]) if rows else 0

    def set_delivered(self, subscriber: str, sequence: int) -> None:
        """Note what a subscriber has taken."""
        self._db.execute("INSERT OR REPLACE INTO subscribers VALUES (?, ?)", (subscriber, sequence))

    # -- what was remembered

    def meta(self, key: str) -> str | None:
        """A remembered value."""
        rows = self.query("SELECT value FROM meta WHERE key = ?", (key,))
        return str(rows[0][0]) if rows else None

    def set_meta(self, key: str, value: str) -> None:
        """Remember a value."""
        self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    def charts(self) -> Iterator[Chart]:
        """All facts, merged to their winning versions, by patient; suspended ones left out."""
        rows = self.query(
            "SELECT patient_id, event, received FROM facts "
            "WHERE patient_id NOT IN (SELECT patient_id FROM suspended) ORDER BY patient_id, seq"
        )
        patient_id, timeline = None, Timeline()
        for one, text, received in rows:
            if one != patient_id:
                if patient_id is not None:
                    yield Chart(patient_id, list(timeline.versions()))
                patient_id, timeline = one, Timeline()
            event = decode_plain(text.encode()) or EVENT.validate_json(text)
            timeline.merge(Fact(event, received))
        if patient_id is not None:
            yield Chart(patient_id, list(timeline.versions()))

    def suspended(self) -> set[str]:
        """The patients who are kept from the engine."""
        return {row[0] for row in self.query("SELECT patient_id FROM suspended")}

    def suspend(self, patient_ids: Iterable[str], defect: str, since: int) -> None:
        """Keep patients from the engine. What was published of them stays as it is."""
        self._db.executemany(
            "INSERT OR IGNORE INTO suspended VALUES (?,?,?)",
            [(patient_id, defect, since) for patient_id in patient_ids],
        )

    def resume(self, patient_ids: Iterable[str]) -> None:
        """Keep these patients from the engine no longer."""
        self._db.executemany(
            "DELETE FROM suspended WHERE patient_id = ?", [(one,) for one in patient_ids]
        )

    def journals(self) -> dict[str, Iterable[dict[str, Any]]]:
        """What was published, by patient, as `Monitor.restore` takes it; as with `charts`."""
        journals: dict[str, list[dict[str, Any]]] = {}
        rows = self.query(
            "SELECT patient_id, journal FROM rule_states "
            "WHERE patient_id NOT IN (SELECT patient_id FROM suspended)"
        )
        for patient_id, text in rows:
            journals.setdefault(patient_id, []).append(json.loads(text))
        return dict(journals)

    def replace_rows(
        self, table: str, patient_id: str, rows: Rows, before: Rows | None = None
    ) -> int:
        """Make a patient's rows of a table these, writing only what differs.

        Args:
            table: one of ours, with `patient_id` as its first column.
            patient_id: whose rows.
            rows: the other columns, in their order.
            before: what is stored, if that is known; else it is looked up.

        Returns:
            How many rows were written or deleted.
        """
        if before is None:
            sql = f"SELECT * FROM {table} WHERE patient_id = ?"  # noqa: S608 - a name of ours
            before = {tuple(row[1:]) for row in self._db.execute(sql, (patient_id,))}
        delete, insert = _changes(table)
        gone, new = before - rows, rows - before
        if gone:
            self._db.executemany(delete, [(patient_id, *row) for row in gone])
        if new:
            self._db.executemany(insert, [(patient_id, *row) for row in new])
        return len(gone) + len(new)

    def set_journal(self, patient_id: str, journal: dict[str, Any]) -> None:
        """Note what was published by one rule. Those of rules that are gone stay as they are."""
        self._db.execute(
            "INSERT INTO rule_states VALUES (?,?,?,?) ON CONFLICT DO UPDATE "
            "SET journal = excluded.journal WHERE journal <> excluded.journal",
            (patient_id, journal["course"] or "", journal["rule"], json.dumps(journal)),
        )


@cache
def _changes(table: str) -> tuple[str, str]:
    """The statements that delete and insert a patient's row of a table."""
    columns = _COLUMNS[table]
    same = " AND ".join(f"{column} = ?" for column in columns)
    marks = ", ".join("?" * len(columns))
    return f"DELETE FROM {table} WHERE {same}", f"INSERT INTO {table} VALUES ({marks})"  # noqa: S608
