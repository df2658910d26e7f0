"""Reading as a member of a group: several workers share the partitions, Kafka keeps the places.

A place is committed when what came of the records before it is delivered, so that a worker that
dies leaves nothing undone: another one does it again, from the last committed place.
"""

from __future__ import annotations

from contextlib import suppress
from heapq import merge
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from kafka import ConsumerRebalanceListener, KafkaConsumer, OffsetAndMetadata, TopicPartition
from kafka.errors import (
    CommitFailedError,
    IllegalGenerationError,
    IllegalStateError,
    KafkaError,
    RebalanceInProgressError,
    UnknownMemberIdError,
)

from services.ingest.kafka.clients import made
from services.ingest.kafka.copies import HEARD_MS, missing
from services.ingest.kafka.records import Incoming
from services.runtime.kafka import unavailable
from services.runtime.logs import logger

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from services.runtime.kafka import Cluster
    from services.runtime.lag import Place

MOST: Final = 500
"""Records in one batch."""
FETCH_BYTES: Final = 16 * 1024 * 1024
"""Bytes that may have been fetched and not read yet, at most, and one record more."""
LOOK_MS: Final = 5_000
"""How long a question about partitions may take."""
_LOST_PLACE = (
    CommitFailedError,
    IllegalGenerationError,
    RebalanceInProgressError,
    UnknownMemberIdError,
)


class Span(NamedTuple):
    """Of a partition: the offset behind what was read, and the one behind its last record."""

    done: int
    end: int


class GroupReader:
    """Reads topics in a group; one thread uses it at a time."""

    def __init__(self, cluster: Cluster, topics: Iterable[str], group: str) -> None:
        """Join.

        Args:
            cluster: where from.
            topics: which; a new group reads them from their beginnings.
            group: workers of the same name share the work.

        Raises:
            Unavailable: no broker answers.
        """
        self._taken: dict[Any, int] = {}
        self._began = monotonic()
        self._consumer = made(KafkaConsumer, **_settings(cluster), group_id=group)
        self._consumer.subscribe(list(topics), listener=_Forgetting(self._taken))

    def poll(self, seconds: float) -> list[Incoming]:
        """What is new, at most `MOST` records; waits for it no longer than that.

        Each partition's records stand in their order, and otherwise as they were received.

        Raises:
            Unavailable: it can't be read.
        """
        self._finish_joining()
        try:
            found = self._consumer.poll(int(seconds * 1000), max_records=MOST)
        except KafkaError as error:
            raise unavailable(error) from error
        for place, records in found.items():
            self._taken.setdefault(place, records[0].offset)
        partitions = [[incoming(one) for one in records] for records in found.values()]
        return list(merge(*partitions, key=lambda one: one.received))

    def _finish_joining(self) -> None:
        """Have a join that has begun awaited until its end.

        kafka-python 3.0 forgets one that outlasts a poll, if new metadata was its reason: it never
        takes up the partitions that it was given, is put out of the group, and doesn't try again.
        Mostly it is seen at a first start, because the client joins before it has metadata. Java's
        client had the like: KAFKA-9815 (H).
        """
        coordinator = self._consumer._coordinator  # noqa: SLF001 - no public way
        if coordinator.rejoining:
            coordinator.request_rejoin()

    def commit(self, records: Sequence[Incoming]) -> None:
        """Note that these are done with.

        A worker that was thought dead has lost its partitions: whoever has them now does these
        again, which does no harm.

        Raises:
            Unavailable: they can't be noted now.
        """
        ends: dict[Any, Any] = {}
        for one in records:
            place = TopicPartition(one.topic, one.partition)
            ends[place] = OffsetAndMetadata(one.offset + 1, "", -1)
        try:
            self._consumer.commit(ends, timeout_ms=10_000)
        except _LOST_PLACE:
            logger().warning("others took over", extra={"repeats": len(records)})
        except KafkaError as error:
            raise unavailable(error) from error
        self._taken.clear()

    def back(self) -> None:
        """Give out again what was given out since the last commit."""
        for place, offset in self._taken.items():
            with suppress(IllegalStateError, AssertionError):  # it is somebody else's by now
                self._consumer.seek(place, offset)
        self._taken.clear()

    def silence(self) -> float:
        """Seconds since the group last said that we belong to it; at first, since we joined."""
        heartbeat = self._consumer._coordinator.heartbeat  # noqa: SLF001 - no public way
        return monotonic() - max(self._began, float(heartbeat.last_receive))

    def missing_copies(self) -> dict[str, int]:
        """Copies that are not in sync, by topic; what was last heard."""
        return missing(self._consumer._manager.cluster)  # noqa: SLF001 - no public way

    def spans(self) -> dict[Place, Span]:
        """How far each of our partitions was read; those of which that isn't known are left out.

        Raises:
            Unavailable: nobody tells.
        """
        try:
            ours = self._consumer.assignment()
            ends = self._consumer.end_offsets(ours, timeout_ms=LOOK_MS) if ours else {}
            read = {place: self._consumer.position(place, timeout_ms=LOOK_MS) for place in ends}
        except KafkaError as error:
            raise unavailable(error) from error
        return {
            (place.topic, place.partition): Span(done, ends[place])
            for place, done in read.items()
            if done is not None
        }

    def close(self) -> None:
        """Leave the group; its other members take over at once."""
        with suppress(KafkaError):
            self._consumer.close(autocommit=False, timeout_ms=5_000)


class _Forgetting(ConsumerRebalanceListener):  # type: ignore[misc]  # ships no types
    """Forgets the places of partitions that were taken away."""

    def __init__(self, taken: dict[Any, int]) -> None:
        self._taken = taken

    def on_partitions_revoked(self, revoked: Iterable[Any]) -> None:
        for place in revoked:
            self._taken.pop(place, None)

    def on_partitions_assigned(self, assigned: Iterable[Any]) -> None:
        del assigned


def incoming(record: Any) -> Incoming:
    """A record as the client library has it, in our words."""
    headers = {
        name: (text or b"").decode("utf-8", "replace") for name, text in record.headers or ()
    }
    return Incoming(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        at=max(0, record.timestamp) * 1000,
        key=record.key,
        value=record.value,
        headers=headers,
    )


def _settings(cluster: Cluster) -> dict[str, Any]:
    return {
        **cluster.client("reader"),
        "enable_auto_commit": False,
        "auto_offset_reset": "earliest",
        "isolation_level": "read_committed",
        "fetch_max_bytes": FETCH_BYTES,
        "metadata_max_age_ms": HEARD_MS,
        "bootstrap_timeout_ms": 10_000,
        "session_timeout_ms": 10_000,
        "heartbeat_interval_ms": 2_000,
        "request_timeout_ms": 10_000,
    }
