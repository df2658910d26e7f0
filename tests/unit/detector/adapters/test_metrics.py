"""What operations watch: counted once, named in the documents, bounded, and nobody's secret."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client import generate_latest
from support.gauges import Gauges

from schemas.deadletter import Reason
from schemas.topics import ALERTS, EVENTS
from services.detector.adapters.desk import Handled, Outcome
from services.detector.adapters.metrics import CHANGES, DetectorMetrics, Standing
from services.detector.adapters.outbox import INNER, Outgoing, Record, letter
from services.runtime.lag import Behind

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = Path(__file__).resolve().parents[4] / "docs" / "detector-on-kafka.md"
NOW = 1_772_614_800_000_000


Watched = Gauges[DetectorMetrics, Standing]


@pytest.fixture
def watched() -> Watched:
    found = Gauges(lambda registry: DetectorMetrics(registry, ["hiv-failure"]), Standing())
    found.metrics.watch(lambda: found.standing)
    return found


def record(topic: str = EVENTS.name, at: int = NOW) -> Record:
    return Record(topic, 3, 4, b"HOSP|somebody", b"{}", at)


def alert(rule: str, change: str) -> Outgoing:
    return Outgoing(ALERTS.name, "a", json.dumps({"rule": rule, "change": change}))


def handled(outcome: Outcome, *sends: Outgoing) -> Handled:
    return Handled(outcome=outcome, sends=sends)


def test_what_was_handled_is_counted(watched: Watched) -> None:
    found = handled(Outcome.JUDGED, alert("hiv-failure", "raised"), alert("x", "withdrawn"))
    watched.metrics.handled(record(), found, NOW + 250_000)
    told: dict[str, Any] = {"topic": EVENTS.name, "outcome": "judged"}
    assert watched.value("detector_records_total", **told) == 1
    rule = {"rule": "hiv-failure", "change": "raised"}
    assert watched.value("detector_findings_total", **rule) == 1
    assert watched.value("detector_findings_total", rule="other", change="withdrawn") == 1
    assert watched.value("end_to_end_seconds_sum", stage="detect") == 0.25
    newest = watched.value("detector_last_record_timestamp_seconds", topic=EVENTS.name)
    assert newest == NOW / 1_000_000


def test_an_older_record_is_not_the_newest(watched: Watched) -> None:
    for at in (NOW, NOW - 5_000_000):
        watched.metrics.handled(record(at=at), handled(Outcome.NOTHING), NOW)
    newest = watched.value("detector_last_record_timestamp_seconds", topic=EVENTS.name)
    assert newest == NOW / 1_000_000


def test_what_is_said_again_is_no_new_finding(watched: Watched) -> None:
    again = handled(Outcome.AGAIN, alert("hiv-failure", "raised"))
    watched.metrics.handled(record(), again, NOW)
    assert watched.value("detector_findings_total", rule="hiv-failure", change="raised") == 0
    assert watched.value("detector_records_total", topic=EVENTS.name, outcome="again") == 1


@pytest.mark.parametrize("reason", [Reason.MALFORMED_JSON, Reason.DEFECT])
def test_dead_letters_are_counted_by_reason(watched: Watched, reason: Reason) -> None:
    assert watched.value("dead_letters_total", stage="detect", reason=reason) == 0
    found = handled(Outcome.REFUSED, letter(record(), reason, "why"))
    watched.metrics.handled(record(), found, NOW)
    assert watched.value("dead_letters_total", stage="detect", reason=reason) == 1


def test_a_reminder_is_no_journey_of_a_fact(watched: Watched) -> None:
    watched.metrics.handled(record(INNER), handled(Outcome.NOTHING), NOW)
    assert watched.value("end_to_end_seconds_count", stage="detect") == 0


def test_how_the_worker_stands_is_asked_at_each_scrape(watched: Watched) -> None:
    place = {"topic": EVENTS.name, "partition": "3"}
    assert watched.value("consumer_lag_messages", **place) is None
    watched.standing = Standing({(EVENTS.name, 3): Behind(7, 1.5)}, 2, 5, 1, defects=4)
    assert watched.value("consumer_lag_messages", **place) == 7
    assert watched.value("consumer_lag_seconds", **place) == 1.5
    assert watched.value("detector_partitions", topic=EVENTS.name) == 1
    assert watched.value("detector_partitions", topic=INNER) == 0
    assert watched.value("detector_patients_in_memory") == 2
    assert watched.value("detector_reminders_pending") == 5
    assert watched.value("detector_reminders_overdue") == 1
    assert watched.value("detector_defects_total") == 4


def test_first_failures_are_increases(watched: Watched) -> None:
    for outcome in Outcome:
        told = {"topic": EVENTS.name, "outcome": outcome.value}
        assert watched.value("detector_records_total", **told) == 0
    for change in CHANGES:
        assert watched.value("detector_findings_total", rule="hiv-failure", change=change) == 0


def families(watched: Watched) -> Iterator[tuple[str, set[str]]]:
    """Each metric by the name that Prometheus has it under, and its labels."""
    watched.standing = Standing({(EVENTS.name, 3): Behind(7, 1.5)})
    watched.metrics.handled(record(), handled(Outcome.JUDGED), NOW)
    watched.metrics.judged(0.1)
    for family in watched.registry.collect():
        name = f"{family.name}_total" if family.type == "counter" else family.name
        labels = {label for sample in family.samples for label in sample.labels} - {"le"}
        yield name, labels


def test_the_page_names_every_metric_with_its_labels(watched: Watched) -> None:
    rows = re.findall(r"^\| (`salvage_\w+`.*?) \| (.*?) ?\| ", PAGE.read_text(), re.MULTILINE)
    told = {
        name: set(filter(None, labels.split(", ")))
        for names, labels in rows
        for name in re.findall(r"`(\w+)`", names)
    }
    assert told == dict(families(watched))


def test_thousands_of_patients_are_no_more_series(watched: Watched) -> None:
    watched.metrics.handled(record(), handled(Outcome.JUDGED), NOW)
    before = len(generate_latest(watched.registry).splitlines())
    for number in range(2_000):
        one = Record(EVENTS.name, 1, number, f"HOSP|{number}".encode(), b"{}", NOW)
        watched.metrics.handled(one, handled(Outcome.JUDGED, alert(f"r{number}", "raised")), NOW)
    text = generate_latest(watched.registry).decode()
    assert len(text.splitlines()) == before
    assert "HOSP" not in text
