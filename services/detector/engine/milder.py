"""Grades that a result surely doesn't reach, told at a glance.

Nearly every result is milder than the grade that is asked for. Where its own number says so, beside
its reference limits and the value before treatment, the grading table isn't asked
(`schemas/terminology/mildness.py`).
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from schemas.terminology.grading import LabValue
from schemas.terminology.mildness import Milder, milder
from services.detector.engine.fact import Fact

if TYPE_CHECKING:
    from collections.abc import Callable

    from schemas.terminology.grade_table import Table
    from services.detector.engine.terms import Context, Term

_MOST_FORMS = 8_192


class _Zones(dict[Any, Milder | None]):
    """What is milder, by the form that results have in common: a feed has few of them."""

    def __init__(self, table: Table, version: int, grade: int) -> None:
        self._asked = (table, version)
        self._grade = grade

    def __missing__(self, form: Any) -> Milder | None:
        if len(self) >= _MOST_FORMS:
            self.clear()
        sort = LabValue(
            Decimal(0), form.unit, form.comparator, form.reference_low, form.reference_high
        )
        found = self[form] = milder(*self._asked, form.analyte, self._grade, sort)
        return found


def surely_milder(
    of: Term,
    table: Table,
    version: int,
    grade: int,
    before: Callable[[Fact, Context], LabValue | None],
) -> Callable[[Context], bool]:
    """Whether the result that a term gives is milder than a grade; False where there is no telling.

    Args:
        of: the result.
        table: the scale.
        version: of the scale.
        grade: 1 to 4.
        before: the value before treatment that such a result is graded beside.
    """
    zones = _Zones(table, version, grade)
    result = of.evaluate

    def surely(context: Context) -> bool:
        fact = result(context)
        if fact.__class__ is not Fact or fact.value.__class__ is not Decimal:
            return False
        event = fact.event
        zone = None if event.form is None else zones[event.form]
        if zone is None:
            return False
        if not zone.beside:
            return zone.admits(event.value)
        return zone.holds(event.value, before(fact, context))

    return surely
