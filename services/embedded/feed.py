"""The feed: a watched folder's records, stamped with their arrival, in batches.

What was stored decides where reading goes on. After a failed `take` the feed is reset to the
stored marks, so that the same records come again.
"""

from __future__ import annotations

from itertools import chain, islice
from typing import TYPE_CHECKING

from services.embedded.delivery import Delivery
from services.ingest.sources.files import FolderSource
from services.ingest.spans import tell_read
from services.runtime import tracing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from services.embedded.store import Store
    from services.ingest.sources.files import Arrival
    from services.runtime.clock import Clock

BATCH = 200
"""Records in one transaction: few enough to be done in a moment when asked to stop."""


class FolderFeed:
    """Reads a folder for the runtime.

    catching_up: what lay there when we began to look is not all read yet. Until it is, nobody
        should let time pass: what would fall due may be answered by a record that waits.
    """

    def __init__(
        self,
        folder: Path,
        store: Store,
        clock: Clock,
        *,
        steady: Callable[[], float],
        settle: float = 2.0,
    ) -> None:
        """Watch a folder.

        Args:
            folder: where files appear.
            store: where the marks are.
            clock: stamps what arrives.
            steady: seconds on a clock that only goes forward.
            settle: seconds for which a file must be unchanged before it is read.
        """
        self._folder = folder
        self._store = store
        self._clock = clock
        self._steady = steady
        self._settle = settle
        self._told: set[tuple[str, str]] = set()
        self.reset()

    def reset(self) -> None:
        """Go back to what was stored: what was given out since will be given out again."""
        self.catching_up = True
        self._since = self._steady()
        self._source = FolderSource(
            self._folder,
            "folder",
            clock=self._steady,
            marks=self._store.marks(),
            settle=self._settle,
        )

    def batches(self, size: int = BATCH) -> Iterator[list[Delivery]]:
        """What is new in the folder. A batch counts as taken when the next one is asked for.

        What waited is judged record by record, at the moments of its issue. Later, all that is
        found in one look became known at that moment, and is judged as one.

        Raises:
            OSError: the folder cannot be listed.
        """
        # A source looks at a file twice before it is read: the first look alone is not all.
        complete = self._steady() - self._since >= self._settle
        arrivals = (arrival for arrival in self._source.poll() if self._is_news(arrival))
        while batch := tuple(islice(arrivals, size)):
            yield self._deliveries(batch)
        if complete:
            self.catching_up = False

    def _deliveries(self, batch: tuple[Arrival, ...]) -> list[Delivery]:
        now = self._clock.now()
        traces = tell_read(batch) if tracing.on() else [()] * len(batch)
        if self.catching_up:
            each = zip(batch, traces, strict=True)
            return [Delivery(now, (arrival,), waited=True, traces=own) for arrival, own in each]
        return [Delivery(now, batch, traces=tuple(chain.from_iterable(traces)))]

    def _is_news(self, arrival: Arrival) -> bool:
        """A file that can't be opened is met again at every look; it is reported once."""
        rejected = arrival.record.rejected
        if arrival.mark is not None or rejected is None:
            return True
        told = (str(arrival.record.where), rejected.detail)
        news = told not in self._told
        self._told.add(told)
        return news
