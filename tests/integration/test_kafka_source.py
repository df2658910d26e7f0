"""Reading topics from places of one's own, against a real broker."""

from __future__ import annotations

import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from kafka import KafkaAdminClient, KafkaProducer, TopicPartition
from support.kafka import at, drop_topics, make_topic

from services.ingest.kafka.publisher import Outgoing, Publisher
from services.ingest.kafka.source import Place, TopicReader
from services.runtime.errors import Unavailable
from services.runtime.logs import logger

if TYPE_CHECKING:
    import logging
    from collections.abc import Iterable, Iterator, Mapping

    from support.broker import Broker

    from services.ingest.kafka.records import Incoming

SECOND = 1_000_000


def fresh(address: str, partitions: int = 3) -> str:
    """A topic of this test's own."""
    return make_topic(address, f"bus-{time.monotonic_ns()}", partitions)


def fill(address: str, topic: str, numbers: Iterable[int]) -> None:
    """Records 0, 1, 2 ..., a second apart, by seven keys."""
    with Publisher(at(address)) as publisher:
        publisher.publish(
            Outgoing(topic, f"P{n % 7}", str(n).encode(), (), 1_000_000 * SECOND + n * SECOND)
            for n in numbers
        )


def numbers(found: Iterable[Incoming]) -> list[int]:
    return [int(one.value or b"-1") for one in found]


def reader(
    address: str, topic: str, stored: Mapping[tuple[str, int], Place] | None = None
) -> closing[TopicReader]:
    return closing(TopicReader(at(address), [topic], stored or {}))


def read_all(found: TopicReader, size: int = 50) -> list[Incoming]:
    """Until nothing is new."""
    records: list[Incoming] = []
    while batch := found.read(size):
        assert len(batch) <= size
        records += batch
    return records


def test_what_had_gathered_comes_in_the_order_of_its_receipt(kafka: str) -> None:
    topic = fresh(kafka)
    fill(kafka, topic, range(3_000))
    with reader(kafka, topic) as found:
        records = read_all(found, size=700)
        assert numbers(records) == list(range(3_000))
        assert len({one.partition for one in records}) > 1
        assert all(found.waited(one) for one in records)
        fill(kafka, topic, range(3_000, 3_010))
        time.sleep(0.3)
        later = read_all(found)
        assert sorted(numbers(later)) == list(range(3_000, 3_010))
        assert not any(found.waited(one) for one in later)


def test_it_goes_on_from_the_places_that_were_kept(kafka: str) -> None:
    topic, stored = fresh(kafka), dict[tuple[str, int], Place]()
    fill(kafka, topic, range(100))
    seen: list[int] = []
    for _ in range(5):
        with reader(kafka, topic, stored) as found:
            for one in found.read(20):
                stored[one.topic, one.partition] = found.place_after(one)
                seen.append(int(one.value or b"-1"))
    assert seen == list(range(100)), "each once, whoever reads"


def test_a_topic_that_is_another_is_read_from_its_beginning(kafka: str) -> None:
    topic = fresh(kafka, partitions=1)
    fill(kafka, topic, range(10))
    with reader(kafka, topic) as found:
        place = found.place_after(read_all(found)[-1])
    drop_topics(kafka, topic)
    make_topic(kafka, topic, partitions=1)
    fill(kafka, topic, range(20, 40))
    with reader(kafka, topic, {(topic, 0): place}) as found:
        assert numbers(read_all(found)) == list(range(20, 40))


@pytest.fixture
def log() -> Iterator[list[logging.LogRecord]]:
    """What our log says, whoever has it sent elsewhere."""
    records: list[logging.LogRecord] = []

    def keep(record: logging.LogRecord) -> bool:
        records.append(record)
        return True

    logger().addFilter(keep)
    yield records
    logger().removeFilter(keep)


def test_what_was_deleted_unread_is_told(kafka: str, log: list[logging.LogRecord]) -> None:
    topic = fresh(kafka, partitions=1)
    fill(kafka, topic, range(10))
    with reader(kafka, topic) as found:
        place = found.place_after(found.read(3)[-1])
    admin: Any = KafkaAdminClient(bootstrap_servers=kafka)
    admin.delete_records({TopicPartition(topic, 0): 7})
    admin.close()
    with reader(kafka, topic, {(topic, 0): place}) as found:
        assert numbers(read_all(found)) == [7, 8, 9]
    (told,) = [one for one in log if one.msg == "records are missing"]
    assert (vars(told)["reason"], vars(told)["records"]) == ("deleted unread", 4)


def test_only_what_was_committed_is_read_and_the_end_is_found(kafka: str) -> None:
    """Markers of transactions take places of their own, so the end is behind the last record."""
    topic = fresh(kafka, partitions=1)
    producer: Any = KafkaProducer(bootstrap_servers=kafka, transactional_id=f"tx-{topic}")
    producer.init_transactions()
    for number, end in ((1, "commit"), (2, "abort"), (3, "commit")):
        producer.begin_transaction()
        producer.send(topic, str(number).encode())
        getattr(producer, f"{end}_transaction")()
    producer.close()
    with reader(kafka, topic) as found:
        assert numbers(read_all(found)) == [1, 3]
        assert found.read(10) == []
        found.check()


def test_new_partitions_are_noticed(kafka: str, monkeypatch: pytest.MonkeyPatch) -> None:
    topic = fresh(kafka, partitions=1)
    with reader(kafka, topic) as found:
        found.check()
        monkeypatch.setattr(found._consumer, "partitions_for_topic", lambda _: {0, 1})  # noqa: SLF001
        with pytest.raises(Unavailable, match="more partitions"):
            found.check()


def test_a_topic_that_is_not_there_is_told(kafka: str) -> None:
    with pytest.raises(Unavailable, match="no such topic"):
        TopicReader(at(kafka), ["misspelt"], {})


@pytest.mark.slow
def test_silence_is_told_from_an_end(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.ingest.kafka.source.PATIENCE_MS", 700)
    topic = fresh(broker.address)
    fill(broker.address, topic, range(10))
    with reader(broker.address, topic) as found:
        assert len(read_all(found)) == 10
        broker.pause()
        try:
            assert found.read(10) == []
            with pytest.raises(Unavailable, match="KafkaTimeoutError"):
                found.check()
        finally:
            broker.resume()
