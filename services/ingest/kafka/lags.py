"""How far groups are behind the ends of their topics, and whether anybody is in them."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.errors import CoordinatorNotAvailableError, KafkaError

from services.ingest.kafka.clients import made
from services.ingest.kafka.source import PATIENCE_MS, alone
from services.runtime.kafka import unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from services.runtime.kafka import Cluster

NOBODY: Final = frozenset({"Empty", "Dead"})
"""What Kafka calls a group without members."""
_LOOKS: Final = 40
_LOOK_SECONDS: Final = 0.25


class Standing(NamedTuple):
    """A group at one topic.

    Attributes:
        behind: records that it has not finished.
        members: whether anybody is in it.
    """

    group: str
    topic: str
    behind: int
    members: bool


class Groups:
    """Asks a cluster; one thread uses it at a time."""

    def __init__(self, admin: Any, consumer: Any) -> None:
        """Wire; `asked` does it."""
        self._admin = admin
        self._consumer = consumer

    def standing(self, group: str, topic: str) -> Standing:
        """How a group stands at a topic; what it never read it has still to read.

        Raises:
            Unavailable: it can't be told.
        """
        try:
            places = self._places(topic)
            first = self._consumer.beginning_offsets(places, timeout_ms=PATIENCE_MS)
            ends = self._consumer.end_offsets(places, timeout_ms=PATIENCE_MS)
            noted = self._of_group(self._admin.list_group_offsets, group)
            done = {place: max(first[place], _offset(noted.get(place))) for place in places}
            behind = sum(max(0, ends[place] - done[place]) for place in places)
            return Standing(group, topic, behind, self._has_members(group))
        except KafkaError as error:
            raise unavailable(error) from error

    def _places(self, topic: str) -> list[Any]:
        numbers = self._consumer.partitions_for_topic(topic) or ()
        return [TopicPartition(topic, number) for number in sorted(numbers)]

    def _has_members(self, group: str) -> bool:
        told = self._of_group(lambda name: self._admin.describe_groups([name]), group)
        return told["group_state"] not in NOBODY

    def _of_group(self, ask: Callable[[str], Any], group: str) -> Any:
        """What is told of a group. A cluster in which nobody ever was makes ready when asked."""
        for _ in range(_LOOKS):
            try:
                return ask(group)[group]
            except CoordinatorNotAvailableError:
                time.sleep(_LOOK_SECONDS)
        return ask(group)[group]


def _offset(noted: Any) -> int:
    return 0 if noted is None else int(noted.offset)


@contextmanager
def asked(cluster: Cluster) -> Iterator[Groups]:
    """The groups of a cluster.

    Raises:
        Unavailable: no broker answers.
    """
    settings = {**cluster.client("groups"), "bootstrap_timeout_ms": PATIENCE_MS}
    del settings["allow_auto_create_topics"]  # an administrator says what he wants
    admin = made(KafkaAdminClient, **settings)
    try:
        consumer = made(KafkaConsumer, **alone(cluster))
        try:
            yield Groups(admin, consumer)
        finally:
            consumer.close(timeout_ms=PATIENCE_MS)
    finally:
        admin.close()
