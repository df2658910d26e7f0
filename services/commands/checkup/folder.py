"""The data folder of `salvage run` and `salvage ingest` as the system sees it: access and space."""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
from typing import TYPE_CHECKING, Final

from services.commands.checkup.finding import Finding, warning, well, wrong
from services.embedded.folder import LOCK_NAME, NOTIFIER
from services.embedded.replays import FILE_NAME as REPLAYS
from services.embedded.store import FILE_NAME as STORE
from services.ingest.journal import FILE_NAME as JOURNAL
from services.ingest.journal import LOCK_NAME as RECEIVING
from services.runtime.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FILES: Final = (STORE, JOURNAL, REPLAYS, NOTIFIER)
LEAST_SHARE: Final = 5
"""Per cent of the disk that should be free, as in SalvageJournalDiskFilling (CHOICE)."""
MOST_LOG: Final = 256 * 1024 * 1024
"""Bytes of a write-ahead log that nobody should need; a reader that hangs keeps it growing."""


def access(folder: Path) -> Iterator[Finding]:
    """Whether anybody but its owner can read patients' data there."""
    try:
        open_to_others = [path.name for path in _ours(folder) if path.stat().st_mode & 0o077]
    except OSError as error:
        raise Unavailable(f"the folder cannot be read: {error.strerror}") from error
    if stat.S_IMODE(folder.stat().st_mode) & 0o077:
        yield wrong("access", "others may enter the folder", f"chmod 700 {folder}")
    elif open_to_others:
        told = f"others may use {', '.join(open_to_others)}"
        yield warning("access", told, "chmod 600 these files; the folder keeps others out so far")
    else:
        yield well("access", "for its owner alone")


def _ours(folder: Path) -> list[Path]:
    return [path for name in FILES if (path := folder / name).exists()]


def space(folder: Path) -> Iterator[Finding]:
    """Whether there is room on the disk."""
    disk = shutil.disk_usage(folder)
    share = 100 * disk.free // disk.total
    told = f"{share} % of the disk is free, {disk.free // 2**20} MiB"
    if share < LEAST_SHARE:
        yield wrong("space", told, "see docs/runbooks/SalvageJournalDiskFilling.md")
    else:
        yield well("space", told)


def logs(folder: Path) -> Iterator[Finding]:
    """Whether the write-ahead logs are folded back into their files."""
    sizes = {path.name: _log_of(path) for path in _ours(folder)}
    large = [name for name, size in sizes.items() if size > MOST_LOG]
    if large:
        told = f"the write-ahead log of {', '.join(large)} is never folded back"
        do = "a process reads it and never ends: look who has the file open, and end that"
        yield warning("wal", told, do)
    else:
        yield well("wal", f"{sum(sizes.values()) // 1024} KiB of write-ahead log")


def _log_of(path: Path) -> int:
    log = path.with_name(f"{path.name}-wal")
    return log.stat().st_size if log.exists() else 0


def at_work(folder: Path) -> bool:
    """Whether a `salvage run` has the folder.

    Raises:
        Unavailable: it can't be told.
    """
    return _held(folder / LOCK_NAME)


def _held(path: Path) -> bool:
    """Whether a process has a lock."""
    if not path.exists():
        return False
    try:
        handle = os.open(path, os.O_RDWR)
    except OSError as error:
        raise Unavailable(f"{path.name} cannot be opened") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def process(folder: Path) -> Iterator[Finding]:
    """Whether anybody judges what comes; where there is no store, whether anybody receives."""
    if not (folder / STORE).exists():
        if _held(folder / RECEIVING):
            yield well("process", "salvage ingest is at work")
        else:
            yield warning("process", "nobody receives here", "start `salvage ingest`")
    elif at_work(folder):
        yield well("process", "salvage run is at work")
    else:
        do = "start `salvage run`; until then nothing is judged and no date falls due"
        yield warning("process", "no salvage run is at work here", do)
