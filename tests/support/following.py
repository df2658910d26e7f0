"""What is in some topics, read once and then only what is new.

A client for each look is dear: it asks for metadata, opens sockets, and closing it while it is
still connecting leaves them open.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from services.ingest.kafka.group import incoming

if TYPE_CHECKING:
    from services.ingest.kafka.records import Incoming


class Following:
    """Follows topics that are there, from their beginnings on.

    records: all that was read so far, each partition's in order.
    """

    def __init__(self, address: str, *topics: str) -> None:
        self.records: list[Incoming] = []
        self._brokers = address.split(",")
        self._next: dict[TopicPartition, int] = {}
        self._consumer = self._connected()
        for name in topics:
            for number in sorted(self._consumer.partitions_for_topic(name) or ()):
                self._next[TopicPartition(name, number)] = 0
        self._consumer.assign(list(self._next))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Disconnect."""
        self._consumer.close()

    def again(self) -> None:
        """Connect anew, and go on where it was: the client may wait for a dead broker for minutes.

        Raises:
            KafkaError: nobody answers.
        """
        before, self._consumer = self._consumer, self._connected()
        with suppress(KafkaError):
            before.close()
        self._consumer.assign(list(self._next))
        for place, offset in self._next.items():
            self._consumer.seek(place, offset)

    def of(self, topic: str) -> list[Incoming]:
        """All records of one of the topics that were read so far."""
        return [one for one in [*self.records] if one.topic == topic]

    def news(self) -> list[Incoming]:
        """Read up to the present ends; what was not read before.

        Raises:
            KafkaError: a broker doesn't answer.
        """
        before = len(self.records)
        ends = self._consumer.end_offsets(list(self._next))
        while any(self._consumer.position(place) < ends[place] for place in self._next):
            for place, records in self._consumer.poll(200).items():
                self.records += [incoming(one) for one in records]
                self._next[place] = records[-1].offset + 1
        return self.records[before:]

    def _connected(self) -> Any:
        return KafkaConsumer(
            bootstrap_servers=self._brokers, enable_auto_commit=False, auto_offset_reset="earliest"
        )
