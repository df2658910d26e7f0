"""The raw journal: whatever was received, byte for byte, on the disk before anybody hears yes.

One SQLite file in WAL mode, `synchronous=FULL`: a transaction that was committed is on the disk.
Several messages that wait share one transaction, and so one wait for the disk
(docs/adr/0009-journal-before-acknowledgement.md has the figures).

Laws of this file:
- entries are only ever added; their numbers grow and are never used again;
- one process writes, any number read. Within the process each listener (MLLP, FHIR) has a writer
  of its own; SQLite lets one of them at a time begin a transaction.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import sqlite3
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

from schemas.deadletter import Reason
from services.ingest.archive import Format
from services.ingest.coding import Rejected
from services.ingest.observing import NOBODY, Observer
from services.ingest.writerlock import WriterLock, locked
from services.runtime.errors import OperatorError, SalvageError, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

FILE_NAME = "journal.sqlite"
LOCK_NAME = "journal.lock"
PATIENCE_SECONDS = 10.0
MOST_READ = 32 * 1024 * 1024
"""Bytes that a reader is given at a time, whatever number of entries it asks for."""

SCHEMA: Final = """
    CREATE TABLE entries (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        received INTEGER NOT NULL,       -- microseconds UTC
        connection TEXT NOT NULL,        -- the connection by which it came
        place INTEGER NOT NULL,          -- and the first byte's place in that stream
        source TEXT NOT NULL,            -- the sender, as it calls itself
        control TEXT NOT NULL,           -- MSH-10; '' where there is none
        hash BLOB NOT NULL,              -- SHA-256 of the bytes
        content BLOB NOT NULL,           -- the same without MSH-7: equal when sent again
        state TEXT NOT NULL,             -- what is to become of it, see `State`
        accepted INTEGER NOT NULL,       -- whether the sender was told that we have it
        refers INTEGER,                  -- the entry that it repeats, or whose MSH-10 it uses again
        reason TEXT, detail TEXT, part TEXT,  -- why it is refused whole
        bytes BLOB NOT NULL
    );
    CREATE INDEX entries_by_control ON entries (source, control, content)
        WHERE state = 'new' AND accepted;
    -- The next sequence number (MSH-13) of the senders that number their messages.
    CREATE TABLE numbers (source TEXT PRIMARY KEY, expected INTEGER NOT NULL);
    CREATE TABLE identity (id TEXT NOT NULL);  -- tells this journal from one that replaced it
"""
_SECOND: Final = """
    -- What the bytes are: HL7 v2, or FHIR. All that version 1 held was HL7 v2.
    ALTER TABLE entries ADD COLUMN form TEXT NOT NULL DEFAULT 'hl7';
"""
VERSION: Final = 2
_ACCEPTED = "SELECT seq FROM entries WHERE state = 'new' AND accepted AND source = ?"


class State(StrEnum):
    """What is to become of an entry."""

    NEW = "new"  # to be read for events
    REPEAT = "repeat"  # was received before: nothing
    REFUSED = "refused"  # a dead letter, whole
    IGNORED = "ignored"  # of a type that this site wants passed over
    DEFECT = "defect"  # our own code failed at it: kept for when that is put right


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing received. `seq` is its number in the journal, 0 before it has one.

    `control` names it at its sender: MSH-10 of HL7 v2. `form` is the format of the bytes. `caller`
    is the `traceparent` that its sender told, for who traces; it is not kept.
    """

    received: int
    connection: str
    place: int
    source: str
    raw: bytes
    state: State = State.NEW
    control: str = ""
    content: bytes = b""
    accepted: bool = False
    refers: int | None = None
    refused: Rejected | None = None
    seq: int = 0
    form: Format = Format.HL7
    caller: str | None = field(default=None, compare=False)


class Journal:
    """The writer. May move between threads; one uses it at a time."""

    def __init__(self, folder: Path, *, patience: float = PATIENCE_SECONDS) -> None:
        """Open the journal of a folder, or begin one.

        Args:
            folder: made if need be, for its owner alone.
            patience: seconds to wait for a file that another process has locked.

        Raises:
            OperatorError: another process writes this journal, or a newer version wrote it.
            Unavailable: it can't be opened.
        """
        self.path = folder / FILE_NAME
        self.observer: Observer = NOBODY
        self._noted: list[Entry] = []
        self._lock: WriterLock | None = None
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = locked(folder / LOCK_NAME)
            os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
            self._db = _connect(self.path, patience)
            _prepare(self._db)
            _sync_folder(folder)
        except (OSError, sqlite3.Error) as error:
            self._unlock()
            raise Unavailable(f"the journal cannot be opened: {type(error).__name__}") from error
        except SalvageError:
            self._unlock()
            raise

    def close(self) -> None:
        """Close the file; twice does no harm."""
        self._db.close()
        self._unlock()

    def _unlock(self) -> None:
        lock, self._lock = self._lock, None
        if lock is not None:
            lock.give_back()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; when it ends well, what was added is on the disk.

        Raises:
            Unavailable: the file could not be written; nothing was.
        """
        self._noted = []
        try:
            self._db.execute("BEGIN IMMEDIATE")
            yield
            started = perf_counter()
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            self._roll_back()
            raise Unavailable(f"the journal cannot be written: {type(error).__name__}") from error
        except BaseException:
            self._roll_back()
            raise
        self.observer.kept(self._noted, perf_counter() - started)

    def _roll_back(self) -> None:
        try:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
        except sqlite3.Error as error:
            raise Unavailable("the journal cannot be rolled back") from error

    def add(self, entry: Entry) -> int:
        """Add an entry, within a transaction.

        Returns:
            Its number.
        """
        why = entry.refused
        row = (
            *(entry.received, entry.connection, entry.place, entry.source, entry.control),
            *(hashlib.sha256(entry.raw).digest(), entry.content, entry.state.value),
            *(entry.accepted, entry.refers),
            *((why.reason.value, why.detail, why.part) if why else (None, None, None)),
            entry.raw,
            entry.form.value,
        )
        cursor = self._db.execute(
            "INSERT INTO entries (received, connection, place, source, control, hash, content, "
            "state, accepted, refers, reason, detail, part, bytes, form) "
            "VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
            row,
        )
        self._noted.append(entry)
        return int(cursor.lastrowid or 0)

    def same(self, source: str, control: str, content: bytes) -> int | None:
        """The accepted entry of a sender with this MSH-10 and this content."""
        return self._first(
            f"{_ACCEPTED} AND control = ? AND content = ?", (source, control, content)
        )

    def named_alike(self, source: str, control: str) -> int | None:
        """An accepted entry of a sender with this MSH-10, whatever its content."""
        return self._first(f"{_ACCEPTED} AND control = ?", (source, control))

    def _first(self, sql: str, values: tuple[object, ...]) -> int | None:
        row = self._db.execute(f"{sql} LIMIT 1", values).fetchone()
        return None if row is None else int(row[0])

    def expected(self, source: str) -> int | None:
        """The sequence number that a sender's next message ought to have."""
        return self._first("SELECT expected FROM numbers WHERE source = ?", (source,))

    def expect(self, source: str, number: int) -> None:
        """Note the sequence number that a sender's next message ought to have."""
        self._db.execute("INSERT OR REPLACE INTO numbers VALUES (?, ?)", (source, number))


class JournalReader:
    """Reads what was committed; never holds up the writer (WAL)."""

    def __init__(self, folder: Path) -> None:
        """Read the journal of a folder, which need not be there yet."""
        self._path = folder / FILE_NAME

    def identity(self) -> str | None:
        """What tells this journal from one that took its place; None while there is none."""
        if not self._path.exists():
            return None
        with self._reading() as db:
            (number,) = db.execute("PRAGMA user_version").fetchone()
            if number == 0:
                return None  # its writer is just making it
            return str(db.execute("SELECT id FROM identity").fetchone()[0])

    def last(self) -> int:
        """The number of the last entry; 0 if there is none."""
        with self._reading() as db:
            return int(db.execute("SELECT COALESCE(MAX(seq), 0) FROM entries").fetchone()[0])

    def behind(self, seq: int, limit: int) -> list[Entry]:
        """The entries behind a number, in their order, bytes and all; at least one if there are.

        Raises:
            Unavailable: the file cannot be read.
        """
        with self._reading() as db:
            (version,) = db.execute("PRAGMA user_version").fetchone()
            form = "form" if version >= VERSION else "'hl7'"  # its writer has not begun yet
            sql = (
                "SELECT received, connection, place, source, bytes, state, control, content,"  # noqa: S608
                f" accepted, refers, reason, detail, part, seq, {form} FROM entries"
                " WHERE seq > ? ORDER BY seq LIMIT ?"
            )
            return list(_fitting(map(_entry, db.execute(sql, (seq, limit)))))

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        uri = f"{self._path.absolute().as_uri()}?mode=rw"
        try:
            with closing(sqlite3.connect(uri, uri=True, timeout=PATIENCE_SECONDS)) as db:
                db.execute("PRAGMA query_only=ON")
                yield db
        except sqlite3.Error as error:
            raise Unavailable(f"the journal cannot be read: {type(error).__name__}") from error


def _fitting(entries: Iterable[Entry]) -> Iterator[Entry]:
    """So many of the first as may be held at a time."""
    size = 0
    for entry in entries:
        if size and size + len(entry.raw) > MOST_READ:
            return
        size += len(entry.raw)
        yield entry


def _entry(row: tuple[Any, ...]) -> Entry:
    received, connection, place, source, raw, state, control, content, accepted = row[:9]
    refers, reason, detail, part, seq, form = row[9:]
    return Entry(
        received=received,
        connection=connection,
        place=place,
        source=source,
        raw=raw,
        state=State(state),
        control=control,
        content=content,
        accepted=bool(accepted),
        refers=refers,
        refused=None if reason is None else Rejected(Reason(reason), detail, part),
        seq=seq,
        form=Format(form),
    )


def _connect(path: Path, patience: float) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None, timeout=patience, check_same_thread=False)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=FULL")
    return db


def _prepare(db: sqlite3.Connection) -> None:
    """Make the tables of a new file.

    Raises:
        OperatorError: the file was written by a newer version of this software.
    """
    (number,) = db.execute("PRAGMA user_version").fetchone()
    if number > VERSION:
        raise OperatorError("--data: the journal was written by a newer version of salvage-watch")
    if number < VERSION:
        db.executescript(f"BEGIN IMMEDIATE;{_steps(number)}PRAGMA user_version={VERSION};COMMIT;")


def _steps(number: int) -> str:
    """What is to be done to a file of a version, 0 if it is new."""
    if number:
        return _SECOND
    name = secrets.token_hex(16)
    return f"{SCHEMA}INSERT INTO identity VALUES ('{name}');{_SECOND}"  # noqa: S608 - hex digits


def _sync_folder(folder: Path) -> None:
    """A new file's name must survive a power cut too."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
