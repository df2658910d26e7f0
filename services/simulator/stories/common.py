"""How every story begins, how visits go by, and how late a hospital acts."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from services.simulator.laboratory import Laboratory, bedside

if TYPE_CHECKING:
    from collections.abc import Iterable

    from services.simulator.chart import Chart, Draft


def open_chart(chart: Chart, sex: str, ages: tuple[int, int], goals: str, *, ecog: int = 0) -> None:
    """Register the patient, and note what bears on fitness."""
    age = chart.chance.between(*ages)
    born = chart.start - timedelta(days=age * 365 + chart.chance.between(100, 300))
    chart.person(0, birth_date=_iso(born), sex=sex, goals_of_care=goals)
    for day in range(2, chart.end, 240):
        bedside(chart, day, ecog + (1 if day > 0 and chart.chance.happens(200) else 0))


def _iso(day: date) -> str:
    return day.isoformat()


def visits(chart: Chart, lab: Laboratory, days: Iterable[int]) -> None:
    """Everyday blood tests on these days; the count and the chemistry by turns or together."""
    for day in days:
        lab.chemistry(day)
        if chart.chance.happens(600):
            lab.count(day)


def late_switch(chart: Chart, condition: str, known_by: int, *, low: int, high: int) -> int | None:
    """Decide when the hospital acted on a failure that was known by day `known_by`.

    Delays of months are what observational studies of salvage report, e.g. a median of 220 days
    from confirmed virological failure to switch (Bell Gorrod 2020).

    Returns:
        The day, or None when it lies beyond the period (the switch is then not on record).
    """
    day = known_by + chart.chance.between(low, high)
    if not chart.alive(day):
        return None
    chart.switch(condition, day)
    return day


def months_after(chart: Chart, months: int) -> date:
    """Day 0 plus calendar months, clamped to the month's end (convention C1 of the catalogue)."""
    return add_months(chart.start, months)


def add_months(day: date, months: int) -> date:
    """A date some calendar months later, clamped to the month's end."""
    total = day.month - 1 + months
    year, month = day.year + total // 12, total % 12 + 1
    first_of_next = date(year + month // 12, month % 12 + 1, 1)
    return date(year, month, min(day.day, (first_of_next - timedelta(days=1)).day))


def chemotherapy(  # noqa: PLR0913
    chart: Chart,
    lab: Laboratory,
    course: str,
    condition: str,
    regimen: str,
    *,
    classes: list[str],
    cycles: int = 6,
    nadirs: int = 6,
    intent: str = "disease-control",
) -> Draft:
    """Three-weekly cycles from day 0, with counts before each and at the nadir around day 10.

    The nadirs are those of an ordinary course: neutrophils between 0.7 and 1.6, never below the
    0.5 of the neutropenia rule. `nadirs`: after how many cycles they are measured.

    Returns:
        The last dose.
    """
    more: dict[str, object] = {
        "regimen": regimen,
        "drug_classes": classes,
        "line": 1,
        "intent": intent,
        "planned_cycles": cycles,
    }
    chart.treat(0, course, condition, "chemotherapy", "started", **more)
    for cycle in range(1, cycles + 1):
        day = 21 * (cycle - 1)
        step = {**more, "cycle": cycle}
        chart.treat(day, course, condition, "chemotherapy", "administered", **step)
        lab.chemistry(day)
        if cycle <= nadirs:
            _nadir(chart, lab, day + 9 + chart.chance.below(3))
    last = 21 * (cycles - 1)
    return chart.treat(last, course, condition, "chemotherapy", "completed", **more)


def _nadir(chart: Chart, lab: Laboratory, day: int) -> None:
    chance = chart.chance
    lab.count(
        day,
        neutrophils=str(chance.value("0.70", "1.60", "0.01")),
        leukocytes=str(chance.value("1.6", "2.9", "0.1")),
        platelets=str(chance.value("88", "150", "1")),
    )
