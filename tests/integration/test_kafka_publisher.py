"""The publisher against a real broker: what it says of a record is so."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from support.broker import ROOT
from support.kafka import at, everything, make_topic

from services.ingest.kafka.publisher import LARGEST, Outgoing, Publisher
from services.runtime.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from services.ingest.kafka.records import Incoming

AT = 1_772_614_800_000_000
"""An instant, microseconds UTC."""


@pytest.fixture
def publisher(kafka: str) -> Iterator[Publisher]:
    with Publisher(at(kafka), patience=5.0) as found:
        yield found


def outgoing(topic: str, key: str, value: bytes, number: int = 0) -> Outgoing:
    return Outgoing(topic, key, value, (("source", "LAB"), ("n", str(number))), AT)


def partitions(found: list[Incoming], key: bytes) -> set[int]:
    return {one.partition for one in found if one.key == key}


def test_what_was_published_is_there_as_it_was(kafka: str, publisher: Publisher) -> None:
    topic = make_topic(kafka, "round-trip")
    value = bytes(range(256))
    publisher.publish([outgoing(topic, "HOSP|Ä", value, 7)])
    (found,) = everything(kafka, topic)
    assert (found.key, found.value, found.at) == ("HOSP|Ä".encode(), value, AT)
    assert found.headers == {"source": "LAB", "n": "7"}


def test_records_of_a_key_keep_their_order(kafka: str, publisher: Publisher) -> None:
    topic = make_topic(kafka, "order", partitions=3)
    rows = [outgoing(topic, f"P{n % 7}", str(n).encode(), n) for n in range(700)]
    publisher.publish(rows[:300])
    publisher.publish(rows[300:])
    found = everything(kafka, topic)
    assert len(found) == 700
    assert len({one.partition for one in found}) > 1
    for key in (f"P{n}".encode() for n in range(7)):
        numbers = [int(one.headers["n"]) for one in found if one.key == key]
        assert len(partitions(found, key)) == 1
        assert len(numbers) == 100
        assert all(first < second for first, second in pairwise(numbers))


def test_no_more_is_under_way_than_may_be(kafka: str) -> None:
    topic, window = make_topic(kafka, "window"), 20_000
    with Publisher(at(kafka), patience=5.0, window=window) as publisher:
        inner: Any = publisher._producer  # noqa: SLF001
        futures: list[tuple[Any, int]] = []
        most, send = 0, inner.send

        def counted(name: str, **fields: Any) -> Any:
            nonlocal most
            futures.append((send(name, **fields), len(fields["value"])))
            most = max(most, sum(size for future, size in futures if not future.is_done))
            return futures[-1][0]

        inner.send = counted
        publisher.publish(outgoing(topic, f"P{n}", b"x" * 1_000, n) for n in range(500))
    assert 0 < most <= window
    assert len(everything(kafka, topic)) == 500


@pytest.mark.parametrize("limit", [str(LARGEST), "2000"])
def test_what_is_too_large_is_told_and_nothing_after_it_counts(kafka: str, limit: str) -> None:
    name = make_topic(kafka, f"large-{limit}", config={"max.message.bytes": limit})
    secret, size = b"GANTENBEIN", (LARGEST if limit == str(LARGEST) else 3000)
    with Publisher(at(kafka), patience=5.0) as publisher:
        with pytest.raises(Unavailable, match=r"^kafka: MessageSizeTooLargeError$"):
            publisher.publish([outgoing(name, "P", secret * (size // 10 + 1))])
        with pytest.raises(Unavailable, match="failed before"):
            publisher.publish([outgoing(name, "P", b"small")])
    with Publisher(at(kafka), patience=5.0) as publisher:
        publisher.publish([outgoing(name, "P", b"small")])
    assert [one.value for one in everything(kafka, name)] == [b"small"]


def test_a_topic_that_is_not_there_is_not_made(kafka: str) -> None:
    with Publisher(at(kafka), patience=1.0) as publisher, pytest.raises(Unavailable):
        publisher.publish([outgoing("misspelt", "P", b"x")])
    assert everything(kafka, "misspelt") == []


NOWHERE = """
import threading
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from services.ingest.kafka.clients import made
from services.runtime.errors import Unavailable

for kind in (KafkaProducer, KafkaConsumer, KafkaAdminClient):
    try:
        made(kind, bootstrap_servers="127.0.0.1:1", bootstrap_timeout_ms=200)
    except Unavailable as error:
        print(error, threading.active_count())
"""
"""In a process of its own: the library leaves refused sockets to the garbage collector."""


def test_nobody_there_is_told_in_time_and_leaves_no_thread_behind() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", NOWHERE],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    assert done.stdout.splitlines() == ["kafka: KafkaTimeoutError 1"] * 3
