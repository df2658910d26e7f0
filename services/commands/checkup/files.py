"""The SQLite files of a data folder, each by itself: whole, and of which version."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from services.commands.checkup.finding import Finding, warning, well, wrong
from services.commands.checkup.folder import FILES
from services.embedded.copies import damage
from services.embedded.readonly import reading
from services.embedded.schema import STEPS
from services.embedded.store import FILE_NAME as STORE
from services.ingest.journal import FILE_NAME as JOURNAL
from services.ingest.journal import VERSION

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator
    from pathlib import Path

VERSIONS: Final = {STORE: len(STEPS), JOURNAL: VERSION}
"""Of each file that has one: the version that this software writes."""
RESTORE: Final = "restore the last backup beside it (docs/operations.md), and keep this file"


def integrity(folder: Path) -> Iterator[Finding]:
    """Whether SQLite finds each file whole."""
    there = [name for name in FILES if (folder / name).exists()]
    if STORE not in there and JOURNAL not in there:
        do = "is --data the right folder? `salvage run` makes the files when it starts"
        yield wrong("integrity", "there is neither a store nor a journal", do)
        return
    for name in there:
        with reading(folder / name) as db:
            found = damage(db)
        if found:
            yield wrong("integrity", f"{name}: {found}", RESTORE)
        else:
            yield well("integrity", f"{name} is whole")


def version_of(db: sqlite3.Connection) -> int:
    """The version of a file's tables."""
    (number,) = db.execute("PRAGMA user_version").fetchone()
    return int(number)


def versions(folder: Path) -> Iterator[Finding]:
    """Whether this software knows the files' tables."""
    for name, ours in VERSIONS.items():
        if not (folder / name).exists():
            continue
        with reading(folder / name) as db:
            found = version_of(db)
        told = f"{name}: version {found} of the tables, ours is {ours}"
        if found > ours:
            do = "run the release that wrote it, or a later one; there is no way back"
            yield wrong("schema", told, do)
        elif found < ours:
            yield warning("schema", told, "back up, then start: the next start brings it up to it")
        else:
            yield well("schema", told)


def current(folder: Path) -> bool:
    """Whether the store is of our version, so that it can be asked more.

    Raises:
        Unavailable: it can't be read.
    """
    if not (folder / STORE).exists():
        return False
    with reading(folder / STORE) as db:
        return version_of(db) == VERSIONS[STORE]
