"""Hours between two facts. A fact without its hour is all the hours that it may have been."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from schemas.alerts import Role
from services.detector.engine.fact import Fact
from services.detector.engine.instants import US_PER_DAY, US_PER_HOUR, earliest, latest
from services.detector.engine.terms import Context, Proof, Term
from services.detector.engine.truth import Range, Value

if TYPE_CHECKING:
    from services.detector.engine.terms import Cited


def the_clock(text: str = "clock") -> Term:
    """The fact that gives day 0, with its hour."""

    def cite(_: Context, found: Any) -> tuple[Cited, ...]:
        return () if found is None else ((found, Role.CLOCK),)

    return Term("fact", text, lambda context: context.clock, cite=cite)


def hours_since(term: Term, text: str) -> Term:
    """Hours from a fact to the one in question (catalogue of infectious diseases, A6 and E3.23)."""
    inner = term.evaluate

    def evaluate(context: Context) -> Value:
        then = inner(context)
        return _between(then, context.it) if isinstance(then, Fact) else then

    def prove(context: Context) -> Proof:
        return Proof(text, evaluate(context), term.prove(context).cited)

    return Term("number", text, evaluate, prove)


def _between(then: Fact, now: Fact) -> Decimal | Range:
    """Exact where both hours are known; else from the least to the most that it may be."""
    if then.precise and now.precise:
        return _hours(now.at - then.at)
    return Range(
        _hours(now.at - _end(then)),
        _hours(_end(now) - then.at),
        low_included=then.precise,
        high_included=now.precise,
    )


def _end(fact: Fact) -> int:
    """The instant itself; of a day, month or year, the first one after it."""
    if fact.precise:
        return fact.at
    return fact.at + (latest(fact.when) - earliest(fact.when) + 1) * US_PER_DAY


def _hours(microseconds: int) -> Decimal:
    return Decimal(microseconds) / US_PER_HOUR
