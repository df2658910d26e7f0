"""A member of a group on a real broker: it hears what it should, whatever its client forgets."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from kafka import KafkaAdminClient
from support.kafka import at, make_topic

from services.ingest.kafka.group import GroupReader
from services.ingest.kafka.publisher import Outgoing, Publisher

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.broker import Broker

PATIENCE = 30.0


def until(done: Callable[[], object], seconds: float = PATIENCE) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def enlarge(address: str, topic: str, partitions: int) -> None:
    admin: Any = KafkaAdminClient(bootstrap_servers=address)
    admin.create_partitions({topic: partitions})
    admin.close()


def partitions(consumer: Any, topic: str) -> int:
    """How many the client knows of."""
    return len(consumer.partitions_for_topic(topic))


def publish(address: str, topic: str) -> None:
    """Records for every partition, nearly for certain."""
    with Publisher(at(address)) as publisher:
        publisher.publish(Outgoing(topic, f"K{n}", b"{}", (), 1_000_000) for n in range(40))


def test_a_join_for_new_partitions_that_outlasts_a_poll_is_finished(broker: Broker) -> None:
    topic = make_topic(broker.address, f"grows{time.monotonic_ns()}", partitions=1)
    reader = GroupReader(at(broker.address), [topic], f"group-{topic}")
    try:
        consumer: Any = reader._consumer  # noqa: SLF001 - to be sure of the order of things
        until(lambda: reader.poll(0.2) == [] and consumer.assignment())
        enlarge(broker.address, topic, 2)
        known = consumer._cluster  # noqa: SLF001
        until(lambda: known.request_update() and partitions(consumer, topic) == 2)
        broker.pause()
        reader.poll(0.3)  # the join begins, and nobody answers
        broker.resume()
        time.sleep(0.5)  # the answer comes between two polls
        publish(broker.address, topic)
        heard: set[int] = set()

        def both() -> bool:
            heard.update(one.partition for one in reader.poll(0.2))
            return heard == {0, 1}

        until(both)
    finally:
        broker.resume()
        reader.close()
