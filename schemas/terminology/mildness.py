"""Which values are surely milder than a grade, told at a glance.

Nearly every result is far from grade 3. Where that shows in its number, beside its own reference
limits and the value before treatment, the terms need not be judged.

Law of this file: it may say "milder" only where `grading.judge` leaves no such grade open, whatever
the conditions (symptoms, anticoagulants, sex). It may say nothing: then the terms are judged.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from schemas.terminology.grading import LabValue, column_of
from schemas.terminology.spans import Ungraded

if TYPE_CHECKING:
    from collections.abc import Iterable

    from schemas.terminology.grade_table import Arm, Limit, Table

_ENDLESS = Decimal("Infinity")
_ABOVE = frozenset({">", ">="})
_OF_THE_BASELINE = frozenset({"baseline high", "baseline low"})


class Beside(NamedTuple):
    """A limit beside the value before treatment, and whether it needs that there was one."""

    limit: Limit
    needs_one: bool


class Milder(NamedTuple):
    """The exact numbers between `floor` and `ceiling` are milder, if no limit `beside` is passed.

    Attributes:
        factor: from the reported unit to that of the limits.
        unit: that of the limits.
    """

    table: Table
    unit: str | None
    factor: Decimal
    floor: Decimal
    ceiling: Decimal
    beside: tuple[Beside, ...]

    def admits(self, value: Decimal) -> bool:
        """Whether a number as reported lies in between: all there is to ask without `beside`."""
        return self.floor < value * self.factor < self.ceiling

    def holds(self, value: Decimal, baseline: LabValue | None) -> bool:
        """Whether a number as reported is milder, with that value before treatment."""
        if not self.admits(value):
            return False
        if baseline is None:
            return all(one.needs_one for one in self.beside)
        unit, factor = self.table.scaled(baseline.unit)
        before = baseline.value * factor
        if unit != self.unit or before <= 0 or baseline.comparator is not None:
            return False
        number = value * self.factor
        return all(_clears(one.limit, number, before) for one in self.beside)


def _clears(limit: Limit, number: Decimal, reference: Decimal) -> bool:
    """Whether a number surely doesn't pass a limit."""
    end = reference * limit.factor + limit.offset
    return number < end if limit.operator in _ABOVE else number > end


def milder(table: Table, version: int, analyte: str, grade: int, sort: LabValue) -> Milder | None:
    """The numbers that are surely milder than a grade by all terms of an analyte.

    Args:
        table: the scale.
        version: of the scale.
        analyte: our key.
        grade: 1 to 4.
        sort: of the results: their unit and reference limits; the number is of no account.

    Returns:
        None where there is no telling: a limit of normal is missing, or the value is censored.
    """
    unit, factor = table.scaled(sort.unit)
    references = {"one": Decimal(1), "uln": sort.high, "lln": sort.low}
    scaled = {
        name: number if name == "one" else number * factor
        for name, number in references.items()
        if number is not None and (name != "uln" or number > 0)
    }
    floor, ceiling, beside = -_ENDLESS, _ENDLESS, list[Beside]()
    for term in table.of(version, analyte):
        column = column_of(table, term, sort.unit)
        if isinstance(column, Ungraded) or term.not_graded is not None:
            return None
        for arm, limit in _ways(column, grade):
            if limit.reference == "baseline":
                beside.append(Beside(limit, not _OF_THE_BASELINE.isdisjoint(arm.conditions)))
            elif limit.reference not in scaled:
                return None
            elif limit.operator in _ABOVE:
                ceiling = min(ceiling, _end(limit, scaled))
            else:
                floor = max(floor, _end(limit, scaled))
    if sort.comparator is not None:
        return None
    return Milder(table, unit, factor, floor, ceiling, tuple(beside))


def _ways(column: Iterable[Arm], grade: int) -> Iterable[tuple[Arm, Limit]]:
    """Every way into such a grade, with one limit that all must pass who take it."""
    return ((arm, arm.limits[0]) for arm in column if arm.grade >= grade)


def _end(limit: Limit, references: dict[str, Decimal]) -> Decimal:
    return references[limit.reference] * limit.factor + limit.offset
