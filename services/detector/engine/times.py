"""Days as terms: of the clock, of facts, some time before or after, and the days between two."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from schemas.alerts import Role
from services.detector.engine.fact import Fact
from services.detector.engine.instants import Span, When, day_of, earliest, latest
from services.detector.engine.terms import Context, Proof, Term
from services.detector.engine.truth import Range, Unknown, Value

if TYPE_CHECKING:
    from collections.abc import Callable


def clock_day(text: str = "clock") -> Term:
    """Day 0."""
    return (
        Term(
            "time",
            text,
            lambda c: c.clock.when if c.clock is not None else None,
            cite=lambda c, _: ((c.clock, Role.CLOCK),) if c.clock is not None else (),
        )
        .foreseen()
        .if_certain()
    )


def fact_day(text: str = "date") -> Term:
    """The day of the fact in question."""
    return Term("time", text, lambda c: c.it.when).foreseen().if_certain()


def day_of_fact(term: Term, text: str) -> Term:
    """`date(last(dose))`."""
    inner = term.evaluate

    def evaluate(context: Context) -> When | Unknown | None:
        fact = inner(context)
        return fact.when if fact.__class__ is Fact else fact

    def prove(context: Context) -> Proof:
        found = term.prove(context)
        return Proof(text, evaluate(context), found.cited)

    return Term("time", text, evaluate, prove).if_certain(term)


def shifted(term: Term, shift: Callable[[int], int], text: str) -> Term:
    """A time so many days or months away from another."""
    inner = term.evaluate

    def evaluate(context: Context) -> When | Unknown | None:
        day = inner(context)
        if day.__class__ is Span:
            return Span(shift(day.first), shift(day.last))
        return shift(day) if day.__class__ is int else day

    def prove(context: Context) -> Proof:
        return Proof(text, evaluate(context), term.prove(context).cited)

    return Term("time", text, evaluate, prove).joining("shifted", term)


def day_known(term: Term, text: str) -> Term:
    """The day (UTC) on which a fact first became known in a final version."""
    inner = term.evaluate

    def evaluate(context: Context) -> int | Unknown | None:
        fact = inner(context)
        return day_of(fact.known) if fact.__class__ is Fact else fact

    def prove(context: Context) -> Proof:
        return Proof(text, evaluate(context), term.prove(context).cited)

    return Term("time", text, evaluate, prove)


def days_since(term: Term, text: str) -> Term:
    """Whole days from a time (or fact) to the fact in question, as a number."""
    inner = term.evaluate

    def evaluate(context: Context) -> Value:
        then = inner(context)
        if then.__class__ is Fact:
            then = then.when
        now = context.it.when
        if then.__class__ is int and now.__class__ is int:
            return Decimal(now - then)
        return _distance(then, now) if isinstance(then, When) else then

    def prove(context: Context) -> Proof:
        return Proof(text, evaluate(context), term.prove(context).cited)

    return Term("number", text, evaluate, prove).joining("days since", term)


def _distance(then: When, now: When) -> Range:
    """Whole days between two days of which at least one is known only to its month or year."""
    low, high = earliest(now) - latest(then), latest(now) - earliest(then)
    return Range(Decimal(low), Decimal(high), high_included=True)


def last_day(term: Term) -> Term:
    """A time as one day: the last one that it may mean, so that nothing is due too early."""
    inner = term.evaluate

    def evaluate(context: Context) -> int | Unknown | None:
        day = inner(context)
        return day.last if day.__class__ is Span else day

    return Term("time", term.text, evaluate, term.prove).joining("last day", term)
