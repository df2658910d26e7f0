"""Replay of an archive: facts become known at their `issued_at`, and the clock moves with them.

Input order means nothing. The clock goes from one issue to the next, through every due date on
the way. The same engine as live traffic; this is only its clock.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING

from schemas.partial import PartialDate
from services.detector.engine.fact import Fact
from services.detector.engine.instants import instant, moment
from services.detector.engine.monitor import Monitor
from services.runtime.collecting import uncollected

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import date, datetime
    from decimal import Decimal

    from schemas.alerts import AlertRevision
    from schemas.events import ClinicalEvent
    from schemas.plain import PlainObservation
    from services.detector.engine.grader import GradedFact
    from services.detector.engine.rule import CompiledRule

_UNSAID = -sys.maxsize
"""The issue of a fact that doesn't tell it: before every instant of a calendar."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """A condition that could not be evaluated."""

    patient_id: str
    rule: str
    event_ids: tuple[str, ...]
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class GradedEvent:
    """A graded observation."""

    patient_id: str
    event_id: str
    rule: str
    term: str
    version: int
    grade: int | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class FigureOfRule:
    """A number that a rule worked out last, whether or not it alerts: a clearance, a mean."""

    patient_id: str
    rule: str
    course_id: str | None
    event_id: str
    value: Decimal


@dataclass(frozen=True, slots=True)
class ReplayResult:
    """All that a replay had to say."""

    revisions: list[AlertRevision]
    unknowns: list[Unknown]
    grades: list[GradedEvent]
    figures: list[FigureOfRule] = field(default_factory=list)


def replay(
    events: Iterable[ClinicalEvent | PlainObservation],
    rules: Sequence[CompiledRule],
    *,
    until: datetime | None = None,
    incremental: bool = True,
) -> ReplayResult:
    """Run an archive through the engine.

    Args:
        events: in any order.
        rules: compiled.
        until: the clock runs up to here; default: the last issue.
        incremental: see `Monitor`.
    """
    monitor = Monitor(rules, incremental=incremental)
    revisions = list(journal(events, monitor, until=until))
    told = list(unknowns(monitor)), list(grades(monitor, rules)), list(figures(monitor))
    return ReplayResult(revisions, *told)


def journal(
    events: Iterable[ClinicalEvent | PlainObservation],
    monitor: Monitor,
    *,
    until: datetime | None = None,
    as_of: datetime | None = None,
) -> Iterator[AlertRevision]:
    """The alert journal, in the order in which its entries became known.

    Args:
        events: in any order; one without `issued_at` is taken to be issued at its clinical time.
        monitor: a fresh one; it holds the final state afterwards.
        until: the clock runs up to here; default: the last issue.
        as_of: what was issued later is left out.
    """
    with uncollected():
        yield from _journal(events, monitor, until, as_of)


def _journal(
    events: Iterable[ClinicalEvent | PlainObservation],
    monitor: Monitor,
    until: datetime | None,
    as_of: datetime | None,
) -> Iterator[AlertRevision]:
    limit = None if as_of is None else instant(as_of)
    facts = [_fact(event) for event in events]
    facts = [fact for fact in facts if limit is None or fact.issued <= limit]
    facts.sort(key=lambda fact: (fact.issued, fact.event.patient_id, fact.key))
    last = None if until is None else instant(until)
    for issued, group in groupby(facts, key=lambda fact: fact.issued):
        if last is not None and issued > last:
            break
        yield from monitor.receive(group, issued)
    if last is None:
        last = limit if limit is not None else (facts[-1].issued if facts else None)
    if last is not None:
        yield from monitor.advance(last)


def _fact(event: ClinicalEvent | PlainObservation) -> Fact:
    fact = Fact(event, _UNSAID)
    return Fact(event, _said_by(event.effective_at)) if fact.issued == _UNSAID else fact


def _said_by(effective: date | datetime | PartialDate) -> int:
    """When a fact that doesn't say when it was issued is taken to be known: not too early."""
    return instant(effective.last if isinstance(effective, PartialDate) else effective)


def unknowns(monitor: Monitor) -> Iterator[Unknown]:
    """What stands undecided at the end."""
    for one in monitor.undecided():
        fact = one.doubt.fact
        yield Unknown(
            one.patient_id,
            one.rule,
            (fact.event.event_id,),
            one.doubt.reason,
            moment(fact.known),
        )


def figures(monitor: Monitor) -> Iterator[FigureOfRule]:
    """What the rules worked out last."""
    for patient_id, rule, course_id, fact, value in monitor.figures():
        yield FigureOfRule(patient_id, rule, course_id, fact.event.event_id, value)


def grades(monitor: Monitor, rules: Sequence[CompiledRule]) -> Iterator[GradedEvent]:
    """The grades that rules of kind `function` give."""
    for rule in rules:
        for grader in rule.graders:
            for patient_id in monitor.patients():
                for verdict in grader.grade(monitor.facts(patient_id)):
                    yield _graded(patient_id, rule.id, verdict)


def _graded(patient_id: str, rule: str, verdict: GradedFact) -> GradedEvent:
    return GradedEvent(
        patient_id,
        verdict.fact.event.event_id,
        rule,
        verdict.term,
        verdict.version,
        verdict.grade,
        verdict.reason,
    )
