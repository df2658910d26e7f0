"""A message's way over Kafka, as an OpenTelemetry collector sees it."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

import pytest
from prometheus_client import CollectorRegistry
from support.collector import Collector
from support.detecting import Detector
from support.kafka import at, drop_topics, everything
from support.mllp import HERE, Sender, code, obx, oru
from support.notifying import Bench, premises
from support.small_rules import FRAME

from schemas.topics import ALERTS, EVENTS, INNER, RAW, STATE
from services.commands.notifying import TopicFeed
from services.embedded.reading import read
from services.ingest.kafka.custody import publishing
from services.ingest.kafka.group import GroupReader
from services.ingest.kafka.mapper import Mapper, MapWorker
from services.ingest.kafka.publisher import Publisher
from services.ingest.metrics import IngestMetrics
from services.ingest.mllp.gate import Rules
from services.ingest.mllp.listener import Listener
from services.ingest.mllp.server import Endpoint
from services.ingest.profiles.sources import Sources
from services.ingest.watching import observed
from services.notifier.store.database import opened
from services.notifier.store.instants import moment
from services.notifier.store.migrating import migrate
from services.runtime.clock import SystemClock
from services.runtime.shutdown import Stop
from services.runtime.tracing import FIELDS, traced

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from support.broker import Broker
    from support.collector import Seen

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]  # several groups are joined

PLANTED = ("GANTENBEIN", "4711471147", "Lila Weg 7", "1234567")
PATIENCE = 60.0


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    """A collector that every process which begins from now on tells its steps to."""
    with Collector() as found:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", found.url)
        yield found


def until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def received(address: str, folder: Path) -> None:
    """A message with a patient in it comes by MLLP, and a stranger's after it."""
    message = oru("M1", obx(value="1234567"), person="4711471147")
    message = message.replace(b"^^^HOSP^MR", b"^^^HOSP^MR||GANTENBEIN^L||||||Lila Weg 7")
    metrics = IngestMetrics(CollectorRegistry(), folder, {"HOSP/LAB"})
    journal = observed(publishing(at(address)), metrics)
    listener = Listener(Endpoint(HERE, 0), Rules(), folder, SystemClock(), journal=journal)
    try:
        with Sender(listener.start()) as sender:
            assert code(sender.ask(message)) == "AA M1"
            stranger = message.replace(b"|LAB|", b"|GANTENBEIN|", 1).replace(b"M1|P", b"M2|X")
            assert code(sender.ask(stranger)).startswith("AR")
    finally:
        listener.stop()


@contextmanager
def mapping(address: str) -> Iterator[None]:
    where, stop = at(address), Stop()
    reader = partial(GroupReader, where, [RAW.name], f"traces-{time.monotonic_ns()}")
    worker = MapWorker(Mapper(partial(read, sources=Sources())), reader, partial(Publisher, where))
    thread = threading.Thread(target=worker.run, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.ask()
        thread.join()


def judged(address: str, folder: Path) -> None:
    """By a detector in a process of its own."""
    fires = "  - {name: high, each: load, confirmed: 'load > 1000 {copies}/mL'}"
    reads = "  load: {analyte: hiv_rna}"
    text = FRAME.format(course="", more="", reads=reads, criteria=fires)
    pack = folder / "small.yaml"
    pack.write_text(text.replace("important", "critical"))
    with Detector(address, folder / "state", "--rules", str(pack)) as detector:
        until(lambda: bool(everything(address, ALERTS.name)))
        assert detector.end() == 0


def notified(address: str, folder: Path) -> None:
    """A notifier takes the alert in, and sends of it a day later."""
    with opened(str(folder / "notifier.db")) as database:
        migrate(database)
        bench = Bench(database, premises(folder / "teams"), moment(SystemClock().now()))
        feed = TopicFeed(at(address), f"traces-{time.monotonic_ns()}")
        alerts = 0
        while not alerts:
            feed.take(database, bench.now)
            bench.work()
            alerts = bench.send()
        feed.close()


def of(spans: list[Seen], name: str) -> list[Seen]:
    return [one for one in spans if one.name == name]


def test_a_message_is_one_trace_up_to_its_alert_and_its_messages_link_to_it(
    broker: Broker, tmp_path: Path, collector: Collector
) -> None:
    address = broker.address
    drop_topics(address, INNER.name, STATE.name)
    with traced("salvage test"):
        received(address, tmp_path / "journal")
        with mapping(address):
            until(lambda: bool(everything(address, EVENTS.name)))
        judged(address, tmp_path)
        notified(address, tmp_path)
    spans = collector.spans
    receipt, stranger = of(spans, "receive")
    (event,), (alert,) = everything(address, EVENTS.name), everything(address, ALERTS.name)
    mine = [one for one in spans if one.trace == receipt.trace]
    mapped = next(one for one in mine if one.name == "map")
    arrived, told = of(mine, "judge")
    assert {one.name for one in mine} == {"receive", "map", "judge"}
    assert (mapped.parent, arrived.parent, told.parent) == (receipt.span, mapped.span, mapped.span)
    assert event.headers["traceparent"] == f"00-{mapped.trace}-{mapped.span}-01"
    assert alert.headers["traceparent"] == f"00-{told.trace}-{told.span}-01"
    (heard,), (sent, *_) = of(spans, "notify"), of(spans, "send")
    assert heard.links == sent.links == (told.ids,)
    assert receipt.trace not in {heard.trace, sent.trace}
    assert (receipt.service, told.service) == ("salvage-test", "salvage-detect")
    assert receipt.about["salvage.source"] == "HOSP/LAB"
    assert stranger.about["salvage.source"] == "other"
    assert (arrived.about["salvage.alerts"], told.about["salvage.alerts"]) == (0, 1)
    assert told.about["salvage.rules"] == heard.about["salvage.rules"] == ["SMALL"]
    assert {key for one in spans for key in one.about} <= set(FIELDS.values())
    exported = b"".join(collector.bodies)
    assert [word for word in PLANTED if word.encode() in exported] == []
    assert b"SMALL" in exported
