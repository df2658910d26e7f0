"""What tests ask of a Kafka: its topics, and all that is in them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition

from schemas.topics import TOPICS
from services.ingest.kafka.group import incoming
from services.ingest.kafka.topics import connected
from services.runtime.kafka import Cluster, cluster

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.ingest.kafka.records import Incoming


def at(address: str) -> Cluster:
    """The cluster at an address."""
    return cluster(address, {})


def ready(address: str) -> Cluster:
    """The cluster at an address, with all our topics."""
    found = at(address)
    with connected(found, replicas=1) as topics:
        topics.apply(TOPICS)
    return found


def anew(address: str) -> Cluster:
    """The same, and our topics empty."""
    drop_topics(address, *(row.name for row in TOPICS))
    return ready(address)


def drop_topics(address: str, *names: str) -> None:
    """Delete those of these topics that are there, and wait until they are gone."""
    admin: Any = KafkaAdminClient(bootstrap_servers=address)
    there = set(admin.list_topics()) & set(names)
    if there:
        admin.delete_topics(sorted(there))
    while not all(one["error_code"] for one in admin.describe_topics(list(names))):
        time.sleep(0.05)
    admin.close()


def make_topic(
    address: str, name: str, partitions: int = 3, config: Mapping[str, str] | None = None
) -> str:
    """Make a topic of a hospital's; its name."""
    admin: Any = KafkaAdminClient(bootstrap_servers=address)
    # Our records are stamped with old instants; after half a minute they would be deleted by age.
    configs = {"retention.ms": "-1", **(config or {})}
    row = {"num_partitions": partitions, "replication_factor": 1, "configs": configs}
    admin.create_topics({name: row}, wait_for_metadata=True)
    admin.close()
    return name


def everything(address: str, *topics: str) -> list[Incoming]:
    """All records of some topics, each partition's in order."""
    consumer: Any = KafkaConsumer(
        bootstrap_servers=address, enable_auto_commit=False, auto_offset_reset="earliest"
    )
    try:
        places = [
            TopicPartition(name, number)
            for name in topics
            for number in sorted(consumer.partitions_for_topic(name) or ())
        ]
        consumer.assign(places)
        ends = consumer.end_offsets(places)
        found: list[Incoming] = []
        while any(consumer.position(place) < ends[place] for place in places):
            for records in consumer.poll(200).values():
                found += [incoming(one) for one in records]
        return found
    finally:
        consumer.close()
