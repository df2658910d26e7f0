"""Courses of treatment as bands under a chart, and what happened on a day as marks. Pure."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Final

from schemas.base import as_utc
from schemas.events import AdverseEvent, ImagingReport, Observation, Phase, Treatment
from schemas.partial import PartialDate
from services.notifier.inbox import words
from services.notifier.inbox.charts.picture import Moment, Period

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from schemas.alerts import AlertRevision
    from services.notifier.inbox.book import Event

_BEGINS: Final = (Phase.STARTED, Phase.ADMINISTERED, Phase.REDUCED, Phase.HELD)
_ENDS: Final = (Phase.COMPLETED, Phase.STOPPED)


def of_condition(alert: AlertRevision, facts: Sequence[Event]) -> list[Treatment]:
    """The courses of the alert's condition; every course if it concerns the whole patient."""
    courses = [fact for fact in facts if isinstance(fact, Treatment)]
    conditions = {one.condition for one in courses if one.course_id == alert.course_id}
    return [one for one in courses if not conditions or one.condition in conditions]


def periods(courses: Sequence[Treatment], around: tuple[datetime, datetime]) -> Iterator[Period]:
    """The courses as bands, those that lie in a time; a planned one is none."""
    ordered = sorted(courses, key=lambda one: (one.course_id, as_utc(one.effective_at)))
    for _, group in itertools.groupby(ordered, key=lambda one: one.course_id):
        period = _period(list(group))
        if period is not None and _overlaps(period, around):
            yield period


def _period(steps: Sequence[Treatment]) -> Period | None:
    """A course from its first step to its end; None while it is only planned."""
    done = [step for step in steps if step.phase in (*_BEGINS, *_ENDS)]
    if not done:
        return None
    ends = [step.effective_at for step in done if step.phase in _ENDS]
    label = done[0].regimen or done[0].modality
    start, end = done[0].effective_at, ends[-1] if ends else None
    # Of a month or a year the band takes all that may be meant.
    return Period(
        start.first if isinstance(start, PartialDate) else start,
        end.last if isinstance(end, PartialDate) else end,
        label,
    )


def _overlaps(period: Period, around: tuple[datetime, datetime]) -> bool:
    ended = period.end is not None and as_utc(period.end) < around[0]
    return not ended and as_utc(period.start) <= around[1]


def moments(
    facts: Sequence[Event], alert: AlertRevision, around: tuple[datetime, datetime]
) -> Iterator[Moment]:
    """Scans where scans are evidence; adverse events and coded findings that are evidence."""
    cited = {item.event_id for item in alert.evidence}
    scans = any(isinstance(f, ImagingReport) and f.event_id in cited for f in facts)
    for fact in facts:
        shown = fact.event_id in cited or (scans and isinstance(fact, ImagingReport))
        if isinstance(fact.effective_at, PartialDate):
            continue  # no place on an axis of days
        if shown and around[0] <= as_utc(fact.effective_at) <= around[1]:
            label = _moment_label(fact)
            if label is not None:
                yield Moment(fact.effective_at, label)


def _moment_label(fact: Event) -> str | None:
    match fact:
        case ImagingReport():
            method = words.name_of(fact.modality or "Imaging")
            grade = None if fact.deauville is None else f"Deauville {fact.deauville}"
            found = f"new lesions: {', '.join(fact.new_lesions)}" if fact.new_lesions else None
            return " ".join(part for part in (method, fact.response, grade, found) if part)
        case AdverseEvent():
            return fact.term if fact.grade is None else f"{fact.term}, grade {fact.grade}"
        case Observation(value=None):
            return f"{words.name_of(fact.analyte or 'finding')}: {fact.value_code}"
        case _:
            return None
