"""Hours between facts: exact where both hours are known, three-valued where one is not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from schemas.events import EVENT
from services.detector.adapters.replay import ReplayResult, replay
from services.detector.language.checker import check
from services.detector.language.compiler import compile_rule
from services.detector.language.reader import read_rule

if TYPE_CHECKING:
    from schemas.events import ClinicalEvent

TEXT = """
rule: TEST-HOURS
title: Hours
kind: failure
plain: Hours
course: {{condition: malaria, modality: antimicrobial}}
clock: first started
{params}reads: {{temp: {{analyte: temp}}}}
criteria:
  - name: hours
    each: temp
    confirmed: "{when}"
severity: {{default: advisory}}
sentence: Hours.
misses: [nothing]
false_alarms: [nothing]
source: [{{cite: none}}]
"""
SINCE_CLOCK = "hours_since(clock) >= $limit"
PARAMS = "params: {limit: 48 h}\n"
BEGIN = "2024-01-01T08:00:00Z"


def made(at: str, key: str, **said: Any) -> ClinicalEvent:
    about = {"event_id": key, "patient_id": "HOSP|1", "source": "LAB", "effective_at": at}
    return EVENT.validate_python(about | {"issued_at": "2024-03-01T12:00:00Z"} | said)


def told(when: str, start: str, *samples: str) -> ReplayResult:
    params = PARAMS if "$limit" in when else ""
    rule = read_rule(TEXT.format(when=when, params=params), "test-hours.yaml")
    assert [str(mistake) for mistake in check(rule)] == []
    course = {"course_id": "c", "condition": "malaria", "modality": "antimicrobial"}
    events = [made(start, "S", type="treatment", phase="started", **course)]
    events += [
        made(at, f"E{number}", type="observation", analyte="temp", value="37", unit="Cel")
        for number, at in enumerate(samples)
    ]
    return replay(events, (compile_rule(rule),))


@pytest.mark.parametrize(
    ("start", "sample", "answer"),
    [
        (BEGIN, "2024-01-03T08:00:00Z", True),
        (BEGIN, "2024-01-03T07:59:59Z", False),
        (BEGIN, "2024-01-03T09:00:00+01:00", True),
        # Of a day without its hour all of it is meant.
        (BEGIN, "2024-01-02", False),
        (BEGIN, "2024-01-03", None),
        (BEGIN, "2024-01-04", True),
        ("2024-01-01", "2024-01-03T00:00:00Z", None),
        ("2024-01-01", "2024-01-04T00:00:00Z", True),
        ("2024-01-01", "2024-01-02T23:59:59Z", False),
        ("2024-01-01", "2024-01-02", False),
        ("2024-01-01", "2024-01-03", None),
        ("2024-01-01", "2024-01-04", True),
    ],
)
def test_hours_since_the_clock(start: str, sample: str, *, answer: bool | None) -> None:
    found = told(SINCE_CLOCK, start, sample)
    assert bool(found.revisions) is (answer is True)
    assert bool(found.unknowns) is (answer is None)


def test_hours_since_another_fact_which_is_evidence() -> None:
    when = "hours_since(last(temp)) <= 6 h"
    found = told(when, BEGIN, "2024-01-03T08:00:00Z", "2024-01-03T14:00:00Z")
    (alert,) = found.revisions
    assert {item.event_id for item in alert.evidence} == {"S", "E0", "E1"}
    late = told(when, BEGIN, "2024-01-03T08:00:00Z", "2024-01-03T14:00:01Z")
    assert not late.revisions
    assert not late.unknowns


def test_before_the_clock_there_are_no_hours() -> None:
    assert told("hours_since(clock) < 0 h", BEGIN, "2023-12-31T08:00:00Z").revisions == []
