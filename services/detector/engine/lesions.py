"""Terms about lesions of imaging reports: sets by identity, because counts can't show persistence.

Source:
    PCWG3 (Scher 2016, JCO 34:1402): additional and persisting lesions of the 2+2 rule.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from services.detector.engine.fact import Fact
from services.detector.engine.terms import Context, Proof, Term
from services.detector.engine.truth import Unknown, Value

if TYPE_CHECKING:
    from collections.abc import Callable

_EQUIVOCAL = "equivocal"
_UNNAMED = frozenset({_EQUIVOCAL, "unequivocal"})


def count_of(term: Term, text: str) -> Term:
    """How many new lesions a report names; an equivocal one does not count."""
    return _number(term, lambda fact, _: sum(1 for one in _listed(fact) if one != _EQUIVOCAL), text)


def beyond(term: Term, text: str) -> Term:
    """How many lesions of the report in question another report did not name."""
    return _number(term, lambda other, fact: len(_named(fact) - _named(other)), text)


def shared(term: Term, text: str, without: Term | None = None) -> Term:
    """How many lesions of the report in question another report named too.

    Args:
        term: that other report.
        text: how it is written.
        without: a third report, whose lesions don't count.
    """
    if without is None:
        return _number(term, lambda other, fact: len(_named(fact) & _named(other)), text)
    both, known = term.evaluate, without.evaluate

    def evaluate(context: Context) -> Value:
        other, third = both(context), known(context)
        for found in (other, third):
            if isinstance(found, Unknown):
                return found
        if not isinstance(other, Fact) or not isinstance(third, Fact):
            return None
        return Decimal(len(_named(context.it) & _named(other) - _named(third)))

    def prove(context: Context) -> Proof:
        cited = (*term.prove(context).cited, *without.prove(context).cited)
        return Proof(text, evaluate(context), cited)

    return Term("number", text, evaluate, prove)


def size_of_new(fact: Fact) -> Decimal | None:
    """Sum of the diameters (mm) of the new lesions that a report measures; None if it does not."""
    measured = getattr(fact.event, "lesions", None) or ()
    sizes = [lesion.mm for lesion in measured if lesion.id in _named(fact)]
    return sum(sizes, Decimal(0)) if sizes else None


def _listed(fact: Fact) -> tuple[str, ...]:
    found: tuple[str, ...] = getattr(fact.event, "new_lesions", None) or ()
    return found


def _named(fact: Fact) -> frozenset[str]:
    """Lesions that have an identity; `unequivocal` alone is none."""
    return frozenset(_listed(fact)) - _UNNAMED


def _number(term: Term, count: Callable[[Fact, Fact], int], text: str) -> Term:
    inner = term.evaluate

    def evaluate(context: Context) -> Value:
        found = inner(context)
        if isinstance(found, Unknown):
            return found
        return Decimal(count(found, context.it)) if isinstance(found, Fact) else None

    def prove(context: Context) -> Proof:
        return Proof(text, evaluate(context), term.prove(context).cited)

    return Term("number", text, evaluate, prove)
