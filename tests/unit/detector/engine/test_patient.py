"""Courses that turn into something else, deaths, and goals of care: seen through a monitor."""

from __future__ import annotations

from typing import Any

from support.lanes import at_noon, fact, step
from support.living import rule_named

from schemas.events import EVENT
from services.detector.engine.fact import Fact
from services.detector.engine.monitor import Monitor

RT = {"modality": "radiotherapy"}


def person(key: str, offset: int, **said: Any) -> Fact:
    on = f"2024-01-{offset + 1:02}"
    event = {"type": "patient", "event_id": key, "patient_id": "HOSP|1", "source": "EHR"}
    times = {"effective_at": on, "issued_at": f"{on}T12:00:00Z"}
    return Fact(EVENT.validate_python({**event, **times, **said}), 0)


def said(monitor: Monitor, now: int, *facts: Fact) -> list[tuple[str, str]]:
    return [(one.change, one.state.value) for one in monitor.receive(facts, at_noon(now))]


def failing() -> tuple[Monitor, list[tuple[str, str]]]:
    """A PSA failure after radiotherapy, by day 5."""
    monitor = Monitor((rule_named("PROST-PHOENIX"),))
    course = step("rt", 0, "completed", **RT)
    return monitor, said(monitor, 5, course, fact("low", 1, "0.5"), fact("high", 5, "3"))


def test_a_course_that_was_another_treatment_takes_its_alert_along() -> None:
    monitor, before = failing()
    assert before == [("raised", "confirmed")]
    other = step("rt", 0, "completed", modality="surgery", issued_at="2024-01-08T12:00:00Z")
    assert said(monitor, 7, other) == [("withdrawn", "retracted")]
    again = step("rt", 0, "completed", **RT, issued_at="2024-01-09T12:00:00Z")
    assert said(monitor, 8, again) == [("raised", "confirmed")]


def test_a_course_that_vanishes_takes_its_alert_along() -> None:
    monitor, _ = failing()
    gone = step("rt", 0, "completed", **RT, status="cancelled", issued_at="2024-01-08T12:00:00Z")
    assert said(monitor, 7, gone) == [("withdrawn", "retracted")]
    assert said(monitor, 9, fact("higher", 9, "9")) == []


def test_after_a_death_in_the_same_batch_nothing_is_said() -> None:
    monitor = Monitor((rule_named("PROST-PHOENIX"),))
    death = person("p", 4, deceased_at="2024-01-05")
    course, low, high = step("rt", 0, "completed", **RT), fact("low", 1, "0.5"), fact("h", 5, "3")
    assert said(monitor, 5, course, death, low, high) == []
    back = person("p", 4, status="entered-in-error", issued_at="2024-01-09T12:00:00Z")
    assert said(monitor, 8, back) == [("raised", "confirmed")]


def test_before_the_death_it_was_true_and_stays() -> None:
    monitor, _ = failing()
    assert said(monitor, 9, person("p", 9, deceased_at="2024-01-10")) == []
    assert said(monitor, 12, fact("low", 1, "2", late=10, status="corrected")) == [
        ("withdrawn", "retracted")
    ]


def test_comfort_only_and_back_revise_what_stands() -> None:
    monitor, _ = failing()
    comfort = person("p", 6, goals_of_care="comfort-only")
    assert said(monitor, 6, comfort) == [("revised", "info")]
    assert said(monitor, 6, comfort) == []
    assert said(monitor, 7, person("q", 7, goals_of_care="control")) == [("revised", "confirmed")]


def test_comfort_only_leaves_toxicity_as_it_is() -> None:
    monitor = Monitor((rule_named("TOX-ANC4-7D"),))
    low = fact("a", 0, "0.1", analyte="neutrophils", unit="10*9/L")
    assert said(monitor, 0, low) == [("raised", "suspected")]
    assert said(monitor, 6, person("p", 6, goals_of_care="comfort-only")) == []
