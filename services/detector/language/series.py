"""Which facts a series of a rule takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from schemas.terminology.adverse_events import preferred_term
from services.detector.engine.fact import Fact
from services.detector.engine.rule import Course, Series

if TYPE_CHECKING:
    from services.detector.language import spec
    from services.detector.language.parts import Parts

Accepts = Callable[[Fact, Course], bool] | None
"""Whether a series takes a fact of its topics into a course; None if it takes all."""

_TOPICS = {
    "imaging": frozenset({"imaging_report"}),
    "treatment": frozenset({"treatment"}),
    "adverse_event": frozenset({"adverse_event"}),
}


def series(parts: Parts, one: spec.Series) -> Series:
    """A series as the engine reads it."""
    about = (one.name,)
    return Series(
        name=one.name,
        topics=frozenset(one.analytes) if one.kind == "observation" else _TOPICS[one.kind],
        accepts=_ACCEPTS[one.kind](one),
        since=parts.day_if_any(one.since, about),
        unless=parts.condition_if_any(one.unless, about),
        only=parts.condition_if_any(one.only, about),
        preliminary=one.preliminary,
    )


def _treatments(one: spec.Series) -> Accepts:
    modalities, phases = frozenset(one.modalities) - {"any"}, frozenset(one.phases)
    regimens = frozenset(regimen.lower() for regimen in one.regimens)
    classes = frozenset(name.lower() for name in one.classes)

    def accepts(fact: Fact, course: Course) -> bool:
        event = fact.event
        if one.own:
            if event.course_id != course.id:
                return False
        elif not (one.any_condition or course.id is None or event.condition in course.conditions):
            return False
        return (
            (not modalities or event.modality in modalities)
            and (not phases or event.phase in phases)
            and (not regimens or (event.regimen or "").lower() in regimens)
            and (not classes or any(c.lower() in classes for c in event.drug_classes or ()))
        )

    return accepts


def _images(one: spec.Series) -> Accepts:
    modalities, criteria = frozenset(one.modalities) - {"any"}, frozenset(one.criteria)
    if not modalities and not criteria:
        return None

    def accepts(fact: Fact, course: Course) -> bool:
        del course
        event = fact.event
        return (not modalities or event.modality in modalities) and (
            not criteria or event.criteria in criteria
        )

    return accepts


def _adverse_events(one: spec.Series) -> Accepts:
    wanted = frozenset(preferred_term(term) for term in one.terms) - {"any"}
    unwanted = frozenset(preferred_term(term) for term in one.other_than)
    if not (wanted or unwanted):
        return None

    def accepts(fact: Fact, course: Course) -> bool:
        del course
        term = preferred_term(fact.event.term, fact.event.code)
        return term not in unwanted and (not wanted or term in wanted)

    return accepts


_ACCEPTS: dict[str, Callable[[spec.Series], Accepts]] = {
    "observation": lambda _: None,
    "imaging": _images,
    "treatment": _treatments,
    "adverse_event": _adverse_events,
}
