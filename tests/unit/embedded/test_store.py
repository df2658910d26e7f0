"""The file: for its owner alone, for one process at a time, never for an older version."""

from __future__ import annotations

import sqlite3
import stat
from typing import TYPE_CHECKING, Any

import pytest

from services.embedded.folder import owned
from services.embedded.schema import STEPS
from services.embedded.store import Store
from services.runtime.errors import InvariantBroken, OperatorError, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from services.embedded.delivery import Delivery


def test_only_the_owner_may_read_it(tmp_path: Path) -> None:
    with owned(tmp_path / "data") as path:
        Store(path).close()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_two_processes_can_not_use_it_at_once(tmp_path: Path) -> None:
    with owned(tmp_path), pytest.raises(OperatorError, match="another process"), owned(tmp_path):
        pass
    with owned(tmp_path) as path:
        assert path.parent == tmp_path


def test_a_folder_that_can_not_be_made_is_the_operators_business(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OperatorError, match="--data"), owned(tmp_path / "file" / "data"):
        pass


def test_commits_wait_for_the_disk_unless_told_not_to(tmp_path: Path) -> None:
    for durable, level in ((True, 2), (False, 1)):  # SQLite's numbers for FULL and NORMAL
        store = Store(tmp_path / "s.sqlite", durable=durable)
        assert store._db.execute("PRAGMA synchronous").fetchone() == (level,)  # noqa: SLF001
        assert store._db.execute("PRAGMA journal_mode").fetchone() == ("wal",)  # noqa: SLF001
        store.close()


def test_a_newer_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    Store(path).close()
    with sqlite3.connect(path) as db:
        db.execute(f"PRAGMA user_version={len(STEPS) + 1}")
    with pytest.raises(OperatorError, match="newer version"):
        Store(path)


def test_something_else_than_a_store_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    path.write_bytes(b"something else entirely" * 100)
    with pytest.raises(Unavailable):
        Store(path)
    assert path.read_bytes() == b"something else entirely" * 100


def test_a_revision_can_not_be_published_differently(
    open_ward: Callable[..., Any], script: list[Delivery]
) -> None:
    ward = open_ward()
    ward.runtime.take(script)
    revision = ward.told[0]
    with ward.store.transaction():
        assert not ward.store.add_revision(revision)
    other = revision.model_copy(update={"digest": "another"})
    with pytest.raises(InvariantBroken), ward.store.transaction():
        ward.store.add_revision(other)
    assert ward.book.latest_sequence() == len(ward.told)


def test_the_bytes_of_every_record_are_kept(
    open_ward: Callable[..., Any], script: list[Delivery]
) -> None:
    ward = open_ward()
    ward.runtime.take(script)
    sent = {arrival.record.raw for delivery in script for arrival in delivery.arrivals}
    with sqlite3.connect(ward.store.path) as db:
        kept = {bytes(row[0]) for row in db.execute("SELECT bytes FROM raw")}
        orphans = db.execute(
            "SELECT COUNT(*) FROM facts WHERE raw NOT IN (SELECT id FROM raw)"
        ).fetchone()
    assert kept == sent
    assert orphans == (0,)
