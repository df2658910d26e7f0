"""Units: the analyte whose canonical unit a number has, and quantities put into it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas.terminology.analytes import Analyte, analyte
from schemas.terminology.refusals import Refusal
from schemas.terminology.units import scale
from services.detector.engine import values
from services.detector.language.ast import Call, Name, Node, Quantity, Selection
from services.detector.language.lowering.arguments import quantity, wrong
from services.detector.language.walk import walk

if TYPE_CHECKING:
    from decimal import Decimal

    from services.detector.engine.terms import Term
    from services.detector.language.lowering.rule import About, Lowering

_OF_THEIR_OWN = {
    "hours_held": None,
    "fridericia": "qtc",
    "cockcroft_gault": "creatinine_clearance",
    "grade": None,
    "new_grade": None,
}
"""Numbers that are worked out of several facts, and the analyte of which they are a value."""


def limit(node: Quantity, of: Analyte | None, text: str) -> Term:
    """A fixed number; one that is published for several units, each in its own."""
    first = amount(node, of)
    if not node.alternatives:
        return values.constant(first, text)
    others = [(alt.unit or "", amount(alt, of)) for alt in node.alternatives]
    return values.by_unit(first, [(node.unit or "", first), *others], text)


def amount(node: Node, of: Analyte | None) -> Decimal:
    """A quantity in the canonical unit of its analyte.

    Raises:
        RuleErrors: it is no quantity, not in a unit of the analyte, or out of the unit's range.
    """
    number = quantity(node)
    if number.unit is None or of is None:
        return number.value
    by = scale(number.unit, of)
    if isinstance(by, Refusal):
        raise wrong(node, f"{number.unit} is no unit of {of.key}: {by.reason}")
    if not by.accepts(number.value):
        raise wrong(node, f"too large a number for {number.unit}")
    return by.apply(number.value)


def analyte_of(lowering: Lowering, node: Node, about: About) -> Analyte | None:
    """The analyte whose unit a number has; None for what has no analyte."""
    for found in walk(node):
        if isinstance(found, Call) and _is_worked_out(found):
            return _analyte_worked_out(lowering, found, about)
        for name in _series_named(found, about):
            if name in lowering.series and lowering.series[name].analytes:
                return analyte(lowering.series[name].analytes[0])
    return None


def _series_named(node: Node, about: About) -> tuple[str, ...]:
    """The series whose unit a part of an expression may have; a field of a fact has another."""
    if isinstance(node, Name):
        return about if node.name == "it" else (node.name,)
    if isinstance(node, Selection) and node.attribute is None:
        return (node.series,)
    return ()


def _is_worked_out(call: Call) -> bool:
    return call.function in {"mean", "at_baseline", "magnitude", *_OF_THEIR_OWN}


def _analyte_worked_out(lowering: Lowering, node: Call, about: About) -> Analyte | None:
    match node:
        case Call(function="mean" | "at_baseline", args=(Selection(series=name), wanted)):
            return analyte_of(lowering, wanted, (name,))
        case Call(function="magnitude", args=(of,)):
            return analyte_of(lowering, of, about)
        case _:
            known = _OF_THEIR_OWN.get(node.function)
            return None if known is None else analyte(known)
