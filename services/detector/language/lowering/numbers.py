"""Numbers: as they are written, worked out, or said by a fact; in one unit throughout.

A new function that gives a number gets its line in `NUMBERS`.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from services.detector.engine import exponentials, fields, person, times, values
from services.detector.language.ast import (
    Arithmetic,
    Attribute,
    Call,
    Duration,
    Name,
    Node,
    Quantity,
)
from services.detector.language.lowering import formulas, grading, of_one_fact, of_series
from services.detector.language.lowering.arguments import Asked, days, wrong
from services.detector.language.lowering.facts import field_asked, field_of, reference
from services.detector.language.lowering.readings import COURSE, whole
from services.detector.language.lowering.times import is_time
from services.detector.language.lowering.units import amount, analyte_of, limit
from services.detector.language.unparse import unparse
from services.detector.language.words import LIMIT_UNITS, PATIENT

if TYPE_CHECKING:
    from collections.abc import Callable

    from schemas.terminology.analytes import Analyte
    from services.detector.engine.terms import Term
    from services.detector.language.lowering.rule import About, Lowering


def number(lowering: Lowering, node: Node, about: About) -> Term:
    """A number, in the canonical unit of its analyte if it has one."""
    return in_unit_of(analyte_of(lowering, node, about), lowering, node, about)


def in_unit_of(
    of: Analyte | None, lowering: Lowering, node: Node, about: About, other: Node | None = None
) -> Term:
    """A number in the canonical unit of an analyte; `other` is what it is compared with."""
    match node:
        case Quantity(unit=unit) if unit in LIMIT_UNITS:
            return _multiple_of_limit(lowering, node, about, other)
        case Quantity():
            return limit(node, of, unparse(node))
        case Duration(amount=length, unit=unit):
            span = length if unit == "h" else days(node)
            return values.constant(Decimal(span), unparse(node))
        case Arithmetic():
            return _arithmetic(of, lowering, node, about)
        case Name(name="day"):
            return times.days_since(times.clock_day(), unparse(node))
        case Attribute():
            return _field(lowering, node, about)
        case Call(function=function) if function in NUMBERS:
            asked = Asked(lowering, node, about, of)
            return lowering.once((asked.text, about, of), lambda: NUMBERS[function](asked))
        case _:
            field = field_asked(lowering, node, about, "number")
            return field or values.value_of(lowering.fact(node, about))


def _multiple_of_limit(
    lowering: Lowering, node: Quantity, about: About, other: Node | None
) -> Term:
    """`3 uln`: of the value on the other side."""
    unit = node.unit or ""
    if other is None:
        raise wrong(node, f"{unit} needs a value on the other side")
    return values.multiple_of_limit(lowering.fact(other, about), node.value, unit, unparse(node))


def _arithmetic(of: Analyte | None, lowering: Lowering, node: Arithmetic, about: About) -> Term:
    """A factor has no unit; a summand has that of the whole."""
    part = None if node.op in {"*", "/"} else of

    def side(one: Node) -> Term:
        unit = of if analyte_of(lowering, one, about) else part
        return in_unit_of(unit, lowering, one, about)

    return values.arithmetic(node.op, side(node.left), side(node.right), unparse(node))


def _field(lowering: Lowering, node: Attribute, about: About) -> Term:
    """`course.line`, `patient.age`, `scan.sum`."""
    if node.of == "course":
        return fields.course_field(whole(COURSE[node.field]), unparse(node), kind="number")
    if node.of == PATIENT:
        return person.age(lowering.person())
    return field_of(lowering, node, about, "number")


def _days_since(asked: Asked) -> Term:
    then = asked.args[0]
    since = asked.lowering.time(then, asked.about) if is_time(then) else asked.fact()
    return times.days_since(since, asked.text)


def _upper_limit(asked: Asked) -> Term:
    return values.upper_limit(asked.fact(), _default(asked), asked.text)


def _lower_limit(asked: Asked) -> Term:
    return values.lower_limit(asked.fact(), _default(asked), asked.text)


def _default(asked: Asked) -> Decimal | None:
    """What counts where no reference limit came with the result."""
    return amount(asked.args[1], asked.of) if asked.args[1:] else None


def _time_to_reach(asked: Asked) -> Term:
    of = analyte_of(asked.lowering, asked.args[0], asked.about)
    goal = in_unit_of(of, asked.lowering, asked.args[2], asked.about)
    return exponentials.time_to_reach(asked.fact(0), asked.fact(1), goal, asked.text)


NUMBERS: Final[dict[str, Callable[[Asked], Term]]] = {
    "at_baseline": formulas.at_baseline,
    "baseline": reference,
    "cockcroft_gault": formulas.cockcroft_gault,
    "confirmed_nadir": reference,
    "count": of_series.count,
    "days_since": _days_since,
    "days_while": of_series.days_while,
    "dose_intensity": of_series.dose_intensity,
    "doubling_time": of_series.doubling_time,
    "fridericia": formulas.fridericia,
    "grade": grading.grade,
    "halving_time": of_series.halving_time,
    "hours_held": of_series.hours_held,
    "hours_since": of_one_fact.hours_since,
    "lesions": of_one_fact.lesions_in_all,
    "lesions_beyond": of_one_fact.lesions_beyond,
    "lesions_shared": of_one_fact.lesions_shared,
    "levels_down": of_series.levels_down,
    "lln": _lower_limit,
    "log_drop": of_one_fact.log_drop,
    "log_rise": of_one_fact.log_rise,
    "magnitude": formulas.magnitude,
    "mean": formulas.mean,
    "median": of_series.median,
    "nadir": reference,
    "nadir_with_baseline": reference,
    "new_grade": grading.new_grade,
    "peak": reference,
    "performance": of_one_fact.performance,
    "runs": of_series.runs,
    "time_to_reach": _time_to_reach,
    "uln": _upper_limit,
}
