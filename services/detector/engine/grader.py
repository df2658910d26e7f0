"""Grades for every observation of the graded analytes: a function of facts, never an alert."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from schemas.terminology import ctcae

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from services.detector.engine.fact import Fact
from services.detector.engine.truth import Unknown

_ANTICOAGULANT = "anticoagulant"
_FASTING = "fasting"


@dataclass(frozen=True, slots=True)
class GradedFact:
    """The verdict of one term on one observation. `grade` is None with a reason."""

    fact: Fact
    term: str
    version: int
    grade: int | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Grader:
    """Grades by a table in one of its versions.

    The baseline of a value is the last final value of its analyte on or before the first dose of
    the treatment then running, no older than `baseline_within` days (catalogue B1, ours). The
    baseline is its own baseline: a patient does not begin with a toxicity.
    """

    name: str
    table: str
    version: int
    baseline_within: int

    def grade(self, facts: Iterable[Fact]) -> Iterator[GradedFact]:
        """Grade all observations of one patient, in clinical order."""
        standing = sorted(
            (fact for fact in facts if not fact.provisional),
            key=lambda fact: (fact.day, fact.topic != "treatment", fact.at, fact.key),
        )
        graded = ctcae.graded_analytes(self.version)
        for index, fact in enumerate(standing):
            if fact.topic in graded and fact.event.type == "observation":
                yield from self._verdicts(fact, standing, index)

    def _verdicts(self, fact: Fact, facts: list[Fact], index: int) -> Iterator[GradedFact]:
        if fact.event.value is None:
            return
        verdicts = ctcae.grade(
            fact.topic,
            _lab_value(fact),
            version=self.version,
            baseline=self._baseline(fact, facts, index),
            symptomatic=_symptomatic(fact, facts),
            anticoagulated=_anticoagulated(fact, facts),
            fasting=_FASTING in {fact.event.method, fact.event.specimen},
        )
        for verdict in verdicts:
            doubt = fact.value.reason if isinstance(fact.value, Unknown) else verdict.reason
            yield GradedFact(
                fact,
                verdict.term,
                self.version,
                None if isinstance(fact.value, Unknown) else verdict.grade,
                None if doubt is None else str(doubt),
            )

    def _baseline(self, fact: Fact, facts: list[Fact], index: int) -> ctcae.LabValue | None:
        """The last value on or before the start of the treatment that runs at this fact."""
        start = _first_dose(fact, facts)
        if start is None:
            return _lab_value(fact) if self._becomes_baseline(fact, facts, index) else None
        for earlier in reversed(facts[: index + 1]):
            if earlier.topic != fact.topic or earlier.day > start:
                continue
            if start - earlier.day > self.baseline_within or earlier.event.value is None:
                return None
            return _lab_value(earlier)
        return None

    def _becomes_baseline(self, fact: Fact, facts: list[Fact], index: int) -> bool:
        """Whether this value, from before any treatment, is the last one before the first dose."""
        for later in facts[index + 1 :]:
            if later.topic == fact.topic and later.event.value is not None:
                return False
            if later.topic == "treatment" and later.event.phase == "started":
                return later.day - fact.day <= self.baseline_within
        return False


def _lab_value(fact: Fact) -> ctcae.LabValue:
    event = fact.event
    return ctcae.LabValue(
        value=event.value,
        unit=event.unit,
        comparator=event.comparator,
        low=event.reference_low,
        high=event.reference_high,
    )


def _first_dose(fact: Fact, facts: list[Fact]) -> int | None:
    """Day of the first dose of the newest course that had begun by the fact's day."""
    starts = [
        step.day
        for step in facts
        if step.topic == "treatment" and step.event.phase == "started" and step.day <= fact.day
    ]
    return max(starts, default=None)


def _symptomatic(fact: Fact, facts: list[Fact]) -> bool:
    """Whether an adverse event that stood on that day names the value's analyte as its code."""
    return any(
        other.topic == "adverse_event"
        and other.event.suspected == fact.topic
        and other.day <= fact.day
        and (other.event.ended_at is None or other.event.ended_at.toordinal() >= fact.day)
        for other in facts
    )


def _anticoagulated(fact: Fact, facts: list[Fact]) -> bool:
    """Whether an anticoagulant was being taken on that day."""
    running = False
    for step in facts:
        if step.topic == "treatment" and step.day <= fact.day:
            classes = {name.lower() for name in step.event.drug_classes or ()}
            if _ANTICOAGULANT in classes:
                running = step.event.phase not in {"stopped", "completed", "planned"}
    return running
