"""Scores of one scale read on another: Karnofsky as ECOG."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from services.detector.engine.fact import Fact
from services.detector.engine.terms import Proof, Term
from services.detector.engine.truth import Unknown, Value

if TYPE_CHECKING:
    from services.detector.engine.terms import Context

_ECOG: Final = {100: 0, 90: 1, 80: 1, 70: 2, 60: 2, 50: 3, 40: 3, 30: 4, 20: 4, 10: 4, 0: 5}
"""Karnofsky to ECOG (catalogue of infectious diseases, B12.2; other tables put 80 at 2)."""
_NO_SCORE: Final = Unknown("no score of the Karnofsky scale")


def performance(term: Term, text: str) -> Term:
    """ECOG status of a score on either scale."""
    inner = term.evaluate

    def evaluate(context: Context) -> Value:
        fact = inner(context)
        if fact.__class__ is not Fact:
            return fact if isinstance(fact, Unknown) else None
        value: Value = fact.value
        if fact.topic != "kps" or not isinstance(value, Decimal):
            return value
        found = _ECOG.get(int(value)) if value == int(value) else None
        return _NO_SCORE if found is None else Decimal(found)

    return Term("number", text, evaluate, lambda c: Proof(text, evaluate(c), term.prove(c).cited))
