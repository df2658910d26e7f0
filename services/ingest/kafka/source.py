"""Reading on one's own: topics from places that the reader's owner keeps.

Without a group: whoever stores what a record says stores the record's place in the same
transaction, and tells it at the next start. So each record counts once, whenever either side ends.

What had gathered is given out in the order of its receipt over all partitions, as far as each
partition's order allows: time may pass only as far as everything before has been seen.
"""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from services.ingest.kafka.clients import made
from services.ingest.kafka.group import FETCH_BYTES, incoming
from services.runtime.errors import Unavailable
from services.runtime.kafka import unavailable
from services.runtime.logs import logger

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from services.ingest.kafka.records import Incoming
    from services.runtime.kafka import Cluster

PATIENCE_MS: Final = 5_000
_POLL_MS: Final = 200
_ENOUGH: Final = 1_000
"""Records of a partition that wait for the others'."""


class Place(NamedTuple):
    """The next record to read of a partition; `topic_id` tells a topic from one named alike."""

    topic_id: str
    offset: int


class TopicReader:
    """Reads all partitions of some topics; one thread uses it at a time."""

    def __init__(
        self,
        cluster: Cluster,
        topics: Iterable[str],
        stored: Mapping[tuple[str, int], Place],
    ) -> None:
        """Connect, and go to the stored places.

        Args:
            cluster: where from.
            topics: which.
            stored: by topic and partition; what is missing is read from the beginning.

        Raises:
            Unavailable: no broker answers, or there is no such topic.
        """
        self._held: dict[Any, deque[Incoming]] = {}
        self._waiting: dict[Any, int] = {}
        self._next: dict[Any, int] = {}
        self._consumer: Any = None
        try:
            self._ids = _topic_ids(cluster, list(topics))
            self._consumer = made(KafkaConsumer, **alone(cluster))
            self._go_to(stored)
        except KafkaError as error:
            self.close()
            raise unavailable(error) from error
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End; twice does no harm."""
        if self._consumer is not None:
            with suppress(KafkaError):
                self._consumer.close(timeout_ms=PATIENCE_MS)

    def read(self, most: int) -> list[Incoming]:
        """What is new, at most so many; empty where nothing is.

        Raises:
            Unavailable: it can't be read. Make a new reader, and go on from the stored places.
        """
        try:
            return self._read(most)
        except KafkaError as error:
            raise unavailable(error) from error

    def check(self) -> None:
        """Make sure that somebody is there: reading alone tells silence from an end of none.

        Raises:
            Unavailable: no broker answers, or a topic has other partitions than it had.
        """
        try:
            self._ends()
            known = {place.topic: self._partitions(place.topic) for place in self._held}
        except KafkaError as error:
            raise unavailable(error) from error
        if any(len(known[name]) != self._count(name) for name in known):
            raise Unavailable("kafka: a topic has got more partitions")

    def place_after(self, record: Incoming) -> Place:
        """The place to store together with what a record says."""
        return Place(self._ids[record.topic], record.offset + 1)

    def waited(self, record: Incoming) -> bool:
        """Whether a record was there when this reader began."""
        place = TopicPartition(record.topic, record.partition)
        return record.offset < self._waiting[place]

    # -- where to begin

    def _go_to(self, stored: Mapping[tuple[str, int], Place]) -> None:
        places = [
            TopicPartition(name, number)
            for name in self._ids
            for number in sorted(self._partitions(name))
        ]
        self._held = {place: deque() for place in places}
        first = self._consumer.beginning_offsets(places, timeout_ms=PATIENCE_MS)
        self._waiting = self._ends()
        for place in places:
            old = stored.get((place.topic, place.partition))
            self._next[place] = self._begin(place, old, first[place])

    def _begin(self, place: Any, old: Place | None, first: int) -> int:
        if old is None or old.topic_id != self._ids[place.topic]:
            return first
        if first <= old.offset <= self._waiting[place]:
            return old.offset
        # Deleted before it was read, or taken back by a broker that had not passed it on.
        reason = "deleted unread" if old.offset < first else "shorter than it was"
        about = {"reason": reason, "records": abs(first - old.offset), "detail": place.topic}
        logger().error("records are missing", extra=about)
        return first

    def _ends(self) -> dict[Any, int]:
        return dict(self._consumer.end_offsets(list(self._held), timeout_ms=PATIENCE_MS))

    def _partitions(self, name: str) -> set[int]:
        found: set[int] | None = self._consumer.partitions_for_topic(name)
        if not found:
            raise Unavailable("kafka: there is no such topic")
        return found

    def _count(self, name: str) -> int:
        return sum(place.topic == name for place in self._held)

    # -- reading

    def _read(self, most: int) -> list[Incoming]:
        found: list[Incoming] = []
        while len(found) < most and self._filled():
            ready = [held for held in self._held.values() if held]
            first = min(ready, key=_receipt)
            found.append(first.popleft())
        return found

    def _filled(self) -> bool:
        """Fetch until each partition that is behind has a record to compare, or all are empty.

        Returns:
            Whether there is any record.
        """
        while behind := [place for place, held in self._held.items() if self._behind(place, held)]:
            before = sum(map(len, self._held.values()))
            self._fetch(_POLL_MS)
            if before == sum(map(len, self._held.values())):
                self._still_there(behind)
        if not any(self._held.values()):
            self._fetch(_POLL_MS)
        return any(self._held.values())

    def _behind(self, place: Any, held: deque[Incoming]) -> bool:
        """Whether some of what was there at the beginning is still to be fetched."""
        return not held and self._next[place] < self._waiting[place]

    def _fetch(self, milliseconds: int) -> None:
        """Fetch of those that have not enough: what one partition waits for must not heap up."""
        hungry = [place for place, held in self._held.items() if len(held) < _ENOUGH]
        if set(hungry) != self._consumer.assignment():
            self._turn_to(hungry)
        for place, records in self._consumer.poll(milliseconds).items():
            self._held[place].extend(incoming(one) for one in records)
        for place in hungry:
            self._next[place] = self._consumer.position(place)

    def _turn_to(self, places: list[Any]) -> None:
        """Read these; `pause` and `resume` of kafka-python 3.0 lose partitions for good."""
        self._consumer.assign(places)
        for place in places:
            self._consumer.seek(place, self._next[place])

    def _still_there(self, behind: list[Any]) -> None:
        """Nothing came, although something is there: either it is slow, or nobody is."""
        self._consumer.end_offsets(behind, timeout_ms=PATIENCE_MS)


def _receipt(held: deque[Incoming]) -> tuple[int, str, int]:
    first = held[0]
    return first.received, first.topic, first.partition


def _topic_ids(cluster: Cluster, topics: list[str]) -> dict[str, str]:
    settings = {**cluster.client("describer"), "bootstrap_timeout_ms": PATIENCE_MS}
    del settings["allow_auto_create_topics"]  # a describer never does
    admin = made(KafkaAdminClient, **settings)
    try:
        described = admin.describe_topics(topics)
    finally:
        admin.close()
    if any(one["error_code"] for one in described):
        raise Unavailable("kafka: there is no such topic")
    return {one["name"]: str(one["topic_id"]) for one in described}


def alone(cluster: Cluster) -> dict[str, Any]:
    """The settings of a consumer that is in no group."""
    return {
        **cluster.client("reader"),
        "enable_auto_commit": False,
        "auto_offset_reset": "none",  # a place that is gone is an error, never a jump
        "isolation_level": "read_committed",
        "fetch_max_bytes": FETCH_BYTES,
        "metadata_max_age_ms": 30_000,
        "bootstrap_timeout_ms": PATIENCE_MS,
        "request_timeout_ms": PATIENCE_MS,
    }
