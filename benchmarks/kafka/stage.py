"""The stage: a broker of our own, the topics, and the work on them."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from schemas.topics import EVENTS, TOPICS
from services.ingest.kafka.publisher import Outgoing, Publisher
from services.ingest.kafka.topics import connected
from services.runtime.kafka import cluster

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from benchmarks.workload import Message

ROUND = 0.02
"""Seconds between two batches of a steady stream."""


@contextmanager
def broker(folder: Path) -> Iterator[str]:
    """The address of a broker with our topics. Needs `tests` on the path, as `make` puts it."""
    from support.broker import Broker  # noqa: PLC0415 - the tests' own

    ours = Broker(folder)
    ours.start()
    try:
        with connected(cluster(ours.address, {}), replicas=1) as topics:
            topics.apply(TOPICS)
        yield ours.address
    finally:
        ours.kill()


def make_topic(address: str, name: str) -> str:
    """A topic like that of the events, for somebody else; its name."""
    from support.kafka import make_topic as made  # noqa: PLC0415 - the tests' own

    return made(address, name, EVENTS.partitions)


def publish(address: str, messages: Sequence[Message]) -> None:
    """A backlog: everything at once, received when it was issued."""
    with Publisher(cluster(address, {})) as publisher:
        publisher.publish(
            _outgoing(EVENTS.name, one, round(one.at.timestamp() * 1e6)) for one in messages
        )


def stream(address: str, topic: str, messages: Sequence[Message], rate: int) -> None:
    """A steady stream: so many a second, received now."""
    size = max(1, round(rate * ROUND))
    begun = time.monotonic()
    with Publisher(cluster(address, {})) as publisher:
        for first in range(0, len(messages), size):
            batch = messages[first : first + size]
            publisher.publish(_outgoing(topic, one, time.time_ns() // 1000) for one in batch)
            time.sleep(max(0.0, begun + (first + size) / rate - time.monotonic()))


def _outgoing(topic: str, message: Message, received: int) -> Outgoing:
    patient_id = json.loads(message.line)["patient_id"]
    return Outgoing(topic, patient_id, message.line, (("received", str(received)),), received)
