"""The fact in question as a term, and what the fields of a fact or of the course say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from schemas.alerts import Role
from services.detector.engine.fact import Fact
from services.detector.engine.terms import Cited, Context, Proof, Term
from services.detector.engine.truth import Unknown

if TYPE_CHECKING:
    from collections.abc import Callable

NOT_SAID = object()
"""What a field reads when the report deliberately says nothing of it: there is no such value."""


def the_fact(text: str) -> Term:
    """`it`: the fact in question, or the selected one inside `where`."""
    term = Term("fact", text, lambda c: c.it, cite=_cite_it)
    term.own = True
    return term


def _cite_it(context: Context, fact: Fact) -> tuple[Cited, ...]:
    return ((fact, Role.TRIGGER if fact is context.fact else Role.SUPPORT),)


def the_fact_of(series: frozenset[int], text: str) -> Term:
    """A series' name: the fact in question when it is one of that series."""

    def evaluate(context: Context) -> Fact | None:
        entry = context.history[context.before]
        return None if series.isdisjoint(entry.seat.series) else context.fact

    term = Term("fact", text, evaluate, cite=lambda _, f: ((f, Role.TRIGGER),) if f else ())
    term.among = series
    return term


def field_of(term: Term, read: Callable[[Fact], Any], kind: str, text: str) -> Term:
    """A field of a fact (`scan.sum`, `pet.response`); unknown when the report doesn't say."""
    inner = term.evaluate
    missing = Unknown(f"{text} was not reported")

    def evaluate(context: Context) -> Any:
        fact = inner(context)
        if fact.__class__ is not Fact:
            return fact
        value = read(fact)
        if value is NOT_SAID:
            return None
        return missing if value is None else value

    def prove(context: Context) -> Proof:
        found = term.prove(context)
        return Proof(text, evaluate(context), found.cited)

    return Term(kind, text, evaluate, prove)


def course_field(
    read: Callable[[Fact], Any], text: str, kind: str = "word", *, in_all: bool = False
) -> Term:
    """What the course's own treatment facts say: `course.regimen`.

    What all of them say alike (`in_all`), and what the clock says as well, needs no evidence
    besides the clock, which is cited in any case.
    """
    missing = Unknown(f"{text} is not known")

    def evaluate(context: Context) -> Any:
        value = None if context.own is None else read(context.own)
        return missing if value is None else value

    def cite(context: Context, value: Any) -> tuple[Cited, ...]:
        clock, own = context.clock, context.own
        told_by_clock = clock is not None and read(clock) == value
        return () if own is None or in_all or told_by_clock else ((own, Role.SUPPORT),)

    return Term(kind, text, evaluate, cite=cite).foreseen()
