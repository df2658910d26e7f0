"""What is in some topics now: all of it, what was added since, or one record by its place.

For those who look a thing up and go, and so belong to no group and keep no places.
"""

from __future__ import annotations

from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, Self

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError, OffsetOutOfRangeError

from services.ingest.kafka.clients import made
from services.ingest.kafka.group import incoming
from services.ingest.kafka.source import PATIENCE_MS, alone
from services.runtime.errors import Unavailable
from services.runtime.kafka import unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from services.ingest.kafka.records import Incoming
    from services.runtime.kafka import Cluster

_POLL_MS: Final = 200


class Snapshot:
    """Looks into topics; one thread uses it at a time."""

    def __init__(self, cluster: Cluster) -> None:
        """Connect.

        Raises:
            Unavailable: no broker answers.
        """
        self._next: dict[Any, int] = {}
        self._pages: dict[Any, dict[int, Incoming]] = {}
        # In kafka-python's own Python the checksums take most of the time of reading all letters.
        # The broker has looked at them, and bytes that are sent again are held to their digest.
        self._consumer = made(KafkaConsumer, **alone(cluster), check_crcs=False)

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        with suppress(KafkaError):
            self._consumer.close(timeout_ms=PATIENCE_MS)

    def news(self, topic: str) -> Iterator[Incoming]:
        """What lies on a topic now and was not given out before; each partition's in its order.

        Read it to its end before anything else is asked for.

        Raises:
            Unavailable: it can't be read, or there is no such topic.
        """
        try:
            yield from self._news(topic)
        except KafkaError as error:
            raise unavailable(error) from error

    def tail(self, topic: str, most: int) -> Iterator[Incoming]:
        """The last records of each partition, in its order; what `news` gives out is as before.

        Read it to its end before anything else is asked for.

        Raises:
            Unavailable: it can't be read, or there is no such topic.
        """
        kept = dict(self._next)
        try:
            yield from self._news(topic, most)
        except KafkaError as error:
            raise unavailable(error) from error
        finally:
            self._next = kept

    def at(self, topic: str, partition: int, offset: int) -> Incoming | None:
        """The record at a place; None where nothing is there, any longer or yet.

        Raises:
            Unavailable: it can't be read.
        """
        place = TopicPartition(topic, partition)
        try:
            if offset not in self._pages.get(place, ()):
                self._pages[place] = self._page(place, offset)
            return self._pages[place].get(offset)
        except OffsetOutOfRangeError:
            return None  # deleted just now
        except KafkaError as error:
            raise unavailable(error) from error

    def _news(self, topic: str, most: int | None = None) -> Iterator[Incoming]:
        numbers = self._consumer.partitions_for_topic(topic)
        if not numbers:
            raise Unavailable("kafka: there is no such topic")
        places = [TopicPartition(topic, number) for number in sorted(numbers)]
        first, ends = self._limits(places)
        self._consumer.assign(places)
        for place in places:
            behind = self._next.get(place, 0) if most is None else ends[place] - most
            self._consumer.seek(place, max(first[place], behind))
        yield from self._until(ends)

    def _until(self, ends: dict[Any, int]) -> Iterator[Incoming]:
        patience = _Patience()
        while any(self._consumer.position(place) < end for place, end in ends.items()):
            found = self._consumer.poll(_POLL_MS)
            patience.renew(came=bool(found))
            for place, records in found.items():
                yield from (incoming(one) for one in records if one.offset < ends[place])
        self._next |= ends

    def _page(self, place: Any, offset: int) -> dict[int, Incoming]:
        """The records from a place on that come at once: who asks for one asks for the next, too.

        At most 1 MiB, or one record that is larger.
        """
        if place.partition not in (self._consumer.partitions_for_topic(place.topic) or ()):
            return {}
        first, ends = self._limits([place])
        if not first[place] <= offset < ends[place]:
            return {}
        self._consumer.assign([place])
        self._consumer.seek(place, offset)
        patience = _Patience()
        while self._consumer.position(place) == offset:
            found = self._consumer.poll(_POLL_MS).get(place, ())
            patience.renew(came=bool(found))
            if found:
                return {record.offset: incoming(record) for record in found}
        return {}  # compacted away, or a mark of a transaction's

    def _limits(self, places: list[Any]) -> tuple[dict[Any, int], dict[Any, int]]:
        first = self._consumer.beginning_offsets(places, timeout_ms=PATIENCE_MS)
        return first, dict(self._consumer.end_offsets(places, timeout_ms=PATIENCE_MS))


class _Patience:
    """Ends a wait in which nothing comes, although something is there."""

    def __init__(self) -> None:
        self._until = monotonic() + 2 * PATIENCE_MS / 1000

    def renew(self, *, came: bool) -> None:
        if came:
            self._until = monotonic() + 2 * PATIENCE_MS / 1000
        elif monotonic() > self._until:
            raise Unavailable("kafka: nothing comes of what is there")
