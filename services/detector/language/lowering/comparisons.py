"""Comparisons: of times, of the day with a duration, of words, of numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.detector.engine import comparisons, grades, logic, times
from services.detector.language.ast import Compare, Duration, Name, Node
from services.detector.language.lowering.arguments import shift
from services.detector.language.lowering.numbers import in_unit_of
from services.detector.language.lowering.times import is_time
from services.detector.language.lowering.units import analyte_of
from services.detector.language.unparse import unparse
from services.detector.language.words import VARIABLES

if TYPE_CHECKING:
    from services.detector.engine.terms import Term
    from services.detector.language.lowering.rule import About, Lowering


def comparison(lowering: Lowering, node: Compare, about: About) -> Term:
    """A comparison, or what the rule's watch puts in its place."""
    found = _compared(lowering, node, about)
    return found if lowering.watch is None else lowering.watch(node, found)


def is_choice(lowering: Lowering, node: Node) -> bool:
    """Whether a bare name is a word that a parameter has put there, and nothing that is read."""
    return (
        isinstance(node, Name) and node.name not in lowering.series and node.name not in VARIABLES
    )


def _compared(lowering: Lowering, node: Compare, about: About) -> Term:
    left, right, text = node.left, node.right, unparse(node)
    if is_time(left) or is_time(right):
        sides = lowering.time(left, about), lowering.time(right, about)
        return comparisons.ordered(node.op, *sides, text)
    if isinstance(left, Name) and left.name == "day" and isinstance(right, Duration):
        return _day_of_treatment(node.op, right, text)
    if isinstance(right, Name):
        if isinstance(left, Name) and is_choice(lowering, left):
            return logic.by_choice((left.name == right.name) is (node.op == "="), text)
        if node.op in {"=", "!="} and is_choice(lowering, right):
            equal = comparisons.one_of(lowering.word(left, about), (right.name,), text)
            return equal if node.op == "=" else logic.negated(equal, text)
    return _numbers(lowering, node, about)


def _day_of_treatment(op: str, after: Duration, text: str) -> Term:
    """`day >= 6 mo`: by the calendar, so that months are months."""
    end = times.shifted(times.clock_day(), shift(after), f"clock + {unparse(after)}")
    return comparisons.ordered(op, times.fact_day(), end, text)


def _numbers(lowering: Lowering, node: Compare, about: About) -> Term:
    left, right, text = node.left, node.right, unparse(node)
    of = analyte_of(lowering, left, about) or analyte_of(lowering, right, about)
    sides = (
        in_unit_of(of, lowering, left, about, other=right),
        in_unit_of(of, lowering, right, about, other=left),
    )
    graded = any(isinstance(side, grades.Grade) for side in sides)
    return (grades.compared_grade if graded else comparisons.compared)(node.op, *sides, text)
