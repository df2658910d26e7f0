"""Comparisons as terms: of numbers, of days, of coded values with words.

A comparison of the fact in question with something fixed takes a shorter way, for it is asked most.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from operator import attrgetter

from services.detector.engine.fact import Fact
from services.detector.engine.instants import Span, When, earliest, latest
from services.detector.engine.terms import Context, Term, joined
from services.detector.engine.truth import Range, Truth, Unknown, compare, comparison
from services.detector.engine.values import UNSAID

Exact = Callable[[Decimal, Decimal], bool]


def compared(op: str, left: Term, right: Term, text: str) -> Term:
    """Compare two numbers."""
    a, b = left.evaluate, right.evaluate
    exact = comparison(op)
    limit, multiple = right.fixed, right.multiple
    own = left.own and left.kind == "number" and left.multiple is None

    def fully(context: Context) -> Truth:
        x = context.it.value if own else a(context)
        y = b(context)
        if x is None and own:
            x = UNSAID
        if x.__class__ is Decimal and y.__class__ is Decimal:
            return exact(x, y)
        return compare(op, x, y)

    evaluate: Callable[[Context], Truth] = fully
    if limit is not None and left.own:
        evaluate = _against_limit(op, exact, limit)
    elif multiple is not None and speak_of_one_fact(left, right):
        evaluate = _against_multiple(exact, multiple, left.among, fully)
    return _of_both(text, evaluate, left, right).joining(op, left, right)


def speak_of_one_fact(left: Term, right: Term) -> bool:
    """Whether both are sure to speak of the fact in question, and not of some earlier one."""
    if left.own:
        return right.own
    return left.among is not None and left.among == right.among


def _against_limit(op: str, exact: Exact, limit: Decimal) -> Callable[[Context], Truth]:
    """The fact in question against a fixed number: the condition asked most often by far."""

    def evaluate(context: Context) -> Truth:
        value = context.it.value
        if value.__class__ is Decimal:
            return exact(value, limit)
        return compare(op, UNSAID if value is None else value, limit)

    return evaluate


def _against_multiple(
    exact: Exact,
    multiple: tuple[Decimal, str],
    among: frozenset[int] | None,
    fully: Callable[[Context], Truth],
) -> Callable[[Context], Truth]:
    """A fact against a multiple of its own reference limit; `fully` is asked if either is odd.

    A fact that is none of the series in question has no value, which compares as false.
    """
    factor, slot = multiple
    limit_of = attrgetter(slot)

    def evaluate(context: Context) -> Truth:
        if among is None:
            fact = context.it
        elif among.isdisjoint(context.history[context.before].seat.series):
            return False
        else:
            fact = context.fact
        value, limit = fact.value, limit_of(fact.sort)
        if value.__class__ is Decimal and limit is not None:
            return exact(value, factor * limit)
        return fully(context)

    return evaluate


def ordered(op: str, left: Term, right: Term, text: str) -> Term:
    """Compare two times by their days; unknown where only a month says which came first."""
    a, b = left.evaluate, right.evaluate
    exact = comparison(op)

    def evaluate(context: Context) -> Truth:
        x, y = a(context), b(context)
        for side in (x, y):
            if isinstance(side, Unknown):
                return side
        if x.__class__ is Span or y.__class__ is Span:
            return False if x is None or y is None else _apart(op, x, y)
        return False if x is None or y is None else exact(x, y)

    return _of_both(text, evaluate, left, right).joining(op, left, right)


def _apart(op: str, x: When, y: When) -> Truth:
    """What can be said of two days of which at least one is known only to its month or year."""
    low, high = earliest(x) - latest(y), latest(x) - earliest(y)
    return compare(op, Range(Decimal(low), Decimal(high), high_included=True), Decimal(0))


def _of_both(text: str, evaluate: Callable[[Context], Truth], left: Term, right: Term) -> Term:
    return Term(
        "truth",
        text,
        evaluate,
        lambda c: joined(text, evaluate(c), (left.prove(c), right.prove(c))),
    )


def one_of(term: Term, words: Sequence[str], text: str) -> Term:
    """A coded value is one of some words, whatever their case."""
    inner = term.evaluate
    wanted = frozenset(word.lower() for word in words)

    def evaluate(context: Context) -> Truth:
        value = inner(context)
        if isinstance(value, Unknown):
            return value
        return value is not None and str(value).lower() in wanted

    chosen = Term("truth", text, evaluate, lambda c: joined(text, evaluate(c), (term.prove(c),)))
    return chosen.joining("in", term)


def has(term: Term, word: str, text: str) -> Term:
    """A list of coded values holds a word."""
    inner = term.evaluate
    wanted = word.lower()

    def evaluate(context: Context) -> Truth:
        value = inner(context)
        if isinstance(value, Unknown):
            return value
        return value is not None and any(item.lower() == wanted for item in value)

    found = Term("truth", text, evaluate, lambda c: joined(text, evaluate(c), (term.prove(c),)))
    return found.joining("has", term)


def below_limit(term: Term, limit: Decimal, text: str) -> Term:
    """Reported as below a detection limit of no more than `limit`."""
    inner = term.evaluate

    def evaluate(context: Context) -> Truth:
        fact = inner(context)
        if fact.__class__ is not Fact:
            return False
        value = fact.value
        return isinstance(value, Range) and value.high is not None and value.high <= limit

    return Term("truth", text, evaluate, lambda c: joined(text, evaluate(c), (term.prove(c),)))
