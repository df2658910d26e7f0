"""Reports that ought to follow: preliminary first, final in time, late, elsewhere or never."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from schemas.events import EVENT
from services.detector.adapters.replay import replay
from services.detector.language.checker import check
from services.detector.language.compiler import compile_rule
from services.detector.language.reader import read_rule

if TYPE_CHECKING:
    from schemas.alerts import AlertRevision
    from schemas.events import ClinicalEvent
    from services.detector.language.spec import Rule

RULE = """
rule: TEST-REPORT
title: A report
kind: overdue
plain: A report
course: {condition: lymphoma}
clock: first started
reads: {pet: {imaging: PT}}
criteria:
  - name: report
    unreported: pet
    due: date + 7 d
    tag: pending
  - name: scan
    missing: pet
    preliminary: true
    after: [{clock: true, due: clock + 30 d, tag: missing}]
severity: {overdue: advisory}
sentence: A report.
misses: [nothing]
false_alarms: [nothing]
source: [{cite: none}]
"""
END = datetime(2024, 12, 31, tzinfo=UTC)


def rule(text: str = RULE) -> Rule:
    read = read_rule(text, "test-report.yaml")
    assert [str(mistake) for mistake in check(read)] == []
    return read


def told(*events: ClinicalEvent, until: datetime = END) -> list[AlertRevision]:
    return replay([start(), *events], (compile_rule(rule()),), until=until).revisions


def said(*events: ClinicalEvent) -> list[tuple[str, str, str | None]]:
    return [(f"{r.at:%m-%d}", r.state.value, r.tag) for r in told(*events)]


def event(kind: str, day: str, issued: str | None = None, **what: object) -> ClinicalEvent:
    about = {"type": kind, "event_id": kind, "patient_id": "HOSP|1", "source": "RIS"}
    times = {"effective_at": day, "issued_at": f"{issued or day}T12:00:00Z"}
    return EVENT.validate_python({**about, **times, **what})


def start() -> ClinicalEvent:
    about = {"course_id": "C1", "condition": "lymphoma", "modality": "chemotherapy"}
    return event("treatment", "2024-01-01", phase="started", **about)


def pet(
    day: str, issued: str | None = None, status: str = "final", name: str = "p"
) -> ClinicalEvent:
    return event("imaging_report", day, issued, modality="PT", status=status, event_id=name)


def test_a_scan_that_was_done_is_not_missing_but_its_report_is() -> None:
    assert said(pet("2024-01-10", status="preliminary")) == [("01-17", "overdue", "pending")]


def test_a_final_report_in_time_is_no_news() -> None:
    assert said(pet("2024-01-10", status="preliminary"), pet("2024-01-10", "2024-01-17")) == []


def test_a_late_one_clears() -> None:
    events = pet("2024-01-10", status="preliminary"), pet("2024-01-10", "2024-01-18")
    assert said(*events)[1:] == [("01-18", "cleared", "pending")]


def test_a_report_that_was_late_and_never_awaited_is_no_news() -> None:
    assert said(pet("2024-01-10", "2024-01-25")) == []


def test_another_final_report_answers_if_it_is_not_of_an_earlier_day() -> None:
    pending = pet("2024-01-10", status="preliminary")
    assert len(said(pending, pet("2024-01-09", "2024-01-25", name="q"))) == 1
    assert said(pending, pet("2024-01-10", "2024-01-25", name="q"))[1:] == [
        ("01-25", "cleared", "pending")
    ]


def test_a_scan_that_was_cancelled_takes_the_wait_with_it() -> None:
    events = pet("2024-01-10", status="preliminary"), pet("2024-01-10", "2024-01-20", "cancelled")
    assert [(day, state) for day, state, _ in said(*events)] == [
        ("01-17", "overdue"),
        ("01-20", "retracted"),
        ("01-31", "overdue"),
    ]


def test_two_reports_are_awaited_each_until_its_day() -> None:
    pending = [pet(f"2024-01-1{n}", status="preliminary", name=f"p{n}") for n in (0, 2)]
    assert [day for day, _, _ in said(*pending)] == ["01-17", "01-19"]


def test_the_evidence_is_the_scan_and_the_course() -> None:
    (overdue,) = told(pet("2024-01-10", status="preliminary"))
    assert [item.role.value for item in overdue.evidence] == ["clock", "support"]


def test_the_due_day_is_a_time() -> None:
    read = read_rule(RULE.replace("date + 7 d", "7 d"), "test-report.yaml")
    assert any("a time" in str(mistake) for mistake in check(read))


def test_a_series_that_is_not_read_is_named() -> None:
    read = read_rule(RULE.replace("unreported: pet", "unreported: pets"), "test-report.yaml")
    assert any("pets" in str(mistake) for mistake in check(read))
