"""A backup taken while messages come is put back, goes on, and says what was said."""

from __future__ import annotations

import json
import shutil
import threading
from typing import TYPE_CHECKING

import pytest
from support.console import salvage
from support.datafolder import changed, judged, kept, published, received
from support.mllp import entries

from services.commands.checkup.finding import State
from services.commands.checkup.parts import of_backup
from services.embedded.backup import MANIFEST, back_up, restore
from services.embedded.database import Database
from services.embedded.store import FILE_NAME as STORE
from services.ingest.journal import FILE_NAME as JOURNAL
from services.runtime.clock import ManualClock, SystemClock

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder; not to be changed."""
    return kept(tmp_path_factory.mktemp("backup") / "data", "1200", "800", "90000", "5000")


@pytest.fixture(scope="session")
def backup(whole: Path) -> Path:
    """Its backup; not to be changed."""
    target = whole.parent / "backups" / "one"
    back_up(whole, target, SystemClock())
    return target


def test_the_rehearsal(whole: Path, backup: Path, tmp_path: Path) -> None:
    """A disk is lost: the backup goes on where it ended, and senders send what it lacks."""
    before = tmp_path / "before"
    shutil.copytree(whole, before)
    received(before, "7000", first=5)
    judged(before)

    after = tmp_path / "after"
    ran = salvage("restore", backup, "--data", after, "--json")
    assert ran.code == 0, ran.err
    assert json.loads(ran.out)["files"].keys() == {STORE, JOURNAL}
    assert published(after) == published(whole)
    received(after, "7000", first=5)  # what the backup doesn't have is sent again
    judged(after)
    assert said(after) == said(before)
    assert len(published(after)) == 4


def test_the_store_is_lost_and_rebuilt_from_the_journal(backup: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    restore(backup, data)
    expected = said(data)
    (data / STORE).unlink()
    judged(data)
    assert len(expected) == 3
    assert said(data) == expected
    (data / STORE).unlink()
    changed(data / JOURNAL, "DELETE FROM entries WHERE seq = 1")
    judged(data)
    assert said(data) != expected  # or the comparison would be none


def said(folder: Path) -> list[tuple[object, ...]]:
    """What alerts say, but for when it was said."""
    return [
        (one.alert_id, one.revision, one.state, one.severity, one.onset, one.summary, one.evidence)
        for one in published(folder)
    ]


def test_a_backup_is_of_one_moment_while_others_write(whole: Path, tmp_path: Path) -> None:
    data, begun, stop = tmp_path / "data", threading.Event(), threading.Event()
    shutil.copytree(whole, data)
    busy = Database(data / STORE, durable=False)

    def write() -> None:
        """Two rows at a time: half of a pair would show."""
        number = 0
        while not stop.is_set():
            number += 1
            with busy.transaction():
                for table in ("meta", "subscribers"):
                    busy.query(f"INSERT OR REPLACE INTO {table} VALUES ('n', ?)", (number,))  # noqa: S608
            begun.set()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        begun.wait()
        for number in range(3):
            back_up(data, tmp_path / f"b{number}", SystemClock())
    finally:
        stop.set()
        writer.join()
        busy.close()
    for number in range(3):
        copy = Database(tmp_path / f"b{number}" / STORE)
        ((one,),) = copy.query("SELECT value FROM meta WHERE key = 'n'")
        ((other,),) = copy.query("SELECT delivered FROM subscribers WHERE name = 'n'")
        copy.close()
        assert int(one) == other


def test_what_is_received_meanwhile_is_in_the_journal_or_not_in_the_marks(
    whole: Path, tmp_path: Path
) -> None:
    """The store is copied before the journal: a copy never speaks of what it hasn't."""
    data = tmp_path / "data"
    shutil.copytree(whole, data)
    sender = threading.Thread(target=received, args=(data, *["2000"] * 20), kwargs={"first": 5})
    sender.start()
    back_up(data, tmp_path / "backup", SystemClock())
    sender.join()
    restored = tmp_path / "restored"
    restore(tmp_path / "backup", restored)
    judged(restored)
    assert len(published(restored)) == 3 + len(entries(restored)) - 4


def test_it_is_for_its_owner_alone(backup: Path, tmp_path: Path) -> None:
    restore(backup, tmp_path / "data")
    for folder in (backup, tmp_path / "data"):
        assert folder.stat().st_mode & 0o077 == 0
        assert not [path for path in folder.iterdir() if path.stat().st_mode & 0o077]


def bit_rot(backup: Path) -> None:
    path = backup / STORE
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def lost_file(backup: Path) -> None:
    (backup / JOURNAL).unlink()


def lost_line(backup: Path) -> None:
    told = json.loads((backup / MANIFEST).read_text())
    told["files"].pop()
    (backup / MANIFEST).write_text(json.dumps(told))


def no_list(backup: Path) -> None:
    (backup / MANIFEST).unlink()


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        (bit_rot, "salvage.sqlite: not what was backed up"),
        (lost_file, "journal.sqlite: missing in the backup"),
        (lost_line, "MANIFEST.json: of another release, or changed"),
        (no_list, "MANIFEST.json: not the list of a backup of ours"),
    ],
)
def test_a_backup_that_is_not_whole_is_refused(
    backup: Path, tmp_path: Path, harm: Callable[[Path], None], told: str
) -> None:
    mine = shutil.copytree(backup, tmp_path / "mine")
    assert salvage("restore", mine, "--check").code == 0
    harm(mine)
    for words in (["--check"], ["--data", tmp_path / "data"]):
        ran = salvage("restore", mine, *words)
        assert (ran.code, ran.err) == (2, f"salvage restore: {told}\n")
    assert not (tmp_path / "data").exists()


def test_the_doctor_looks_it_through(backup: Path, tmp_path: Path) -> None:
    def told(folder: Path, hours: int) -> tuple[State, str]:
        clock = ManualClock(SystemClock().now() + hours * 3_600_000_000)
        (found,) = of_backup(folder, clock)
        return found.state, found.told

    assert told(backup, 0)[0] is State.WELL
    lost = "whole; what came within the last 30 hours is not in it"
    assert told(backup, 30) == (State.WARNING, lost)
    mine = shutil.copytree(backup, tmp_path / "mine")
    bit_rot(mine)
    assert told(mine, 0) == (State.WRONG, "salvage.sqlite: not what was backed up")


def test_nothing_is_overwritten(whole: Path, backup: Path, tmp_path: Path) -> None:
    refused: list[list[str | Path]] = [
        ["restore", backup, "--data", whole],
        ["restore", backup, "--data", whole / STORE],
        ["backup", "--data", whole, "--to", backup],
        ["backup", "--data", tmp_path, "--to", tmp_path / "b"],
    ]
    for words in refused:
        assert salvage(*words).code == 2
    assert [path.name for path in tmp_path.iterdir()] == []
    (tmp_path / "empty").mkdir()
    assert salvage("restore", backup, "--data", tmp_path / "empty").code == 0


def test_a_damaged_store_is_not_backed_up(whole: Path, tmp_path: Path) -> None:
    data = shutil.copytree(whole, tmp_path / "data")
    changed(data / STORE, "PRAGMA foreign_keys=OFF", "DELETE FROM raw WHERE id = 1")
    ran = salvage("backup", "--data", data, "--to", tmp_path / "b")
    assert (ran.code, "1 rows refer to rows" in ran.err) == (1, True)
    assert not (tmp_path / "b").exists()
