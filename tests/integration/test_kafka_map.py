"""From the socket to the topic of events: what comes over Kafka is what comes by the journal."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager, nullcontext
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from kafka import KafkaProducer
from support.kafka import at, everything, make_topic
from support.mllp import HERE, Sender, code, oru
from support.processes import Command

from schemas.deadletter import Where
from schemas.topics import DEADLETTERS, EVENTS, RAW
from services.cli import main
from services.embedded.reading import read
from services.ingest.archive import Format, Record
from services.ingest.journal import Entry
from services.ingest.kafka.group import GroupReader
from services.ingest.kafka.mapper import GROUP, Mapper, MapWorker
from services.ingest.kafka.publisher import Outgoing, Publisher
from services.ingest.kafka.records import raw_record
from services.ingest.mllp.framing import frame
from services.ingest.profiles.sources import Sources
from services.ingest.sources.files import Arrival
from services.runtime.errors import Unavailable
from services.runtime.shutdown import Stop
from services.simulator.cohort import simulate
from services.simulator.hl7 import messages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from support.broker import Broker

    from schemas.events import Event
    from services.ingest.kafka.records import Incoming

PATIENCE = 30.0


def until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def events_of(raw: bytes) -> tuple[Event, ...]:
    """What the embedded runtime would make of a message."""
    return read(Arrival("", Format.HL7, Record(Where(), raw), None), Sources()).events


def feed_of(record: Incoming) -> tuple[str, str]:
    """Whose order is kept: a patient's within what one system sends."""
    return (record.key or b"").decode(), record.headers["source"]


@pytest.mark.slow
def test_a_cohort_over_kafka_gives_the_events_of_the_same_messages(
    broker: Broker, tmp_path: Path
) -> None:
    cohort = list(messages(simulate(11, 12, date(2021, 1, 1), 12).dispatches))
    expected = [event for raw in cohort for event in events_of(raw)]

    words = ["--data", str(tmp_path / "journal"), "--mllp", f"{HERE}:0", "--kafka", broker.address]
    with Command("ingest", *words) as ingest, Command("map", "--kafka", broker.address) as mapping:
        with Sender(ingest.heard("receiving")["port"]) as sender:
            sender.send(b"".join(map(frame, cohort)))
            told = {code((sender.answer() or b"").decode())[:3] for _ in cohort}
        assert told == {"AA "}
        until(lambda: len(everything(broker.address, EVENTS.name)) >= len(expected))
        assert mapping.end() == ingest.end() == 0
    found = everything(broker.address, EVENTS.name)
    assert sorted(one.value or b"" for one in found) == sorted(one.to_json() for one in expected)
    for feed in {(event.patient_id, event.source) for event in expected}:
        ordered = [one.to_json() for one in expected if (one.patient_id, one.source) == feed]
        assert [one.value for one in found if feed_of(one) == feed] == ordered
    assert everything(broker.address, DEADLETTERS.name) == []


# -- the worker, within this process


class Moody(Publisher):
    """Fails the first few times, after some of it was published."""

    failures = 2

    def publish(self, records: Iterable[Outgoing]) -> None:
        rows = list(records)
        if Moody.failures:
            Moody.failures -= 1
            super().publish(rows[: len(rows) // 2])
            raise Unavailable("kafka: KafkaTimeoutError")
        super().publish(rows)


@contextmanager
def working(
    broker: Broker, publisher: type[Publisher] = Publisher, topics: Iterable[str] = (RAW.name,)
) -> Iterator[None]:
    """A worker in a thread."""
    where, stop = at(broker.address), Stop()
    worker = MapWorker(
        Mapper(partial(read, sources=Sources())),
        partial(GroupReader, where, topics, GROUP),
        partial(publisher, where),
    )
    thread = threading.Thread(target=worker.run, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.ask()
        thread.join(PATIENCE)
    assert not thread.is_alive()


def received(broker: Broker, raws: Iterable[bytes]) -> None:
    """Publish messages as `salvage ingest` does."""
    with Publisher(at(broker.address)) as publisher:
        publisher.publish(
            raw_record(Entry(1_772_614_800_000_000 + n, "c", n, "HOSP/LAB", raw))
            for n, raw in enumerate(raws)
        )


def ids(found: Iterable[Incoming]) -> list[str]:
    return [one.headers["origin"] for one in found]


@pytest.mark.slow
def test_a_failure_of_kafkas_repeats_and_loses_nothing(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.ingest.kafka.mapper.RETRY_SECONDS", 0.1)
    monkeypatch.setattr(Moody, "failures", 2)
    raws = [oru(f"M{n}", person=str(n % 5)) for n in range(40)]
    received(broker, raws)
    with working(broker, Moody):
        until(lambda: len({one.value for one in everything(broker.address, EVENTS.name)}) == 40)
    found = everything(broker.address, EVENTS.name)
    assert len(found) > 40, "some came twice"
    assert {one.value for one in found} == {events_of(raw)[0].to_json() for raw in raws}


def test_a_worker_goes_on_where_the_last_one_ended(broker: Broker) -> None:
    for start in (0, 10):
        received(broker, [oru(f"M{n}") for n in range(start, start + 10)])
        with working(broker):
            until(lambda: len(everything(broker.address, EVENTS.name)) >= start + 10)  # noqa: B023
    assert len(everything(broker.address, EVENTS.name)) == 20, "each once"


@pytest.mark.slow
def test_workers_share_the_work_and_leave_nothing_out(broker: Broker) -> None:
    raws = [oru(f"M{n}", person=str(n)) for n in range(60)]
    with Publisher(at(broker.address)) as publisher, working(broker):
        for part in range(3):  # before, while and after a second worker is there
            with working(broker) if part == 1 else nullcontext():
                publisher.publish(
                    raw_record(Entry(1_772_614_800_000_000, "c", n, f"HOSP/LAB{n}", raws[n]))
                    for n in range(part, 60, 3)
                )
                until(lambda: len(seen(broker)) == 20 * (part + 1))  # noqa: B023
    assert seen(broker) == {events_of(raw)[0].to_json() for raw in raws}


def seen(broker: Broker) -> set[bytes | None]:
    return {one.value for one in everything(broker.address, EVENTS.name)}


def test_poison_among_good_records_stops_nobody(broker: Broker) -> None:
    line = events_of(oru())[0].to_json()
    topic = make_topic(broker.address, f"bus-{time.monotonic_ns()}", partitions=1)
    values = [line, b"\xff", b"", line.replace(b'"final"', b'"sort of"'), line]
    with Publisher(at(broker.address)) as publisher:
        for n, value in enumerate(values):
            publisher.publish([Outgoing(topic, "HOSP|1001", value, (), 1_000_000 + n)])
        publisher.publish([Outgoing(topic, "HOSP|2002", line, (), 2_000_000)])
    with working(broker, topics=[RAW.name, topic]):
        until(lambda: len(everything(broker.address, DEADLETTERS.name)) == 4)
        until(lambda: len(everything(broker.address, EVENTS.name)) == 2)
    found = everything(broker.address, EVENTS.name)
    assert ids(found) == [f"{topic}[0]@0", f"{topic}[0]@4"]
    assert {one.key for one in found} == {b"HOSP|1001"}
    letters = {
        one.headers["origin"]: one.headers["reason"]
        for one in everything(broker.address, DEADLETTERS.name)
    }
    assert letters == {
        f"{topic}[0]@1": "not_utf8",
        f"{topic}[0]@2": "empty_input",
        f"{topic}[0]@3": "bad_field",
        f"{topic}[0]@5": "key_mismatch",
    }


def test_a_record_from_the_future_stops_nobody(broker: Broker) -> None:
    """As a bus with a broken clock writes it, where its topic allows that."""
    allowed = {"message.timestamp.after.max.ms": str(2**63 - 1)}
    topic = make_topic(broker.address, f"future-{time.monotonic_ns()}", 1, allowed)
    line = events_of(oru())[0].to_json()
    producer: Any = KafkaProducer(bootstrap_servers=broker.address)
    for value, instant in ((line, 2**62), (b"{", 2**62), (line, 1_772_614_800_000)):
        producer.send(topic, value, timestamp_ms=instant)
    producer.flush(10)
    producer.close()
    with working(broker, topics=[RAW.name, topic]):
        until(lambda: len(everything(broker.address, EVENTS.name)) == 2)
    (letter,) = everything(broker.address, DEADLETTERS.name)
    assert letter.headers["reason"] == "malformed_json"


def test_our_own_topics_are_no_hospitals(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["map", "--kafka", f"{HERE}:1", "--events-topic", EVENTS.name]) == 2
    assert "one of our own topics" in capsys.readouterr().err
