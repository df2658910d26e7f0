"""Two ways to keep a message safe: SQLite's WAL at FULL, and a file that is appended and synced.

The file holds what a journal can't do without: length, digest, bytes. SQLite gives more for what
it takes: an index by sender and MSH-10, transactions, readers that never see half an entry.
"""

from __future__ import annotations

import hashlib
import os
import struct
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import TYPE_CHECKING

from services.ingest.journal import Entry, Journal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    Keep = Callable[[Path, Iterator[Sequence[bytes]]], None]

GROUPS = (1, 8, 64)
"""Messages that share one wait for the disk."""
_MOST_WAITS = 400


@dataclass(frozen=True, slots=True)
class Kept:
    """Messages a second with so many in a group, by either way."""

    group: int
    sqlite: float
    file: float


def measure(work: Sequence[bytes], folder: Path | None = None) -> list[Kept]:
    """Both ways, for each size of group.

    Args:
        work: the messages.
        folder: on whose disk; None: where temporary files are.
    """
    return [
        Kept(
            group,
            _rate(_in_sqlite, work[: group * _MOST_WAITS], group, folder),
            _rate(_in_a_file, work[: group * _MOST_WAITS], group, folder),
        )
        for group in GROUPS
    ]


def _rate(keep: Keep, work: Sequence[bytes], group: int, folder: Path | None) -> float:
    with TemporaryDirectory(dir=folder) as place:
        begun = perf_counter()
        keep(Path(place), (work[at : at + group] for at in range(0, len(work), group)))
        return len(work) / (perf_counter() - begun)


def _in_sqlite(folder: Path, groups: Iterator[Sequence[bytes]]) -> None:
    journal = Journal(folder)
    for group in groups:
        with journal.transaction():
            for raw in group:
                digest = hashlib.sha256(raw).digest()
                journal.add(Entry(0, "1 bench", 0, "HOSP/LAB", raw, content=digest))
    journal.close()


def _in_a_file(folder: Path, groups: Iterator[Sequence[bytes]]) -> None:
    handle = os.open(folder / "journal", os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
    try:
        for group in groups:
            os.write(handle, b"".join(map(_framed, group)))
            os.fdatasync(handle)
    finally:
        os.close(handle)


def _framed(raw: bytes) -> bytes:
    return struct.pack(">I", len(raw)) + hashlib.sha256(raw).digest() + raw
