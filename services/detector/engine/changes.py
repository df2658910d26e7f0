"""Terms about a result beside an earlier one: by how many powers of ten, and whether it is another.

Logarithms are of quotients, worked out to 50 digits and rounded to 20: two results that were
reported in log10 and differ by 1.00 differ by exactly 1 (catalogue of oncology, C3).
"""

from __future__ import annotations

from decimal import Context as Precision
from decimal import Decimal
from typing import TYPE_CHECKING

from services.detector.engine.fact import Fact
from services.detector.engine.terms import Context, Proof, Term
from services.detector.engine.truth import Range, Truth, Unknown, Value

if TYPE_CHECKING:
    from collections.abc import Callable

_WORK = Precision(prec=50)
_LAST_DIGIT = Decimal("1e-20")
_ZERO = Decimal(0)
_ENDLESS = Decimal("Infinity")


def log_change(term: Term, *, falling: bool, text: str) -> Term:
    """Powers of ten by which the fact in question lies above another one; below, if `falling`.

    A value that is only known as a range gives the range of answers. Not detected lies endlessly
    far below everything else.
    """
    inner = term.evaluate

    def evaluate(context: Context) -> Value:
        other = inner(context)
        if other.__class__ is not Fact:
            absent: Value = other
            return absent
        if other.partition != context.it.partition:
            return Unknown("a result of another assay or specimen")
        high, low = (other, context.it) if falling else (context.it, other)
        return _log_ratio(_known(high), _known(low))

    return _about(term, evaluate, "number", text)


def quantified(term: Term, text: str) -> Term:
    """Whether an amount was reported: a number above zero, or one above a limit."""
    return _reported(term, text, amount=True)


def unquantified(term: Term, text: str) -> Term:
    """Whether a result was reported as no amount: below a limit, or not detected."""
    return _reported(term, text, amount=False)


def _reported(term: Term, text: str, *, amount: bool) -> Term:
    """False where there is no such fact, whichever of the two is asked."""
    inner = term.evaluate

    def evaluate(context: Context) -> Truth:
        fact = inner(context)
        if fact.__class__ is not Fact:
            return fact if isinstance(fact, Unknown) else False
        value = _known(fact)
        if isinstance(value, Unknown):
            return value
        low = value.low if isinstance(value, Range) else value
        return (low is not None and low > 0) is amount

    return _about(term, evaluate, "truth", text)


def differs(one: Term, other: Term, text: str) -> Term:
    """Whether two coded results say different things; false where there is only one."""

    def evaluate(context: Context) -> Truth:
        facts = (one.evaluate(context), other.evaluate(context))
        if None in facts:
            return False
        doubt = next((fact for fact in facts if isinstance(fact, Unknown)), None)
        if doubt is not None:
            return doubt
        left, right = (fact.code for fact in facts)
        if left is None or right is None:
            return Unknown("no coded value")
        return bool(left != right)

    def prove(context: Context) -> Proof:
        cited = tuple(c for term in (one, other) for c in term.prove(context).cited)
        return Proof(text, evaluate(context), cited)

    return Term("truth", text, evaluate, prove)


def _known(fact: Fact) -> Decimal | Range | Unknown:
    """The amount; amounts are not negative."""
    value = fact.value
    if value is None:
        return Unknown("no numeric value")
    if isinstance(value, Decimal) and value < 0:
        return Unknown("a negative amount has no logarithm")
    return value


def _log_ratio(high: Decimal | Range | Unknown, low: Decimal | Range | Unknown) -> Value:
    """log10(high / low), or the range in which it lies."""
    for value in (high, low):
        if isinstance(value, Unknown):
            return value
    if isinstance(high, Decimal) and isinstance(low, Decimal):
        return _log_of(high, low)
    return _log_range(_as_range(high), _as_range(low))


def _log_range(high: Range, low: Range) -> Value:
    """From the nearest to the furthest that two ranges can lie apart."""
    least = None if low.high is None or not high.low else _log_of(high.low, low.high)
    most = None if high.high is None or not low.low else _log_of(high.high, low.low)
    if least == _ENDLESS or most == -_ENDLESS:
        return least if most != -_ENDLESS else most
    return Range(
        least,
        most,
        low_included=high.low_included and low.high_included,
        high_included=high.high_included and low.low_included,
    )


def _as_range(value: Decimal | Range | Unknown) -> Range:
    if isinstance(value, Range):
        return value
    assert isinstance(value, Decimal), "doubts were sorted out before"  # noqa: S101
    return Range(value, value, low_included=True, high_included=True)


def _log_of(high: Decimal, low: Decimal) -> Decimal:
    """log10(high / low); of nothing to nothing there is no change."""
    if high == low:
        return _ZERO
    if low == 0 or high == 0:
        return _ENDLESS if low == 0 else -_ENDLESS
    return _WORK.log10(_WORK.divide(high, low)).quantize(_LAST_DIGIT, context=_WORK)


def _about(term: Term, evaluate: Callable[[Context], Value | Truth], kind: str, text: str) -> Term:
    def prove(context: Context) -> Proof:
        return Proof(text, evaluate(context), term.prove(context).cited)

    return Term(kind, text, evaluate, prove)
