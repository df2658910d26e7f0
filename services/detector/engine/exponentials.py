"""The exponential through two results: when it comes, or would have come, to a level.

Marker declines, half-lives and halving times of published criteria are all of this form
(catalogue of oncology, P7): `(t1 - t0) * ln(v0 / level) / ln(v0 / v1)`.

Logarithms are of quotients, worked out to 50 digits; the days are rounded to 12 before they are
compared, so that what takes exactly nine weeks is not a hair above them (catalogue C3).
"""

from __future__ import annotations

from decimal import Context as Precision
from decimal import Decimal
from typing import TYPE_CHECKING

from services.detector.engine.fact import Fact
from services.detector.engine.terms import Cited, Context, Proof, Term
from services.detector.engine.truth import Range, Unknown, Value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from schemas.alerts import Role

_WORK = Precision(prec=50)
_COMPARED = Precision(prec=12)


def time_to_reach(first: Term, second: Term, level: Term, text: str) -> Term:
    """Days from the first result until the exponential through both comes to a level.

    Args:
        first: gives the fact at which the count begins.
        second: gives a fact of a later day, of the same specimen and method.
        level: gives a number in the unit of both.
        text: how the rule writes it.

    Returns:
        A term: no value where a fact is missing or the curve goes the other way or stands still,
        unknown where a result is no exact number above zero.
    """
    one, two, goal = first.evaluate, second.evaluate, level.evaluate

    def evaluate(context: Context) -> Value:
        start, end = one(context), two(context)
        for found in (start, end):
            if found.__class__ is not Fact:
                return found if isinstance(found, Unknown) else None
        days = _days_between(start, end)
        if isinstance(days, Unknown):
            return days
        values = [_positive(value) for value in (start.value, end.value, goal(context))]
        numbers = [value for value in values if isinstance(value, Decimal)]
        if len(numbers) < len(values):
            return next(value for value in values if not isinstance(value, Decimal))
        return _time(days, *numbers)

    def prove(context: Context) -> Proof:
        parts = [part.prove(context) for part in (first, second, level)]
        return Proof(text, evaluate(context), _all_cited(parts))

    return Term("number", text, evaluate, prove)


def _days_between(start: Fact, end: Fact) -> int | Unknown:
    if start.partition != end.partition:
        return Unknown("a result of another assay or specimen")
    if start.when.__class__ is not int or end.when.__class__ is not int:
        return Unknown("a date of which the day is not known")
    days = end.day - start.day
    return days if days > 0 else Unknown("two results of one day have no slope")


def _positive(value: Value) -> Value:
    """An exact number that has a logarithm; else why not."""
    if value is None or isinstance(value, Range):
        return Unknown("no exact number")
    if isinstance(value, Decimal) and value <= 0:
        return Unknown("no number above zero")
    return value


def _time(days: int, start: Decimal, end: Decimal, level: Decimal) -> Decimal | None:
    """None where the curve goes the other way, or nowhere."""
    if start == end:
        return None
    way = _WORK.ln(_WORK.divide(start, level))
    time = _WORK.divide(_WORK.multiply(Decimal(days), way), _WORK.ln(_WORK.divide(start, end)))
    return _COMPARED.plus(time) if time >= 0 else None


def _all_cited(parts: Sequence[Proof]) -> tuple[Cited, ...]:
    """The facts of all parts, each once and in the first role that it was given."""
    roles: dict[Fact, Role] = {}
    for part in parts:
        for fact, role in part.cited:
            roles.setdefault(fact, role)
    return tuple(roles.items())
