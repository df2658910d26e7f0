"""Consecutive results: what begins, lengthens and breaks a run, asked in the language."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

from schemas.events import EVENT
from services.detector.adapters.replay import replay
from services.detector.language.checker import check
from services.detector.language.compiler import compile_rule
from services.detector.language.reader import read_rule

if TYPE_CHECKING:
    from collections.abc import Iterable

    from schemas.alerts import AlertRevision
    from schemas.events import ClinicalEvent

TEXT = """
rule: TEST-RUNS
title: A run
kind: failure
plain: A run
reads: {{psa: {{analyte: psa}}}}
criteria:
  - name: run
    each: psa
    confirmed: "{when}"
severity: {{default: advisory}}
sentence: A run.
misses: [nothing]
false_alarms: [nothing]
source: [{{cite: none}}]
"""
BEGIN = date(2024, 1, 1)
HELD = "psa < 1 ng/mL and days_since(run(psa where it < 1 ng/mL)) >= 28 d"
THREE = "psa < 1 ng/mL and runs(psa within 90 d where it >= 1 ng/mL) >= 3"


def event(day: int, value: str, **said: object) -> ClinicalEvent:
    on = (BEGIN + timedelta(days=day)).isoformat()
    sign = "<" if value.startswith("<") else None
    fields = {
        "type": "observation",
        "event_id": f"E{day}",
        "patient_id": "HOSP|1",
        "source": "LAB",
        "effective_at": on,
        "issued_at": f"{on}T12:00:00Z",
        "analyte": "psa",
        "unit": "ng/mL",
        "value": value.removeprefix("<"),
        "comparator": sign,
    }
    return EVENT.validate_python(fields | said)


def found(when: str, events: Iterable[ClinicalEvent]) -> list[AlertRevision]:
    rule = read_rule(TEXT.format(when=when), "test-runs.yaml")
    assert [str(mistake) for mistake in check(rule)] == []
    return replay(list(events), (compile_rule(rule),)).revisions


def days(when: str, *results: tuple[int, str]) -> list[int]:
    told = found(when, [event(*result) for result in results])
    return [(revision.at.date() - BEGIN).days for revision in told]


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        ([(0, "0.5"), (28, "0.5")], [28]),
        ([(0, "0.5"), (27, "0.5")], []),
        # A value too early for it doesn't close the run, and the first one stays the first.
        ([(0, "0.5"), (10, "0.5"), (28, "0.5")], [28]),
        ([(0, "0.5"), (10, "2"), (28, "0.5"), (56, "0.5")], [56]),
        # Whether `<2` is below 1 nobody knows: it breaks nothing, and begins nothing.
        ([(0, "0.5"), (10, "<2"), (28, "0.5")], [28]),
        ([(0, "<2"), (28, "0.5")], []),
        ([(28, "0.5")], []),
    ],
)
def test_a_run_lasts_from_its_first_fact(
    results: list[tuple[int, str]], expected: list[int]
) -> None:
    assert days(HELD, *results) == expected


def test_a_preliminary_result_is_neutral() -> None:
    draft = event(10, "2", status="preliminary")
    told = found(HELD, [event(0, "0.5"), draft, event(28, "0.5")])
    assert [revision.at.date() for revision in told] == [BEGIN + timedelta(days=28)]


def test_a_late_result_breaks_the_run_and_its_correction_mends_it() -> None:
    late = event(10, "2", issued_at="2024-03-01T12:00:00Z")
    mended = event(10, "0.5", issued_at="2024-03-05T12:00:00Z", status="corrected")
    told = found(HELD, [event(0, "0.5"), event(28, "0.5"), late, mended])
    assert [str(r.state) for r in told] == ["confirmed", "retracted", "confirmed"]


def test_the_first_fact_of_the_run_is_evidence() -> None:
    (revision,) = found(HELD, [event(0, "0.5"), event(10, "0.5"), event(28, "0.5")])
    assert {one.event_id for one in revision.evidence} == {"E0", "E28"}


BLIPS = [(0, "2"), (10, "0.5"), (20, "3"), (30, "0.5"), (40, "2")]


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        ([*BLIPS, (50, "0.5")], [50]),
        ([*BLIPS[:4], (50, "0.5")], []),
        # Two in a row are one run.
        ([*BLIPS[:3], (25, "2"), (50, "0.5")], []),
        ([*BLIPS, (90, "0.5")], [90]),
        ([*BLIPS, (91, "0.5")], []),
        # A doubtful one between two does not part them.
        ([(0, "2"), (10, "<2"), (20, "3"), (30, "0.5"), (40, "2"), (50, "0.5")], []),
    ],
)
def test_separate_runs_of_a_period_are_counted(
    results: list[tuple[int, str]], expected: list[int]
) -> None:
    assert days(THREE, *results) == expected


def test_one_fact_of_each_run_and_what_parts_them_is_evidence() -> None:
    told = found(THREE, [event(*one) for one in [*BLIPS[:3], (25, "2"), *BLIPS[3:], (50, "0.5")]])
    assert {one.event_id for one in told[0].evidence} == {"E0", "E10", "E25", "E30", "E40", "E50"}


@pytest.mark.parametrize(
    ("when", "message"),
    [
        ("exists(psa) and days_since(run(psa)) > 1 d", "run of what? (expected 'where'"),
        ("runs(psa within 9 d) > 1", "runs of what? (expected 'where'"),
        ("runs(psa where it > 1 ng/mL) > 1", "a runs of everything (expected 'within'"),
    ],
)
def test_a_run_says_of_what_and_how_far_back(when: str, message: str) -> None:
    mistakes = check(read_rule(TEXT.format(when=when), "test-runs.yaml"))
    assert any(message in str(mistake) for mistake in mistakes)
