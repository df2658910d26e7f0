"""Files of ours at one moment, while others write them: copied, looked through, judged anew."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from services.embedded.readonly import reading
from services.embedded.runtime import Runtime, fingerprint
from services.embedded.store import FILE_NAME, Store
from services.runtime.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from schemas.alerts import AlertRevision
    from services.detector.engine.rule import CompiledRule
    from services.runtime.clock import Clock


def copied(source: Path, target: Path) -> None:
    """Copy a file by SQLite's online backup. The copy has no write-ahead log beside it.

    Args:
        source: ours; whoever writes it may go on.
        target: made, for its owner alone.

    Raises:
        Unavailable: one of them can't be read or written.
    """
    try:
        with reading(source) as db, closing(sqlite3.connect(target)) as copy:
            target.chmod(0o600)
            db.execute("ROLLBACK")  # the backup has a transaction of its own
            db.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")
    except (OSError, sqlite3.Error) as error:
        raise Unavailable(f"{source.name} cannot be copied: {type(error).__name__}") from error


def damage(db: sqlite3.Connection) -> str | None:
    """What SQLite finds wrong with a file, without its content; None if nothing."""
    told = [str(row[0]) for row in db.execute("PRAGMA integrity_check(10)")]
    if told != ["ok"]:
        return f"SQLite finds {len(told)} faults or more"
    strays = len(db.execute("PRAGMA foreign_key_check").fetchall())
    return f"{strays} rows refer to rows that are not there" if strays else None


def judged_anew(
    folder: Path, rules: Sequence[CompiledRule], clock: Clock
) -> tuple[bool, list[AlertRevision]]:
    """Judge the stored facts by rules, on a copy, without touching what is stored.

    Returns:
        Whether the store was judged by the same rules, and the revisions that it lacks.

    Raises:
        Unavailable: the store can't be read, or there is no room for a copy.
    """
    # Patients' data stays in the folder that is kept for it.
    with TemporaryDirectory(prefix="judging-", dir=folder) as scratch:
        copy = Path(scratch) / FILE_NAME
        copied(folder / FILE_NAME, copy)
        store = Store(copy, durable=False)
        try:
            same = store.meta("rules") == fingerprint(rules)
            return same, Runtime(store, rules, clock).start().revisions
        finally:
            store.close()
