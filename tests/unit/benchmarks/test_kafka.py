"""The benchmark over Kafka: what it says of its numbers, and what it fills a changelog with."""

from __future__ import annotations

import json

import pytest

from benchmarks.engine import rules
from benchmarks.kafka.measured import Measured, Report
from benchmarks.kafka.recovery import rows
from schemas.topics import EVENTS
from services.detector.adapters.keyed import Judging, Person
from services.detector.adapters.rows import Row

WAITS = [float(number) for number in range(1, 101)]


def test_a_contender_is_described_by_its_rates_and_waits() -> None:
    found = Measured.of("x", 1_000, 2.0, 0.5, WAITS)
    assert (found.per_second, found.cpu_us, found.samples) == (500.0, 500.0, 100)
    assert (found.p50, found.p99) == (51.0, 100.0)


@pytest.mark.parametrize(("seconds", "waits"), [(0.0, WAITS), (1.0, [])])
def test_nothing_measured_is_no_number(seconds: float, waits: list[float]) -> None:
    with pytest.raises(ValueError, match="nothing was measured"):
        Measured.of("x", 1, seconds, None, waits)


def test_the_table_has_ratios_to_ours_and_names_who_is_missing() -> None:
    fast, ours = (Measured.of(name, 100, seconds, 1.0, WAITS) for name, seconds in _SECONDS)
    report = Report(100, 20, [fast, ours], {"decode": 12.4}, {"peer 1": "no packages"})
    text = "\n".join(report.lines())
    assert "| fast | 100 | 0.250 | 10,000 | 51 | 100 |" in text
    assert "| ours | 25 | 1.000 |" in text
    assert "| peer 1 | not measured: no packages |" in text
    assert "| decode | 12 |" in text
    assert json.loads(json.dumps(report.as_json()))["contenders"][1]["name"] == "ours"


_SECONDS = (("fast", 1.0), ("ours", 4.0))


def test_a_changelog_is_filled_with_patients_that_the_detector_knows() -> None:
    found = list(rows(5, 1))
    assert all(0 <= partition < EVENTS.partitions for partition, _, _ in found)
    names = {key.partition(b"\0")[0] for _, key, _ in found}
    assert len(names) == 5
    name = min(names)
    mine = [Row.read(value) for _, key, value in found if key.partition(b"\0")[0] == name]
    person = Person(name.decode(), Judging.by(rules()), mine)
    assert person.head.number == len(mine) == 2
