"""Each criterion of a rule becomes the machine of the engine that judges it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas.alerts import State
from services.detector.engine import escalation, missing, sequence, tiers, unanswered, unreported
from services.detector.engine.comparable import MachineApart
from services.detector.engine.truth import Unknown
from services.detector.engine.undecided import Reason, Undecided
from services.detector.language import spec
from services.detector.language.patterns import with_calendar

if TYPE_CHECKING:
    from services.detector.engine.finding import Machine
    from services.detector.language.parts import Parts


def machine(parts: Parts, criterion: spec.Criterion) -> Machine:
    """The machine that judges a criterion.

    Raises:
        AssertionError: it is a grading, which judges nothing by itself.
    """
    match criterion:
        case spec.Pattern():
            return _apart(parts, criterion, with_calendar(parts, criterion))
        case spec.Tiers():
            return _apart(parts, criterion, _tiers(parts, criterion))
        case spec.Missing():
            return _missing(parts, criterion)
        case spec.Unanswered():
            return _unanswered(parts, criterion)
        case spec.Unreported(name=name, each=each, tag=tag):
            due = parts.day(criterion.due, each)
            return unreported.Unreported(name, parts.seats(each), due, tag)
        case spec.Sequence():
            return _sequence(parts, criterion)
        case spec.Grading():
            raise AssertionError("a grading is no machine")


def _apart(parts: Parts, criterion: spec.Pattern | spec.Tiers, inner: Machine) -> Machine:
    """One for each specimen and method, where its series are kept apart."""
    if criterion.undecided:
        inner = Undecided(inner, _reasons(parts, criterion))
    shared = tuple(name for name in criterion.each if not parts.by_name[name].apart)
    together = isinstance(criterion, spec.Pattern) and criterion.together
    if together or shared == criterion.each:
        return inner
    return MachineApart(inner, parts.seats(shared))


def _reasons(parts: Parts, criterion: spec.Pattern | spec.Tiers) -> tuple[Reason, ...]:
    return tuple(
        Reason(parts.condition(one.when, criterion.each), Unknown(one.because))
        for one in criterion.undecided
    )


def _tiers(parts: Parts, criterion: spec.Tiers) -> tiers.Tiers | escalation.Escalation:
    about = criterion.each
    if criterion.escalates or criterion.suspect or criterion.refute is not None:
        return _escalation(parts, criterion)
    return tiers.Tiers(
        criterion.name,
        parts.seats(about),
        parts.arms(criterion.arms, about),
        state=State(criterion.state),
        given=parts.condition_if_any(criterion.given, about),
        rearm=parts.days_if_any(criterion.rearm),
        value=parts.number_if_any(criterion.value, about),
    )


def _escalation(parts: Parts, criterion: spec.Tiers) -> escalation.Escalation:
    about = criterion.each
    return escalation.Escalation(
        criterion.name,
        parts.seats(about),
        parts.arms(criterion.arms, about),
        state=State(criterion.state),
        given=parts.condition_if_any(criterion.given, about),
        rearm=parts.days_if_any(criterion.rearm),
        value=parts.number_if_any(criterion.value, about),
        suspect=parts.arms(criterion.suspect, about),
        refute=parts.condition_if_any(criterion.refute, about),
        keeps_onset=criterion.escalates,
        resumes=criterion.resumes,
    )


def _missing(parts: Parts, criterion: spec.Missing) -> missing.Missing:
    return missing.Missing(
        criterion.name,
        parts.seats(criterion.evidence),
        tuple(_anchor(parts, anchor) for anchor in criterion.anchors),
        given=parts.condition_if_any(criterion.given, criterion.evidence),
        preliminary=criterion.preliminary,
    )


def _anchor(parts: Parts, anchor: spec.Anchor) -> missing.Anchor:
    about = () if anchor.series is None else (anchor.series,)
    return missing.Anchor(
        series=None if anchor.series is None else parts.seats(about),
        due=parts.day(anchor.due, about),
        valid_from=parts.day_if_any(anchor.valid_from, about),
        when=parts.condition_if_any(anchor.when, about),
        tag=anchor.tag,
        severity=anchor.severity,
    )


def _unanswered(parts: Parts, criterion: spec.Unanswered) -> unanswered.Unanswered:
    by_name = {one.name: one for one in parts.rule.criteria}
    return unanswered.Unanswered(
        criterion.name,
        tuple(machine(parts, by_name[name]) for name in criterion.findings),
        tuple(
            unanswered.Answer(parts.seats(one.each), parts.condition_if_any(one.when, one.each))
            for one in criterion.answers
        ),
        tuple(
            unanswered.Due(parts.days(due.after), due.tag, due.severity) for due in criterion.due
        ),
    )


def _sequence(parts: Parts, criterion: spec.Sequence) -> sequence.Sequence:
    unless = criterion.unless
    return sequence.Sequence(
        criterion.name,
        _leg(parts, criterion.first),
        _leg(parts, criterion.then),
        within=parts.days(criterion.within),
        unless=None if unless is None else _nearest(parts, unless),
        unless_missing=criterion.unless_missing,
    )


def _leg(parts: Parts, leg: spec.Leg) -> sequence.Leg:
    return sequence.Leg(parts.seats(leg.each), parts.condition(leg.when, leg.each))


def _nearest(parts: Parts, unless: spec.Nearest) -> sequence.Nearest:
    return sequence.Nearest(
        parts.seats(unless.each),
        parts.days(unless.within),
        parts.condition(unless.when, unless.each),
    )
