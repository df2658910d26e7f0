"""What patients are called and have is in keys and values, and nowhere else.

Planted words go the whole way, through good, refused, repeated, odd and poisonous records, while
Kafka fails in between; then every log line, header, error and detail is searched for them.
"""

from __future__ import annotations

import io
import json
import logging
import threading
import time
from functools import partial
from typing import TYPE_CHECKING

import pytest
from support.kafka import at, everything, make_topic
from support.mllp import HERE, Sender, obx, oru

from schemas.deadletter import DeadLetter
from schemas.topics import DEADLETTERS, EVENTS, RAW
from services.embedded.reading import read
from services.ingest.kafka.custody import publishing
from services.ingest.kafka.group import GroupReader
from services.ingest.kafka.mapper import Mapper, MapWorker
from services.ingest.kafka.publisher import LARGEST, Outgoing, Publisher
from services.ingest.mllp.gate import Rules
from services.ingest.mllp.listener import Listener
from services.ingest.mllp.server import Endpoint
from services.ingest.profiles.sources import Sources
from services.runtime.clock import SystemClock
from services.runtime.errors import Unavailable
from services.runtime.logs import logger, to_stream
from services.runtime.shutdown import Stop

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.broker import Broker

    from services.ingest.kafka.records import Incoming

PLANTED = ("GANTENBEIN", "4711471147", "VERYRAREDISEASE", "Lila Weg 7")
MESSAGES = [
    oru("M1", person="4711471147"),
    oru("M1", person="4711471147"),
    oru("M2", obx(value="GANTENBEIN"), person="4711471147"),
    oru("M3", obx(f3="VERYRAREDISEASE^Lila Weg 7^L"), person="4711471147"),
    oru("M4", f9="GANTENBEIN^VERYRAREDISEASE", person="4711471147"),
    oru("M5", obx(f11="GANTENBEIN"), person="4711471147").replace(b"PID|", b"PID|GANTENBEIN|"),
    b"GANTENBEIN Lila Weg 7",
]
POISON = [
    b'{"type":"GANTENBEIN"}',
    b'{"GANTENBEIN":"4711471147"',
    b'{"type":"observation","event_id":"4711471147","patient_id":"GANTENBEIN","Lila Weg 7":1}',
    b"\xffGANTENBEIN",
]


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """All that is logged, by us and by the library, at its most talkative."""
    theirs, before = logging.getLogger("kafka"), logger().propagate
    stream = io.StringIO()
    to_stream(stream, logging.DEBUG)
    yield stream
    theirs.setLevel(logging.WARNING)
    logger().handlers[:] = []
    logger().propagate = before


def planted_in(text: str) -> list[str]:
    return [word for word in PLANTED if word in text]


def told(record: Incoming) -> str:
    """What a record says outside of its key and its value."""
    return json.dumps([*record.headers.items()])


def send(port: int) -> None:
    with Sender(port) as sender:
        for message in MESSAGES:
            sender.ask(message)


def mapped(broker: Broker, topic: str) -> None:
    where, stop = at(broker.address), Stop()
    worker = MapWorker(
        Mapper(partial(read, sources=Sources())),
        partial(GroupReader, where, [RAW.name, topic], "privacy"),
        partial(Publisher, where),
    )
    thread = threading.Thread(target=worker.run, args=(stop,))
    thread.start()
    deadline = time.monotonic() + 30.0
    while len(everything(broker.address, DEADLETTERS.name)) < len(POISON) + 4:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    stop.ask()
    thread.join()


def failures(broker: Broker, topic: str) -> str:
    """What is said when publishing fails, for what it was given and because nobody answers."""
    texts = []
    for value in (b"GANTENBEIN" * LARGEST, b"GANTENBEIN"):
        with Publisher(at(broker.address), patience=1.0) as publisher:
            broker.pause()
            with pytest.raises(Unavailable) as raised:
                publisher.publish([Outgoing(topic, "4711471147", value, (), 1)])
            broker.resume()
            texts.append(str(raised.value))
    return " ".join(texts)


@pytest.mark.slow
def test_nothing_planted_is_anywhere_but_in_keys_and_values(
    broker: Broker, tmp_path: Path, log: io.StringIO
) -> None:
    topic = make_topic(broker.address, f"bus-{time.monotonic_ns()}", partitions=1)
    opened = publishing(at(broker.address))
    logging.getLogger("kafka").setLevel(logging.DEBUG)
    endpoint = Endpoint(HERE, 0)
    listener = Listener(endpoint, Rules(custody=True), tmp_path, SystemClock(), journal=opened)
    send(listener.start())
    listener.stop()
    with Publisher(at(broker.address)) as publisher:
        publisher.publish(Outgoing(topic, "GANTENBEIN", value, (), 1) for value in POISON)
    logging.getLogger("kafka").setLevel(logging.DEBUG)
    mapped(broker, topic)
    errors = failures(broker, topic)

    records = everything(broker.address, RAW.name, EVENTS.name, DEADLETTERS.name)
    letters = [
        DeadLetter.model_validate_json(one.value or b"")
        for one in records
        if one.topic == DEADLETTERS.name
    ]
    assert planted_in(str([one.value for one in records])) == list(PLANTED), "they did come by"
    assert planted_in(" ".join(map(told, records))) == []
    assert planted_in(" ".join(f"{one.detail} {one.part} {one.where}" for one in letters)) == []
    assert planted_in(errors) == []
    assert '"kafka client"' in log.getvalue(), "the library had something to say"
    assert planted_in(log.getvalue()) == []
