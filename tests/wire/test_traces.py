"""A message's way through `salvage run` and its notifier, as an OpenTelemetry collector sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from prometheus_client import CollectorRegistry
from support.collector import Collector
from support.datafolder import changed, judged
from support.fhir import psa
from support.mllp import Sender, code, listening, obx, oru
from support.notifying import Bench, premises
from support.rest import talking

from services.embedded.feed import FolderFeed
from services.embedded.runtime import Runtime
from services.embedded.store import FILE_NAME, Store
from services.ingest.journal import Journal
from services.ingest.metrics import IngestMetrics
from services.ingest.watching import observed
from services.notifier.service.feeds import feed
from services.notifier.store.database import opened
from services.notifier.store.instants import moment
from services.notifier.store.migrating import migrate
from services.runtime.clock import SystemClock
from services.runtime.tracing import traced

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.collector import Seen

PATIENT = "4711471147"


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    with Collector() as found:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", found.url)
        yield found


def received(folder: Path, *values: str) -> None:
    """Messages come by MLLP, as with `salvage run --mllp`."""
    metrics = IngestMetrics(CollectorRegistry(), folder, {"HOSP/LAB"})
    with listening(folder, metrics=metrics) as listener, Sender(listener.port) as sender:
        for number, value in enumerate(values):
            message = oru(f"M{number}", obx(value=value), person=f"{PATIENT}{number}")
            assert code(sender.ask(message)) == f"AA M{number}"


def noticed(folder: Path) -> None:
    """A notifier takes in what the store holds."""
    with opened(str(folder / "notifier.db")) as database:
        migrate(database)
        bench = Bench(database, premises(folder / "teams"), moment(SystemClock().now()))
        assert feed(folder / FILE_NAME, None).take(database, bench.now)
        bench.work()


def of(spans: list[Seen], name: str) -> list[Seen]:
    return [one for one in spans if one.name == name]


def test_a_message_is_one_trace_up_to_its_alert_and_the_notifier_links_to_it(
    collector: Collector, tmp_path: Path
) -> None:
    tmp_path.chmod(0o700)
    with traced("salvage run"):
        received(tmp_path, "1200", "900")
        judged(tmp_path)
        noticed(tmp_path)
    high, low = of(collector.spans, "receive")
    first, second = of(collector.spans, "judge")
    assert (first.trace, first.parent) == (high.trace, high.span)
    assert (second.trace, second.parent) == (low.trace, low.span)
    assert (first.about["salvage.alerts"], second.about["salvage.alerts"]) == (1, 0)
    assert first.about["salvage.rules"] == ["SMALL"]
    (heard,) = of(collector.spans, "notify")
    assert heard.links == (first.ids,)
    assert PATIENT.encode() not in b"".join(collector.bodies)


def test_a_file_s_records_are_known_by_their_places_and_judged_together_once(
    collector: Collector, tmp_path: Path
) -> None:
    """What comes together is one step, which continues the first and has links to the others."""
    watched = tmp_path / "watched"
    watched.mkdir()
    store = Store(tmp_path / FILE_NAME, durable=False)
    source = FolderFeed(watched, store, SystemClock(), steady=lambda: 0.0, settle=0.0)
    runtime = Runtime(store, (), SystemClock())
    with traced("salvage run"):
        assert list(source.batches()) == []
        for number in range(2):
            message = oru(f"M{number}", obx(value="900"), person=f"{PATIENT}{number}")
            (watched / f"{PATIENT}-{number}.hl7").write_bytes(message)
        for batch in source.batches():
            runtime.take(batch)
    store.close()
    one, other = of(collector.spans, "receive")
    (judging,) = of(collector.spans, "judge")
    assert judging.parent == one.span
    assert judging.links == (other.ids,)
    assert judging.about["salvage.facts"] == 2
    assert PATIENT.encode() not in b"".join(collector.bodies)


def test_a_caller_s_own_trace_is_a_link(collector: Collector, tmp_path: Path) -> None:
    metrics = IngestMetrics(CollectorRegistry(), tmp_path)
    theirs = "a" * 32, "b" * 16
    with traced("salvage ingest"), talking(tmp_path, journal=observed(Journal, metrics)) as client:
        told = f"00-{theirs[0]}-{theirs[1]}-01"
        for number, caller in enumerate([told, PATIENT]):
            answer = client.post(psa(id=str(number)), "/Observation", traceparent=caller)
            assert answer.status == 201
    one, other = of(collector.spans, "receive")
    assert (one.links, one.parent, other.links) == ((theirs,), "", ())
    assert one.trace != theirs[0]
    assert PATIENT.encode() not in b"".join(collector.bodies)


def test_without_a_collector_no_trace_is_kept(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    received(tmp_path, "1200")
    judged(tmp_path)
    store = Store(tmp_path / FILE_NAME, durable=False)
    assert store.query("SELECT trace FROM alerts") == [(None,)]
    store.close()


def test_the_store_of_an_older_release_is_a_feed_too(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    received(tmp_path, "1200")
    judged(tmp_path)
    changed(tmp_path / FILE_NAME, "ALTER TABLE alerts DROP COLUMN trace")
    noticed(tmp_path)
