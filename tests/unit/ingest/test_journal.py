"""The raw journal: what was committed stays, in order, for whoever reads it later."""

from __future__ import annotations

import hashlib
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from schemas.deadletter import Reason
from services.ingest.archive import Format
from services.ingest.coding import Rejected
from services.ingest.journal import (
    FILE_NAME,
    SCHEMA,
    VERSION,
    Entry,
    Journal,
    JournalReader,
    State,
)
from services.runtime.errors import OperatorError, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[3]
ENTRY = Entry(
    received=1_700_000_000_000_000,
    connection="1 127.0.0.1:4000",
    place=17,
    source="HOSP/LAB",
    raw=b"MSH|\xff\x00",
    control="M1",
    content=b"c1",
    accepted=True,
)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    made = Journal(tmp_path, patience=0.05)
    yield made
    made.close()


def add(journal: Journal, *entries: Entry) -> list[int]:
    with journal.transaction():
        return [journal.add(entry) for entry in entries]


def test_what_was_written_is_read_back(journal: Journal, tmp_path: Path) -> None:
    refused = replace(
        ENTRY,
        state=State.REFUSED,
        accepted=False,
        refused=Rejected(Reason.MALFORMED_HL7, "why", "MSH-2"),
    )
    assert add(journal, ENTRY, refused) == [1, 2]
    reader = JournalReader(tmp_path)
    assert reader.behind(0, 10) == [replace(ENTRY, seq=1), replace(refused, seq=2)]
    assert reader.behind(1, 10) == [replace(refused, seq=2)]
    assert reader.behind(0, 1) == [replace(ENTRY, seq=1)]
    assert reader.last() == 2


def test_the_digest_is_of_the_bytes(journal: Journal, tmp_path: Path) -> None:
    add(journal, ENTRY)
    with sqlite3.connect(tmp_path / FILE_NAME) as db:
        ((digest,),) = db.execute("SELECT hash FROM entries").fetchall()
    db.close()
    assert digest == hashlib.sha256(ENTRY.raw).digest()


def test_a_transaction_that_fails_leaves_nothing(journal: Journal, tmp_path: Path) -> None:
    def half() -> None:
        with journal.transaction():
            journal.add(ENTRY)
            raise KeyError("ours")

    with pytest.raises(KeyError):
        half()
    assert JournalReader(tmp_path).last() == 0
    assert add(journal, ENTRY) == [1]


def test_every_commit_waits_for_the_disk(journal: Journal) -> None:
    (mode,) = journal._db.execute("PRAGMA journal_mode").fetchone()  # noqa: SLF001
    (level,) = journal._db.execute("PRAGMA synchronous").fetchone()  # noqa: SLF001
    assert (mode, level) == ("wal", 2)


def test_only_what_was_accepted_counts_as_received(journal: Journal) -> None:
    add(
        journal,
        replace(ENTRY, accepted=False, content=b"c0"),
        ENTRY,
        replace(ENTRY, state=State.REPEAT, refers=2),
        replace(ENTRY, content=b"c2"),
        replace(ENTRY, source="HOSP/OTHER"),
    )
    assert journal.same("HOSP/LAB", "M1", b"c1") == 2
    assert journal.same("HOSP/LAB", "M1", b"c2") == 4
    assert journal.same("HOSP/LAB", "M1", b"c0") is None
    assert journal.named_alike("HOSP/LAB", "M1") in {2, 4}
    assert journal.named_alike("HOSP/LAB", "M2") is None


def test_the_next_process_goes_on_where_this_one_ended(journal: Journal, tmp_path: Path) -> None:
    add(journal, ENTRY)
    with journal.transaction():
        journal.expect("HOSP/LAB", 8)
    name = JournalReader(tmp_path).identity()
    journal.close()
    again = Journal(tmp_path)
    assert again.same("HOSP/LAB", "M1", b"c1") == 1
    assert (again.expected("HOSP/LAB"), again.expected("X")) == (8, None)
    assert add(again, ENTRY) == [2]
    assert JournalReader(tmp_path).identity() == name
    again.close()


def test_two_journals_are_told_apart(journal: Journal, tmp_path: Path) -> None:
    other = Journal(tmp_path / "other")
    other.close()
    first, second = JournalReader(tmp_path).identity(), JournalReader(tmp_path / "other").identity()
    assert None not in (first, second)
    assert first != second
    assert JournalReader(tmp_path / "nowhere").identity() is None
    journal.close()


@pytest.mark.usefixtures("journal")
def test_two_processes_cannot_receive_into_one(tmp_path: Path) -> None:
    code = "import pathlib, sys; from services.ingest import journal;"
    code += "journal.Journal(pathlib.Path(sys.argv[1]))"
    command = [sys.executable, "-c", code, str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert "another process" in done.stderr


def test_two_listeners_of_one_process_can(journal: Journal, tmp_path: Path) -> None:
    """HL7 v2 and FHIR, each from its own thread; what they add has one order."""
    other = Journal(tmp_path)
    for at, writer in enumerate((journal, other, journal)):
        with writer.transaction():
            form = Format.FHIR if writer is other else Format.HL7
            writer.add(replace(ENTRY, raw=b"%d" % at, form=form))
    other.close()
    found = JournalReader(tmp_path).behind(0, 9)
    assert [one.raw for one in found] == [b"0", b"1", b"2"]
    assert [one.form for one in found] == [Format.HL7, Format.FHIR, Format.HL7]


def test_a_journal_of_the_first_version_is_taken_over(tmp_path: Path) -> None:
    """It held HL7 v2 only. Until its writer begins it is read as it is."""
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as db:
        db.executescript(SCHEMA)
        db.executescript("INSERT INTO identity VALUES ('old'); PRAGMA user_version=1;")
        values = "1, 'c', 0, 'LAB', '', x'', x'', 'new', 1, x'4d'"
        names = (
            "received, connection, place, source, control, hash, content, state, accepted, bytes"
        )
        db.execute(f"INSERT INTO entries ({names}) VALUES ({values})")  # noqa: S608 - ours
        db.commit()
    reader = JournalReader(tmp_path)
    before = reader.behind(0, 9)
    Journal(tmp_path).close()
    assert reader.behind(0, 9) == before
    assert [one.form for one in before] == [Format.HL7]
    assert reader.identity() == "old"


def test_a_journal_that_cannot_be_written_says_so(journal: Journal, tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(Unavailable):
        add(journal, ENTRY)
    other.execute("ROLLBACK")
    other.close()
    assert add(journal, ENTRY) == [1]


def test_a_full_disk_says_so_and_loses_nothing(journal: Journal, tmp_path: Path) -> None:
    add(journal, ENTRY)
    journal._db.execute("PRAGMA max_page_count=1")  # noqa: SLF001 - SQLite's own way to be full
    with pytest.raises(Unavailable):
        add(journal, replace(ENTRY, raw=b"x" * 1_000_000))
    assert JournalReader(tmp_path).behind(0, 10) == [replace(ENTRY, seq=1)]


def test_a_journal_of_a_newer_version_is_left_alone(journal: Journal, tmp_path: Path) -> None:
    journal.close()
    with sqlite3.connect(tmp_path / FILE_NAME) as db:
        db.execute(f"PRAGMA user_version={VERSION + 1}")
    db.close()
    with pytest.raises(OperatorError, match="newer version"):
        Journal(tmp_path)


def test_the_file_is_for_its_owner_alone(journal: Journal, tmp_path: Path) -> None:
    add(journal, ENTRY)
    assert (tmp_path / FILE_NAME).stat().st_mode & 0o077 == 0


def test_a_reader_is_given_no_more_than_it_can_hold(
    journal: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.ingest.journal.MOST_READ", 10)
    add(journal, *(replace(ENTRY, raw=b"x" * size) for size in (4, 6, 1, 50, 2)))
    reader, sizes, seq = JournalReader(tmp_path), [], 0
    while found := reader.behind(seq, 100):
        sizes.append([len(one.raw) for one in found])
        seq = found[-1].seq
    assert sizes == [[4, 6], [1], [50], [2]], "an entry larger than that comes alone"
