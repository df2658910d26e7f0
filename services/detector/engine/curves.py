"""Terms about the pace of a series: how fast it doubles or halves.

Logarithms are decimal ones of 28 digits, rounded to 12 before they are compared: what doubles in
exactly nine weeks is not a hair above or below nine weeks (catalogue C3).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Context as Precision
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING

from schemas.alerts import Role
from services.detector.engine.terms import Context, Proof, Term
from services.detector.engine.truth import Unknown, Value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.detector.engine.fact import Fact
    from services.detector.engine.past import Past

_COMPARED = Precision(prec=12)
_TWO = Decimal(2)


@dataclass(frozen=True, slots=True)
class Fit:
    """Least squares of ln(value) on day over a period, and what it asks of the data.

    Only exact values above zero count, the fact in question included; of two that are closer than
    `gap` days the later is kept. There is no fit with fewer than `least` of them, over less than
    `span` days, or of several assays.

    Source:
        PSA Working Group: Arlen 2008, J Urol 179:2181 (to be checked); Pound 1999, JAMA 281:1591.
    """

    past: Past
    least: int
    span: int
    gap: int

    def samples(self, context: Context) -> tuple[Fact, ...] | Unknown:
        """The values that count, newest first; none where the data do not suffice."""
        found, doubt = self.past.facts(context)
        if doubt is not None:
            return doubt
        if self.past.admits is not None and self.past.admits(context) is not True:
            return ()
        facts = _spaced((context.fact, *found), self.gap)
        enough = len(facts) >= self.least and facts[0].day - facts[-1].day >= self.span
        return facts if enough and len({fact.partition for fact in facts}) == 1 else ()


def doubling_time(fit: Fit, *, falling: bool, text: str) -> Term:
    """Days in which a series doubles, or halves if `falling`; no value where it does not."""

    def evaluate(context: Context) -> Value:
        facts = fit.samples(context)
        if isinstance(facts, Unknown):
            return facts
        slope = _slope(facts) if facts else Decimal(0)
        if slope == 0 or (slope < 0) is not falling:
            return None
        return _COMPARED.divide(_TWO.ln(), abs(slope))

    def prove(context: Context) -> Proof:
        facts, result = fit.samples(context), evaluate(context)
        if isinstance(facts, Unknown) or not isinstance(result, Decimal):
            return Proof(text, result)
        earlier = tuple((fact, Role.SUPPORT) for fact in facts[1:])
        return Proof(text, result, (*earlier, (context.fact, Role.TRIGGER)))

    return Term("number", text, evaluate, prove)


def _spaced(facts: Sequence[Fact], gap: int) -> tuple[Fact, ...]:
    """Newest first: the usable values, of which no two are closer than `gap` days."""
    kept: list[Fact] = []
    for fact in facts:
        dated = fact.when.__class__ is int  # a month is no day to lay a line through
        usable = dated and isinstance(fact.value, Decimal) and fact.value > 0
        if usable and (not kept or kept[-1].day - fact.day >= gap):
            kept.append(fact)
        elif not usable and fact is facts[0]:
            return ()
    return tuple(kept)


@lru_cache(maxsize=4096)  # a value is part of every fit that comes after it
def _ln(number: Decimal) -> Decimal:
    return number.ln()


def _slope(facts: Sequence[Fact]) -> Decimal:
    """Slope of ln(value) per day, by ordinary least squares."""
    days = [Decimal(fact.day) for fact in facts]
    logs = [_ln(fact.value) for fact in facts if isinstance(fact.value, Decimal)]
    count = len(facts)
    day, log = sum(days, Decimal(0)) / count, sum(logs, Decimal(0)) / count
    spread = sum(((d - day) ** 2 for d in days), Decimal(0))
    if not spread:
        return Decimal(0)
    return (
        sum(((d - day) * (y - log) for d, y in zip(days, logs, strict=True)), Decimal(0)) / spread
    )
