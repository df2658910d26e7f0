"""Numbers as terms: fixed ones, those of facts and of their reference limits, and sums of these."""

from __future__ import annotations

from decimal import Decimal
from operator import attrgetter
from typing import TYPE_CHECKING

from services.detector.engine.fact import Fact
from services.detector.engine.terms import Context, Proof, Term, joined
from services.detector.engine.truth import Unknown, Value, calculate

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

UNSAID = Unknown("no numeric value")


def constant(value: Decimal, text: str) -> Term:
    """A number."""
    term = Term("number", text, lambda _: value, lambda _: Proof(text, value))
    term.fixed = value
    return term.foreseen().if_certain()


def by_unit(first: Decimal, others: Sequence[tuple[str, Decimal]], text: str) -> Term:
    """One limit as published for several units: the one in the unit that was reported."""
    table = dict(others)

    def evaluate(context: Context) -> Value:
        return table.get(getattr(context.fact.event, "unit", None) or "", first)

    return Term("number", text, evaluate)


def value_of(term: Term) -> Term:
    """The number of a fact."""
    inner = term.evaluate

    def evaluate(context: Context) -> Value:
        fact = inner(context)
        if fact.__class__ is Fact:
            value: Value = fact.value
            return UNSAID if value is None else value
        found: Value = fact
        return found

    def prove(context: Context) -> Proof:
        found = term.prove(context)
        return Proof(found.text, evaluate(context), found.cited, found.because)

    number = Term("number", term.text, _own_value if term.own else evaluate, prove)
    number.own, number.among = term.own, term.among
    return number


def _own_value(context: Context) -> Value:
    """The number of `it`."""
    value = context.it.value
    return UNSAID if value is None else value


def reference_of(term: Term, read: Callable[[Fact], Decimal | None]) -> Term:
    """The number of a fact that serves as nadir or baseline: `<x` counts as x (catalogue C4)."""
    inner = term.evaluate

    def evaluate(context: Context) -> Value:
        found = inner(context)
        if found.__class__ is not Fact:
            none: Value = found
            return none
        number = read(found)
        if number is None:
            value: Value = found.value
            return value if isinstance(value, Unknown) else Unknown("no usable reference value")
        return number

    def prove(context: Context) -> Proof:
        found = term.prove(context)
        return Proof(found.text, evaluate(context), found.cited)

    return Term("number", term.text, evaluate, prove)


def upper_limit(term: Term, default: Decimal | None, text: str) -> Term:
    """The upper reference limit that came with a fact, else the default, else unknown."""
    return _limit_of(term, "upper", default, text)


def lower_limit(term: Term, default: Decimal | None, text: str) -> Term:
    """The lower reference limit, likewise."""
    return _limit_of(term, "lower", default, text)


def _limit_of(term: Term, which: str, default: Decimal | None, text: str) -> Term:
    inner, limit_of = term.evaluate, attrgetter(which)
    missing: Value = Unknown(f"no {which} reference limit") if default is None else default

    def evaluate(context: Context) -> Value:
        fact = inner(context)
        if fact.__class__ is not Fact:
            return None
        limit: Decimal | None = limit_of(fact)
        return missing if limit is None else limit

    return Term("number", text, evaluate)


def multiple_of_limit(term: Term, factor: Decimal, which: str, text: str) -> Term:
    """`3 uln`: a multiple of the reference limit that came with the fact on the other side."""
    inner = term.evaluate
    missing = Unknown(f"no {'upper' if which == 'uln' else 'lower'} reference limit")

    def evaluate(context: Context) -> Value:
        fact = inner(context)
        if fact.__class__ is not Fact:
            return None
        limit = fact.upper if which == "uln" else fact.lower
        return missing if limit is None else factor * limit

    multiple = Term("number", text, evaluate)
    multiple.own, multiple.among = term.own, term.among
    multiple.multiple = (factor, "upper" if which == "uln" else "lower")
    return multiple


def arithmetic(op: str, left: Term, right: Term, text: str) -> Term:
    """`+ - * /` on numbers."""
    a, b = left.evaluate, right.evaluate

    def evaluate(context: Context) -> Value:
        return calculate(op, a(context), b(context))

    return Term(
        "number",
        text,
        evaluate if op != "+" or right.fixed is None else _raised(a, right.fixed),
        lambda c: joined(text, evaluate(c), (left.prove(c), right.prove(c))),
    )


def _raised(inner: Callable[[Context], Value], by: Decimal) -> Callable[[Context], Value]:
    """A number plus a fixed one, as in `nadir(psa) + 2`: the sum asked most often by far."""

    def evaluate(context: Context) -> Value:
        number = inner(context)
        return number + by if isinstance(number, Decimal) else calculate("+", number, by)

    return evaluate
