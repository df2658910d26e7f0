"""The feed of a hospital's bus: canonical events on topics of Apache Kafka.

The place reached in each partition is stored in the transaction that holds the facts, so each
record is taken once. A bus that can't be reached holds nothing else up: time passes, other feeds
are read, and `problem` says what is wrong.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.embedded.delivery import Delivery
from services.embedded.feed import BATCH
from services.ingest.kafka.records import event_arrival
from services.ingest.kafka.source import Place, TopicReader
from services.ingest.sources.files import Mark
from services.runtime import tracing
from services.runtime.errors import Unavailable
from services.runtime.logs import logger
from services.runtime.trace import ids_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from services.embedded.store import Store
    from services.ingest.kafka.records import Incoming
    from services.ingest.sources.files import Arrival
    from services.runtime.clock import Clock
    from services.runtime.kafka import Cluster

RETRY_SECONDS = 15.0
PREFIX = "/kafka/"
"""Begins the name under which a place is stored among the files' marks; no file has such a name."""


class BusFeed:
    """Reads topics for the runtime.

    catching_up: what was there when we began, or came back, is not all read yet, see `FolderFeed`.
    """

    def __init__(
        self,
        cluster: Cluster,
        topics: Sequence[str],
        store: Store,
        clock: Clock,
        *,
        steady: Callable[[], float],
    ) -> None:
        """Get ready; the first `batches` connects.

        Args:
            cluster: where from.
            topics: on which the events are.
            store: where the places are.
            clock: stamps what arrives.
            steady: seconds on a clock that only goes forward.
        """
        self.catching_up = True
        self._steady = steady
        self._not_before = 0.0
        self._cluster = cluster
        self._topics = tuple(topics)
        self._store = store
        self._clock = clock
        self._reader: TopicReader | None = None
        self._problem: str | None = None

    def problem(self) -> str | None:
        """Why nothing is read at present; None when all is well."""
        return self._problem

    def close(self) -> None:
        """End."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def reset(self) -> None:
        """Go back to what was stored: what was given out since will be given out again."""
        self.close()
        self.catching_up = True

    def batches(self, size: int = BATCH) -> Iterator[list[Delivery]]:
        """What is new. A batch counts as taken when the next one is asked for."""
        if self._reader is None and self._steady() < self._not_before:
            return  # looking for a bus that isn't there takes seconds from everybody else
        try:
            yield from self._batches(size)
        except Unavailable as error:
            self._lose(error)

    def _lose(self, error: Unavailable) -> None:
        if self._problem is None:
            logger().error("trouble", extra={"detail": str(error)})
        self._problem = "the bus cannot be read"
        self._not_before = self._steady() + RETRY_SECONDS
        self.close()
        self.catching_up = False  # nobody knows what waits there; see the head of this file

    def _batches(self, size: int) -> Iterator[list[Delivery]]:
        if self._reader is None:
            self._reader = TopicReader(self._cluster, self._topics, self._stored())
            self.catching_up = True
        reader = self._reader
        while records := reader.read(size):
            yield self._deliveries(reader, records)
        reader.check()
        self.catching_up = False
        self._problem = None

    def _deliveries(self, reader: TopicReader, records: Sequence[Incoming]) -> list[Delivery]:
        """What waited is judged record by record; the rest became known at this moment, as one."""
        now = self._clock.now()
        arrivals = [(one, self._arrival(reader, one)) for one in records]
        waited = [
            Delivery(now, (arrival,), waited=True, traces=_traces([record]))
            for record, arrival in arrivals
            if reader.waited(record)
        ]
        fresh = [(record, arrival) for record, arrival in arrivals if not reader.waited(record)]
        if not fresh:
            return waited
        taken, traces = tuple(arrival for _, arrival in fresh), _traces(one for one, _ in fresh)
        return [*waited, Delivery(now, taken, traces=traces)]

    def _arrival(self, reader: TopicReader, record: Incoming) -> Arrival:
        topic_id, offset = reader.place_after(record)
        name = f"{PREFIX}{record.topic}/{record.partition}"
        return event_arrival(record, Mark(name, topic_id, "", offset))

    def _stored(self) -> dict[tuple[str, int], Place]:
        found = {}
        for mark in self._store.marks():
            if mark.name.startswith(PREFIX):
                topic, _, number = mark.name.removeprefix(PREFIX).rpartition("/")
                found[topic, int(number)] = Place(mark.digest, mark.records)
        return found


def _traces(records: Iterable[Incoming]) -> tuple[str, ...]:
    """Those that records bring along, where somebody traces."""
    found = (ids_of(one.headers.get("traceparent")) for one in records) if tracing.on() else ()
    return tuple(str(ids) for ids in found if ids is not None)
