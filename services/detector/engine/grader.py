"""Grades for every observation of the graded analytes: a function of facts, never an alert."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.detector.engine.grades import (
    ANTICOAGULANT,
    DAIDS,
    FASTING,
    Question,
    Scale,
    graded_analytes,
    graded_by,
    lab_value,
)
from services.detector.engine.person import sex_of
from services.detector.engine.truth import Unknown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from schemas.terminology.grading import LabValue
    from services.detector.engine.fact import Fact


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
        graded = graded_analytes(self.scale)
        for index, fact in enumerate(standing):
            if fact.topic in graded and fact.event.type == "observation":
                yield from self._verdicts(fact, standing, index)

    @property
    def scale(self) -> Scale:
        """The table, as grades in conditions name it."""
        return Scale(self.table, self.version, self.baseline_within)

    def _verdicts(self, fact: Fact, facts: list[Fact], index: int) -> Iterator[GradedFact]:
        if fact.event.value is None:
            return
        for verdict in graded_by(self._question(fact, facts, index)):
            doubt = fact.value.reason if isinstance(fact.value, Unknown) else verdict.reason
            yield GradedFact(
                fact,
                verdict.term,
                self.version,
                None if isinstance(fact.value, Unknown) else verdict.grade,
                None if doubt is None else str(doubt),
            )

    def _question(self, fact: Fact, facts: list[Fact], index: int) -> Question:
        sex = sex_of(_teller_of_sex(facts)) if self.table == DAIDS else None
        return Question(
            self.scale,
            fact.topic,
            lab_value(fact),
            self._baseline(fact, facts, index),
            _symptomatic(fact, facts),
            _anticoagulated(fact, facts),
            FASTING in {fact.event.method, fact.event.specimen},
            None if isinstance(sex, Unknown) else sex,
        )

    def _baseline(self, fact: Fact, facts: list[Fact], index: int) -> LabValue | None:
        """The last value on or before the start of the treatment that runs at this fact."""
        start = _first_dose(fact, facts)
        if start is None:
            return lab_value(fact) if self._becomes_baseline(fact, facts, index) else None
        for earlier in reversed(facts[: index + 1]):
            if earlier.topic != fact.topic or earlier.day > start:
                continue
            if start - earlier.day > self.baseline_within or earlier.event.value is None:
                return None
            return lab_value(earlier)
        return None

    def _becomes_baseline(self, fact: Fact, facts: list[Fact], index: int) -> bool:
        """Whether this value, from before any treatment, is the last one before the first dose."""
        for later in facts[index + 1 :]:
            if later.topic == fact.topic and later.event.value is not None:
                return False
            if later.topic == "treatment" and later.event.phase == "started":
                return later.day - fact.day <= self.baseline_within
        return False


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
            if ANTICOAGULANT in classes:
                running = step.event.phase not in {"stopped", "completed", "planned"}
    return running


def _teller_of_sex(facts: list[Fact]) -> Fact | None:
    """The last word on the person's sex, whenever it was said."""
    told = [f for f in facts if f.topic == "patient" and f.event.sex is not None]
    return max(told, key=lambda fact: (fact.issued, fact.key), default=None)
