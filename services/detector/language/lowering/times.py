"""Times, as days: the clock, the date of a fact, and days or months before and after."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.detector.engine import times
from services.detector.language.ast import Arithmetic, Call, Duration, Name, Node
from services.detector.language.lowering.arguments import shift, wrong
from services.detector.language.unparse import unparse

if TYPE_CHECKING:
    from services.detector.engine.terms import Term
    from services.detector.language.lowering.rule import About, Lowering

TIMES = {"date": times.day_of_fact, "date_known": times.day_known}


def time(lowering: Lowering, node: Node, about: About) -> Term:
    """A time, as a day."""
    match node:
        case Name(name="clock"):
            return times.clock_day()
        case Name(name="date"):
            return times.fact_day()
        case Call(function=function, args=(inner,)) if function in TIMES:
            return TIMES[function](lowering.fact(inner, about), unparse(node))
        case Arithmetic(op=op, left=left, right=Duration() as by) if op in {"+", "-"}:
            moved = shift(by, 1 if op == "+" else -1)
            return times.shifted(lowering.time(left, about), moved, unparse(node))
        case _:
            raise wrong(node, "a time is needed here")


def is_time(node: Node) -> bool:
    """Whether an expression gives a time, as its form tells."""
    match node:
        case Name(name=name):
            return name in {"clock", "date"}
        case Call(function=function):
            return function in TIMES
        case Arithmetic(left=left):
            return is_time(left)
        case _:
            return False
