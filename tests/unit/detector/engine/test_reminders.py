"""A suspicion whose confirming test does not come: the alert says so, once, and keeps its dates."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest
from support.lanes import fact
from support.living import Life, as_released, rule_named

from schemas.events import EVENT
from services.detector.engine.fact import Fact
from services.detector.engine.instants import instant
from services.detector.engine.monitor import Monitor

if TYPE_CHECKING:
    from collections.abc import Iterable

    from schemas.alerts import AlertRevision

AN_OPERATION = Fact(
    EVENT.validate_python(
        {
            "type": "treatment",
            "event_id": "rp",
            "patient_id": "HOSP|1",
            "source": "EHR",
            "course_id": "one",
            "condition": "prostate-cancer",
            "modality": "surgery",
            "phase": "completed",
            "line": 1,
            "effective_at": "2023-01-02",
            "issued_at": "2023-01-02T12:00:00Z",
        }
    ),
    instant(date(2023, 1, 2)),
)


def psa(key: str, offset: int, value: str, **said: object) -> Fact:
    return fact(key, offset, value, **{"analyte": "psa", "unit": "ng/mL", **said})  # type: ignore[arg-type]


def told(*facts: Fact, until: date, monitor: Monitor | None = None) -> list[AlertRevision]:
    """What is told of recurrence after surgery; a suspicion asks for a second PSA in 60 days."""
    life = Life(monitor or Monitor((rule_named("PROST-BCR-RP"),)))
    return life.receive(as_released((AN_OPERATION, *facts))).advance(instant(until)).revisions


LOW, HIGH = psa("low", 0, "0.01"), psa("high", 100, "0.25")


def test_nobody_tests_again() -> None:
    suspected, reminder = told(LOW, HIGH, until=date(2025, 1, 1))
    assert (suspected.state, reminder.state) == ("suspected", "suspected")
    assert suspected.confirm_by is not None
    assert not suspected.confirmation_overdue
    assert reminder.confirmation_overdue
    assert reminder.change == "revised"
    assert reminder.confirm_by == suspected.confirm_by == reminder.at.date()
    assert reminder.summary == f"{suspected.summary} The test that would settle it is overdue."
    assert reminder.digest != suspected.digest


def test_nothing_is_said_on_the_last_day() -> None:
    (suspected,) = told(LOW, HIGH, until=date(2024, 4, 10))
    assert suspected.confirm_by is not None
    (still,) = told(LOW, HIGH, until=suspected.confirm_by)
    assert still == suspected


@pytest.mark.parametrize(("value", "state"), [("0.3", "confirmed"), ("0.02", "refuted")])
def test_the_second_test_settles_it(value: str, state: str) -> None:
    second = psa("second", 130, value)
    _, settled = told(LOW, HIGH, second, until=date(2025, 1, 1))
    assert settled.state == state
    assert not settled.confirmation_overdue


def test_a_late_second_test_settles_it_too() -> None:
    late = psa("second", 300, "0.3")
    states = [
        (r.state.value, r.confirmation_overdue)
        for r in told(LOW, HIGH, late, until=date(2025, 1, 1))
    ]
    assert states == [("suspected", False), ("suspected", True), ("confirmed", False)]


def test_new_evidence_does_not_move_the_dates() -> None:
    corrected = psa("high", 100, "0.26", late=20, status="corrected")
    first, revised, reminder = told(LOW, HIGH, corrected, until=date(2025, 1, 1))
    assert revised.confirm_by == first.confirm_by == reminder.confirm_by
    assert not revised.confirmation_overdue
    assert reminder.at.date() == first.confirm_by


def stored(facts: Iterable[Fact]) -> dict[str, Iterable[tuple[Fact, int | None]]]:
    return {"HOSP|1": [(one, one.issued) for one in facts]}


def test_a_reminder_is_given_once_across_a_restart() -> None:
    facts = (AN_OPERATION, LOW, HIGH)
    until = date(2024, 12, 1)
    monitor = Monitor((rule_named("PROST-BCR-RP"),))
    assert len(told(LOW, HIGH, until=until, monitor=monitor)) == 2
    later = Monitor((rule_named("PROST-BCR-RP"),))
    assert later.restore(stored(facts), {"HOSP|1": monitor.dump("HOSP|1")}, instant(until)) == []
    assert later.advance(instant(date(2026, 1, 1))) == []


def test_a_restart_before_the_day_keeps_it() -> None:
    facts = (AN_OPERATION, LOW, HIGH)
    until = date(2024, 4, 15)
    monitor = Monitor((rule_named("PROST-BCR-RP"),))
    (suspected,) = told(LOW, HIGH, until=until, monitor=monitor)
    later = Monitor((rule_named("PROST-BCR-RP"),))
    assert later.restore(stored(facts), {"HOSP|1": monitor.dump("HOSP|1")}, instant(until)) == []
    (reminder,) = later.advance(instant(date(2026, 1, 1)))
    assert (reminder.confirmation_overdue, reminder.confirm_by) == (True, suspected.confirm_by)


def test_nobody_is_reminded_after_the_next_line_began() -> None:
    salvage = Fact(
        AN_OPERATION.event.model_copy(
            update={
                "event_id": "srt",
                "course_id": "two",
                "modality": "radiotherapy",
                "phase": "started",
                "line": 2,
                "effective_at": date(2024, 4, 20),
                "issued_at": AN_OPERATION.event.issued_at.replace(year=2024, month=4, day=20),
            }
        ),
        instant(date(2024, 4, 20)),
    )
    revisions = told(LOW, HIGH, salvage, until=date(2025, 1, 1))
    assert [r.state.value for r in revisions] == ["suspected"]
