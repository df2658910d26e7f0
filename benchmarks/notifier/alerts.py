"""A year of alerts for synthetic patients: what a detector would have published, and when.

The rates are estimates of ours (E): one case a patient and year on average, of which most begin as
a suspicion; what matters is that every kind of revision comes often enough to be seen.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from schemas.alerts import AlertRevision, Kind, Severity, State
from schemas.base import digest
from services.notifier.cases.case import Course
from services.notifier.cases.commands import Alerted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

CONDITIONS: Final = ("hiv", "hepatitis-b", "cml", "lymphoma", "multiple-myeloma", "prostate-cancer")
SEVERITIES: Final = {
    Severity.CRITICAL: 5,
    Severity.URGENT: 25,
    Severity.IMPORTANT: 50,
    Severity.ADVISORY: 20,
}
WINDOW: Final = {
    Severity.CRITICAL: timedelta(days=1),
    Severity.URGENT: timedelta(days=14),
    Severity.IMPORTANT: timedelta(days=60),
    Severity.ADVISORY: timedelta(days=120),
}
"""Time left to act when an alert is raised."""
SUSPECTED_FIRST, REFUTED, RETRACTED = 0.6, 0.4, 0.05
"""Shares: of alerts that begin as a suspicion, of those that are refuted, of alerts in error."""


class Planned(NamedTuple):
    """A revision, and when it is published."""

    at: datetime
    given: Alerted


def year_of(number: int, begin: datetime, rng: Random) -> Iterator[Planned]:
    """What is published of one patient in the year from `begin`."""
    course = Course(
        patient_id=f"SYN|{number:06}", course_id="C1", condition=rng.choice(CONDITIONS), line=1
    )
    for alert in range(rng.choices([0, 1, 2, 3], [40, 35, 15, 10])[0]):
        at = begin + timedelta(minutes=rng.randrange(365 * 24 * 60))
        severity = rng.choices(list(SEVERITIES), list(SEVERITIES.values()))[0]
        yield from _alert(course, f"R{alert}", severity, at, rng)


def _alert(
    course: Course, rule: str, severity: Severity, at: datetime, rng: Random
) -> Iterator[Planned]:
    """One alert: often a suspicion first, that is confirmed or not; sometimes an error."""
    act_by, number = at + WINDOW[severity], 1
    if rng.random() < SUSPECTED_FIRST and severity is not Severity.CRITICAL:
        yield _revision(course, rule, number, State.SUSPECTED, Severity.IMPORTANT, at, act_by)
        at, number = at + timedelta(days=rng.randrange(7, 40)), 2
        if rng.random() < REFUTED:
            yield _revision(course, rule, number, State.REFUTED, severity, at, act_by)
            return
        act_by = at + WINDOW[severity]
    yield _revision(course, rule, number, State.CONFIRMED, severity, at, act_by)
    if rng.random() < RETRACTED:
        at += timedelta(hours=rng.randrange(1, 400))
        yield _revision(course, rule, number + 1, State.RETRACTED, severity, at, act_by)


def _revision(
    course: Course,
    rule: str,
    number: int,
    state: State,
    severity: Severity,
    at: datetime,
    act_by: datetime,
) -> Planned:
    down = state in (State.REFUTED, State.RETRACTED)
    revision = AlertRevision(
        alert_id=digest(course.patient_id, rule),
        revision=number,
        digest=digest(course.patient_id, rule, number),
        change="withdrawn" if down else "raised" if number == 1 else "revised",
        episode=1,
        state=state,
        kind=Kind.FAILURE,
        severity=severity,
        patient_id=course.patient_id,
        course_id=course.course_id,
        rule=rule,
        rule_version="1",
        title="synthetic",
        summary="synthetic",
        at=at,
        onset=at - timedelta(days=1),
        act_by=act_by,
    )
    return Planned(at, Alerted(revision=revision, course=course))
