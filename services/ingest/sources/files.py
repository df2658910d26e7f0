"""A watched folder: files that appear in it become records, each exactly once.

The place reached in each file is a `Mark`. Whoever stores the facts of a record stores its mark
in the same transaction; after a crash at any point the source goes on behind the last stored
mark, so that nothing is lost and nothing comes twice. Files are never changed, moved or deleted.

A file is read when it is complete: it has kept its size and time for `settle` seconds, or
`settle` is 0, for folders into which finished files are renamed. A file whose content changes
later is another file, and is read from its start: facts merge, so that costs nothing but time.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from schemas.deadletter import Reason, Where
from services.ingest.archive import ENDINGS, Format, Record, printable, read_archive
from services.ingest.coding import Rejected
from services.ingest.content import format_of_file

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

FORMATS = {end + gz: form for form, ends in ENDINGS.items() for end in ends for gz in ("", ".gz")}
"""How a file's name ends, and what is in it unless it says otherwise. Others are left alone."""


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a file has been read. `name` is the key under which it is stored.

    `digest` is the SHA-256 of the file's bytes. `stamp` (size, modification time, inode) tells
    without reading it that a file is still the same.
    """

    name: str
    digest: str
    stamp: str
    records: int = 0
    finished: bool = False


@dataclass(frozen=True, slots=True)
class Arrival:
    """One record, and the mark to store together with what becomes of it.

    Without a mark (a file that cannot be opened) there is nothing to store; it is tried again.
    """

    source: str
    form: Format
    record: Record
    mark: Mark | None


class FolderSource:
    """Reads what appears in a folder."""

    def __init__(
        self,
        folder: Path,
        name: str,
        *,
        clock: Callable[[], float],
        marks: Iterable[Mark] = (),
        settle: float = 2.0,
    ) -> None:
        """Watch a folder.

        Args:
            folder: where files appear; subfolders are not looked into.
            name: the source's name, for journals and dead letters.
            clock: seconds on a clock that only goes forward.
            marks: all the marks that were stored so far.
            settle: seconds for which a file must be unchanged; 0 if files are renamed in.
        """
        self.folder = folder
        self.name = name
        self._clock = clock
        self._settle = settle
        self._marks = {mark.name: mark for mark in marks}
        self._seen: dict[str, tuple[str, float]] = {}

    def poll(self) -> Iterator[Arrival]:
        """Give out what is new in the files that are complete, in the order of their names.

        Each arrival counts as taken when the next one is asked for.

        Raises:
            OSError: the folder itself cannot be listed.
        """
        for path, form in self._complete():
            yield from self._read(path, form)

    def follow(self, wait: Callable[[], bool]) -> Iterator[Arrival]:
        """Poll for ever.

        Args:
            wait: pauses between two looks at the folder; says whether to go on.
        """
        while True:
            yield from self.poll()
            if not wait():
                return

    def _complete(self) -> list[tuple[Path, Format]]:
        now, found, present = self._clock(), [], {}
        for path in sorted(self.folder.iterdir()):
            form, stamp = _form(path), _stamp(path)
            if form is None or stamp is None:
                continue
            before = self._seen.get(path.name)
            since = before[1] if before is not None and before[0] == stamp else now
            present[path.name] = (stamp, since)
            if now - since >= self._settle:
                found.append((path, form))
        self._seen = present
        return found

    def _read(self, path: Path, form: Format) -> Iterator[Arrival]:
        try:
            mark = self._mark(path)
        except OSError as error:
            yield self._unreadable(path, form, error.strerror or type(error).__name__)
            return
        if mark.finished:
            self._marks[mark.name] = mark
            return
        form = _told(path, form)
        records = read_archive(path, form)
        held: Record | None = None
        for number, record in enumerate(records):
            if record.rejected and record.rejected.reason is Reason.UNREADABLE_FILE:
                yield self._unreadable(path, form, record.rejected.detail)
                return
            if held is not None:
                yield from self._arrival(form, held, replace(mark, records=number))
            held = record if number >= mark.records else None
        if held is not None:
            last = replace(mark, records=number + 1, finished=True)
            yield from self._arrival(form, held, last)

    def _arrival(self, form: Format, record: Record, mark: Mark) -> Iterator[Arrival]:
        """Hand a record out; only when the next one is asked for has it been taken."""
        yield Arrival(self.name, form, record, mark)
        self._marks[mark.name] = mark

    def _unreadable(self, path: Path, form: Format, detail: str) -> Arrival:
        what = Rejected(Reason.UNREADABLE_FILE, detail)
        return Arrival(self.name, form, Record(Where(file=printable(path)), b"", what), None)

    def _mark(self, path: Path) -> Mark:
        """The mark from which to go on: the stored one if the file is still the same."""
        stored = self._marks.get(printable(path.name))
        stamp = _stamp(path) or ""
        if stored is not None and stored.stamp == stamp:
            return stored
        digest = _digest(path)
        if stored is not None and stored.digest == digest:
            return replace(stored, stamp=stamp)
        return Mark(printable(path.name), digest, stamp)


def _form(path: Path) -> Format | None:
    if path.name.startswith("."):
        return None
    return next((form for end, form in FORMATS.items() if path.name.endswith(end)), None)


def _told(path: Path, named: Format) -> Format:
    """What a file holds by its content, as `salvage sources check` tells it; else by its name.

    JSON that is neither of ours nor FHIR's stays what its name says: it is refused either way.
    """
    try:
        told = format_of_file(path, named)
    except OSError:
        return named  # whoever reads it says so
    return told or named


def _stamp(path: Path) -> str | None:
    """Size, time and inode of a plain file; None for anything else, or if it is gone."""
    try:
        status: os.stat_result = path.stat()
    except OSError:
        return None
    if not path.is_file():
        return None
    return f"{status.st_size}-{status.st_mtime_ns}-{status.st_ino}"


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
