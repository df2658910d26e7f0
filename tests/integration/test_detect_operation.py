"""`salvage detect` as whoever runs it sees it: it can be watched, and it ends when it is asked."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from support.detecting import Detector
from support.following import Following
from support.kafka import at
from support.processes import ROOT, salvage
from support.watched import Watched

from schemas.alerts import OPEN_STATES, AlertRevision, State
from schemas.events import EVENT
from schemas.topics import ALERTS, EVENTS, STATE
from services.detector.engine.instants import instant
from services.ingest.kafka.publisher import Outgoing, Publisher

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from support.broker import Broker

    from schemas.events import Event

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]
COHORT = ROOT / "examples" / "cohort-small.jsonl"
RULES = ROOT / "services" / "detector" / "rules"
FEW = ("--rules", str(RULES / "hiv"))
OTHERS = ("--rules", str(RULES / "toxicity"))
GRACE = 20.0
"""Seconds between SIGTERM and its end; Kubernetes gives 30 in all."""
PATIENCE = 60.0


def issued(event: Event) -> int:
    assert event.issued_at is not None
    return instant(event.issued_at)


def publish(address: str) -> int:
    """The cohort, as `salvage map` does; the number of its records."""
    lines = COHORT.read_bytes().splitlines()
    events = [EVENT.validate_json(line) for line in lines]
    with Publisher(at(address)) as publisher:
        publisher.publish(
            Outgoing(EVENTS.name, one.patient_id, line, (), issued(one))
            for one, line in zip(events, lines, strict=True)
        )
    return len(lines)


def until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def watched(detector: Detector) -> Watched:
    """What the metrics of a detector say at a moment."""
    return Watched(detector.heard("detecting")["port"])


def replayed(*words: str) -> list[AlertRevision]:
    today = time.strftime("%Y-%m-%d", time.gmtime())
    lines = salvage("replay", str(COHORT), "--until", today, *words).stdout.splitlines()
    return [AlertRevision.model_validate_json(line) for line in lines]


def told(alerts: Following) -> list[tuple[tuple[str, int], bytes]]:
    """Every alert revision that was sent, as often as it was."""
    alerts.news()
    found = []
    for record in alerts.records:
        one = AlertRevision.model_validate_json(record.value or b"")
        found.append(((one.alert_id, one.revision), record.value or b""))
    return found


def counted(rows: Following) -> int:
    rows.news()
    return len(rows.records)


def test_it_ends_soon_under_load_and_says_nothing_twice(broker: Broker, tmp_path: Path) -> None:
    number = publish(broker.address)
    expected = {(one.alert_id, one.revision): one.to_json() for one in replayed(*FEW)}
    with (
        Following(broker.address, STATE.name) as rows,
        Following(broker.address, ALERTS.name) as alerts,
    ):
        with Detector(broker.address, tmp_path, *FEW) as detector:
            until(lambda: counted(rows) >= 100)
            began = time.monotonic()
            assert detector.end(GRACE) == 0
            assert time.monotonic() - began < GRACE
        assert 100 <= counted(rows) < number, "it was at work"
        with Detector(broker.address, tmp_path, *FEW) as detector:
            until(lambda: dict(told(alerts)) == expected)
            after(detector, number)
            assert detector.end(GRACE) == 0
        assert sorted(told(alerts)) == sorted(expected.items()), "each once"
        stored = counted(rows)
        assert len({one.key for one in rows.records}) == stored, "each row once"


def after(detector: Detector, number: int) -> None:
    """What its metrics say when it has read what there is."""
    until(lambda: watched(detector)("consumer_lag_messages", topic=EVENTS.name) == 0)
    found = watched(detector)
    assert found("detector_partitions", topic=EVENTS.name) == EVENTS.partitions
    assert 0 < found("detector_records_total", topic=EVENTS.name) < number
    assert found("detector_records_total", outcome="judged") > 0
    assert found("detector_records_total", outcome="again") == 0, "all that was told was committed"
    assert found("detector_findings_total") > 0
    assert found("detector_evaluation_seconds_count") > 0
    assert found("detector_last_recovery_seconds") > 0
    assert found("detector_recovering") == found("detector_trouble") == 0
    assert 0 < found("detector_patients_in_memory") <= 1000
    assert found("dead_letters_total") == found("detector_defects_total") == 0


def standing(revisions: Iterable[AlertRevision]) -> dict[str, State]:
    """The alerts that stand at the end."""
    last = {one.alert_id: one.state for one in revisions}
    return {alert_id: state for alert_id, state in last.items() if state in OPEN_STATES}


def test_what_other_rules_say_of_what_was_known_is_marked(broker: Broker, tmp_path: Path) -> None:
    """No fact comes after the first process has ended; the second one has other rules."""
    publish(broker.address)
    before, after = replayed(*FEW), standing(replayed(*OTHERS))
    assert len(after) > 2
    with Following(broker.address, ALERTS.name) as alerts:
        with Detector(broker.address, tmp_path, *FEW) as detector:
            until(lambda: len(told(alerts)) == len(before))
            assert detector.end(GRACE) == 0
        with Detector(broker.address, tmp_path, *OTHERS) as detector:
            until(lambda: after.items() <= standing(said(alerts)).items())
            assert detector.end(GRACE) == 0
        alerts.news()
        ours = {one.rule for one in before}
        assert {one.cause for one in said(alerts) if one.rule in ours} == {None}
        assert {one.cause for one in said(alerts) if one.rule not in ours} == {"rule-change"}


def said(alerts: Following) -> list[AlertRevision]:
    return [AlertRevision.model_validate_json(body) for _, body in told(alerts)]
