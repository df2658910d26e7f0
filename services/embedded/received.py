"""The feed of what was received over the network: the ingest's journal, from the stored place on.

The journal is written by whoever listens, this process or another; here it is only read. The
number of the last entry that was taken is stored in the transaction that holds its facts, so
each entry is taken once, whenever either side ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas.deadletter import Where
from services.embedded.delivery import Delivery
from services.embedded.feed import BATCH
from services.ingest.archive import Record
from services.ingest.journal import FILE_NAME, JournalReader, State
from services.ingest.sources.files import Arrival, Mark
from services.ingest.spans import receipt
from services.runtime import tracing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from services.embedded.store import Store
    from services.ingest.journal import Entry

MARK = "/journal"
"""Under this name the place is stored among the files' marks; no file can have it."""
_TAKEN = frozenset({State.NEW, State.REFUSED})


class JournalFeed:
    """Reads a journal for the runtime.

    catching_up: what was there when we began is not all read yet, see `FolderFeed`.
    """

    def __init__(self, folder: Path, store: Store) -> None:
        """Read the journal of a folder, which need not be there yet.

        Args:
            folder: where it is kept.
            store: where the place is stored.
        """
        self._reader = JournalReader(folder)
        self._store = store
        self.reset()

    def reset(self) -> None:
        """Go back to what was stored: what was given out since will be given out again."""
        self.catching_up = True
        self._journal, self._seq, self._waiting = "", 0, 0
        for mark in self._store.marks():
            if mark.name == MARK:
                self._journal, self._seq = mark.digest, mark.records

    def batches(self, size: int = BATCH) -> Iterator[list[Delivery]]:
        """What is new. A batch counts as taken when the next one is asked for.

        Raises:
            Unavailable: the journal cannot be read.
        """
        name = self._reader.identity()
        if name is None:
            self.catching_up = False
            return
        if name != self._journal:  # another journal has taken its place
            self._journal, self._seq, self._waiting = name, 0, 0
        if self.catching_up:
            self._waiting = self._reader.last()
        while entries := self._reader.behind(self._seq, size):
            if batch := [self._delivery(entry) for entry in entries if entry.state in _TAKEN]:
                yield batch
            self._seq = entries[-1].seq
        self.catching_up = False

    def _delivery(self, entry: Entry) -> Delivery:
        mark = Mark(MARK, self._journal, "", entry.seq)
        arrival = arrival_of(entry, mark)
        traces = (receipt(entry),) if tracing.on() else ()
        waited = entry.seq <= self._waiting
        return Delivery(entry.received, (arrival,), waited=waited, traces=traces)


def arrival_of(entry: Entry, mark: Mark) -> Arrival:
    """An entry as a record with its place."""
    where = Where(file=FILE_NAME, line=entry.seq)
    return Arrival(entry.source, entry.form, Record(where, entry.raw, entry.refused), mark)
