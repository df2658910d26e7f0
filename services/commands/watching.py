"""Who was watched by which rule, in which condition, for how long: the ground of a back-test."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas.base import as_utc
from schemas.events import Patient, Phase, Treatment
from services.detector.adapters.backtest import Watched
from services.detector.engine.instants import day_of
from services.detector.engine.rule import Course

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from services.commands.tables import Labels
    from services.detector.engine.fact import Fact
    from services.detector.engine.monitor import Monitor
    from services.detector.engine.rule import CompiledRule


class Chart:
    """One patient's courses, first day and day of death (ordinals), from the standing facts.

    A course that is only planned has not begun: nobody is watched for its failure.
    """

    def __init__(self, patient_id: str, facts: Sequence[Fact]) -> None:
        self.patient_id = patient_id
        self.last_issue = max((day_of(fact.issued) for fact in facts), default=0)
        self.first_day = min((fact.day for fact in facts), default=0)
        self.death = min(_deaths(facts), default=None)
        self._facts = facts
        self._steps: dict[str, list[Treatment]] = {}
        for fact in facts:
            if isinstance(fact.event, Treatment):
                self._steps.setdefault(fact.event.course_id, []).append(fact.event)

    def conditions(self) -> dict[tuple[str, str], str]:
        """The condition of each course, by patient and course id."""
        return {(self.patient_id, name): steps[0].condition for name, steps in self._steps.items()}

    def since(self, rule: CompiledRule) -> dict[str | None, int]:
        """Since which day a rule watches this patient, by condition.

        A rule of no particular condition (RECIST) watches only where there is something for it to
        read: leukaemia has no target lesions, and no failure of it is missed by their absence.
        """
        if not rule.per_course:
            return {None: self.first_day}
        found: dict[str | None, int] = {}
        for name, steps in self._steps.items():
            begun = [_day(step) for step in steps if step.phase is not Phase.PLANNED]
            course = _course(name, steps)
            if begun and rule.concerns(course) and (rule.conditions or self._read(rule, course)):
                condition = steps[0].condition
                found[condition] = min(*begun, found.get(condition, begun[0]))
        return found

    def _read(self, rule: CompiledRule, course: Course) -> bool:
        places = (rule.place(fact, course) for fact in self._facts)
        return any(entry is not None and entry.series for entry in places)


def charts_of(monitor: Monitor) -> list[Chart]:
    """The charts of all patients, by their surviving ids."""
    return [Chart(name, list(monitor.facts(name))) for name in monitor.patients()]


def watch(
    charts: Iterable[Chart], rules: Sequence[CompiledRule], labels: Labels, end: int
) -> Iterator[Watched]:
    """Everybody whom a rule concerned, with what was recorded of them.

    Args:
        charts: of all patients.
        rules: that were run.
        labels: recorded switches.
        end: ordinal of the day on which the replay ended.
    """
    for chart in charts:
        last = end if chart.death is None else min(end, chart.death)
        for rule in rules:
            if not rule.machines:
                continue  # a function, such as a grade: it never alerts
            for condition, day in chart.since(rule).items():
                key = (chart.patient_id, condition or "")
                yield Watched(
                    rule.id,
                    condition,
                    chart.patient_id,
                    days=max(0, last - day),
                    labelled=key in labels,
                    switched_on=labels.get(key),
                )


def _deaths(facts: Iterable[Fact]) -> Iterator[int]:
    for fact in facts:
        if isinstance(fact.event, Patient) and fact.event.deceased_at is not None:
            yield as_utc(fact.event.deceased_at).toordinal()


def _course(name: str, steps: Iterable[Treatment]) -> Course:
    """A course as the engine describes it: by all of its own facts together."""
    told = list(steps)
    return Course(
        name,
        conditions=frozenset(step.condition for step in told),
        modalities=frozenset(step.modality for step in told),
        regimens=frozenset(step.regimen.lower() for step in told if step.regimen),
    )


def _day(step: Treatment) -> int:
    return as_utc(step.effective_at).toordinal()
