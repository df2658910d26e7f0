"""What was read again waits here until the runtime takes it.

`salvage deadletters replay` writes it, `salvage run` reads it. It is a file of its own, since the
store has one writer. It holds what the dry run showed, so that nothing else is done; how far it
was taken is stored with the facts, so that each entry is taken once.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import sqlite3
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from schemas.deadletter import Reason, Where
from schemas.events import EVENT
from services.embedded.delivery import Delivery
from services.embedded.feed import BATCH
from services.embedded.papers import change_from_json, change_to_json
from services.embedded.reading import Reading, Reread
from services.embedded.readonly import reading
from services.ingest.archive import Format, Record
from services.ingest.coding import Rejected
from services.ingest.sources.files import Mark
from services.runtime.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from services.embedded.store import Store
    from services.runtime.clock import Clock

FILE_NAME: Final = "replays.sqlite"
LOCK_NAME: Final = "replays.lock"
MARK: Final = "/replays"
"""Under this name the place is stored among the files' marks; no file can have it."""
_SCHEMA: Final = """
    CREATE TABLE IF NOT EXISTS replays (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        source TEXT NOT NULL, form TEXT NOT NULL, place TEXT NOT NULL,  -- of the record, JSON
        received INTEGER NOT NULL,       -- its first receipt, microseconds UTC
        bytes BLOB NOT NULL,
        letters TEXT NOT NULL,           -- the keys of its dead letters, JSON
        events TEXT NOT NULL,            -- what comes of it now, JSON
        rejected TEXT NOT NULL           -- and what is wrong with it now, JSON
    );
    CREATE TABLE IF NOT EXISTS papers (  -- of entries of which more is to be known
        seq INTEGER PRIMARY KEY,
        body TEXT NOT NULL               -- the events' document, changes, persons, JSON
    );
    CREATE TABLE IF NOT EXISTS identity (id TEXT NOT NULL);
"""


class Waiting(NamedTuple):
    """An entry: its number, and what waits."""

    seq: int
    record: Reread


def append(folder: Path, records: Iterable[Reread]) -> int:
    """Add what is to be taken, all in one transaction, on the disk.

    Returns:
        The number of the last one.

    Raises:
        Unavailable: nothing was added.
    """
    path = folder / FILE_NAME
    try:
        with _alone(folder):
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
            db = sqlite3.connect(path, isolation_level=None)
            try:
                return _add(db, records)
            finally:
                db.close()
    except (OSError, sqlite3.Error) as error:
        raise Unavailable(f"replays cannot be written: {type(error).__name__}") from error


def _add(db: sqlite3.Connection, records: Iterable[Reread]) -> int:
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=FULL")
    db.executescript(_SCHEMA)
    db.execute("BEGIN IMMEDIATE")
    if db.execute("SELECT COUNT(*) FROM identity").fetchone() == (0,):
        db.execute("INSERT INTO identity VALUES (?)", (secrets.token_hex(16),))
    for one in records:
        cursor = db.execute(
            "INSERT INTO replays (source, form, place, received, bytes, letters, events, rejected) "
            "VALUES (?,?,?,?,?,?,?,?)",
            _row(one),
        )
        if one.reading.document is not None or one.reading.persons:
            db.execute("INSERT INTO papers VALUES (?,?)", (cursor.lastrowid, _paper(one.reading)))
    (last,) = db.execute("SELECT COALESCE(MAX(seq), 0) FROM replays").fetchone()
    db.execute("COMMIT")
    return int(last)


def behind(folder: Path, seq: int, limit: int) -> list[Waiting]:
    """The entries behind a number, in their order.

    Raises:
        Unavailable: the file cannot be read.
    """
    with reading(folder / FILE_NAME) as db:
        sql = (
            "SELECT seq, source, form, place, received, bytes, letters, events, rejected "
            "FROM replays WHERE seq > ? ORDER BY seq LIMIT ?"
        )
        found = [_waiting(row) for row in db.execute(sql, (seq, limit))]
        papers = _papers(db, seq)
    return [_with_paper(one, papers.get(one.seq)) for one in found]


def _papers(db: sqlite3.Connection, seq: int) -> dict[int, str]:
    """What is said of documents behind a number; nothing in a file that never heard of them."""
    tables = db.execute("SELECT COUNT(*) FROM sqlite_master WHERE name = 'papers'").fetchone()
    if tables == (0,):
        return {}
    return dict(db.execute("SELECT seq, body FROM papers WHERE seq > ?", (seq,)).fetchall())


def _with_paper(one: Waiting, body: str | None) -> Waiting:
    if body is None:
        return one
    document, changes, persons = json.loads(body)
    said = tuple(map(change_from_json, changes))
    told = replace(one.record.reading, document=document, changes=said)
    reading = replace(told, persons=tuple(map(tuple, persons)))
    return Waiting(one.seq, replace(one.record, reading=reading))


def _paper(reading: Reading) -> str:
    changes = list(map(change_to_json, reading.changes))
    return json.dumps([reading.document, changes, reading.persons])


def identity(folder: Path) -> str | None:
    """What tells this file from one that took its place; None while there is none.

    Raises:
        Unavailable: the file cannot be read.
    """
    if not (folder / FILE_NAME).exists():
        return None
    with reading(folder / FILE_NAME) as db:
        tables = db.execute("SELECT COUNT(*) FROM sqlite_master WHERE name = 'identity'").fetchone()
        found = db.execute("SELECT id FROM identity").fetchone() if tables != (0,) else None
    return None if found is None else str(found[0])


class ReplayFeed:
    """Gives what waits to the runtime.

    catching_up: what was there when we began is not all read yet, see `FolderFeed`.
    """

    def __init__(self, folder: Path, store: Store, clock: Clock) -> None:
        """Read the file in a folder, which need not be there yet."""
        self._folder = folder
        self._store = store
        self._clock = clock
        self.reset()

    def reset(self) -> None:
        """Go back to what was stored: what was given out since will be given out again."""
        self.catching_up = True
        self._name, self._seq = "", 0
        for mark in self._store.marks():
            if mark.name == MARK:
                self._name, self._seq = mark.digest, mark.records

    def batches(self, size: int = BATCH) -> Iterator[list[Delivery]]:
        """What is new. A batch counts as taken when the next one is asked for.

        Raises:
            Unavailable: the file cannot be read.
        """
        name = identity(self._folder)
        if name is not None and name != self._name:
            self._name, self._seq = name, 0
        while name is not None and (found := behind(self._folder, self._seq, size)):
            yield [self._delivery(one) for one in found]
            self._seq = found[-1].seq
        self.catching_up = False

    def _delivery(self, one: Waiting) -> Delivery:
        """What waited while nobody read counts as known when it was issued."""
        mark = Mark(MARK, self._name, "", one.seq)
        arrival = _marked(one.record, mark)
        return Delivery(self._clock.now(), (arrival,), waited=self.catching_up)


def _marked(record: Reread, mark: Mark) -> Reread:
    return replace(record, mark=mark)


def _row(one: Reread) -> tuple[Any, ...]:
    rejected = [[why.reason, why.detail, why.part] for why in one.reading.rejected]
    return (
        *(one.source, one.form.value, one.record.where.model_dump_json(exclude_none=True)),
        *(one.received, one.record.raw, json.dumps(one.letters)),
        json.dumps([event.to_json().decode() for event in one.reading.events]),
        json.dumps(rejected),
    )


def _waiting(row: tuple[Any, ...]) -> Waiting:
    seq, source, form, place, received, raw, letters, events, rejected = row
    found = Reading(
        tuple(EVENT.validate_json(text) for text in json.loads(events)),
        tuple(Rejected(Reason(why), detail, part) for why, detail, part in json.loads(rejected)),
    )
    record = Record(Where.model_validate_json(place), raw)
    keys = tuple((str(number), str(where)) for number, where in json.loads(letters))
    return Waiting(seq, Reread(source, Format(form), record, None, found, received, keys))


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One writer at a time; another one waits."""
    lock = os.open(folder / LOCK_NAME, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)
