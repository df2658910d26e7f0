"""For how long a condition has held without a break, as far as samples prove it.

Catalogue of infectious diseases, P6: proved by samples, in hours. It looks back over a bounded
period and remembers nothing, so that it can be asked of earlier facts as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from schemas.alerts import Role
from services.detector.engine.instants import US_PER_HOUR
from services.detector.engine.lookback import look_back
from services.detector.engine.terms import Context, Proof, Term
from services.detector.engine.truth import Unknown, Value

if TYPE_CHECKING:
    from services.detector.engine.fact import Fact
    from services.detector.engine.lookback import Admits, Period


@dataclass(frozen=True, slots=True)
class Held:
    """Hours from the first fact of an unbroken run to the fact in question, which ends it.

    A fact of which the condition is unknown neither breaks the run nor begins it.
    """

    series: frozenset[int]
    period: Period
    holds: Admits
    text: str

    def term(self) -> Term:
        """As a term: no value where the fact in question is not part of such a run."""
        return Term("number", self.text, self._evaluate, self._prove)

    def _evaluate(self, context: Context) -> Value:
        first = self._first(context)
        if first is None or isinstance(first, Unknown):
            return first
        return Decimal(context.fact.at - first.at) / US_PER_HOUR

    def _first(self, context: Context) -> Fact | Unknown | None:
        if self.series.isdisjoint(context.history[context.before].series):
            return None
        here = self.holds(context)
        if here is not True:
            return here if isinstance(here, Unknown) else None
        return self._begin(context)

    def _begin(self, context: Context) -> Fact | Unknown:
        """The oldest fact of the run within the period."""
        first = context.fact
        verdicts: list[Any] = []

        def judge(back: Context) -> bool:
            verdicts.append(self.holds(back))
            return True

        for found in look_back(context, self.series, self.period, judge):
            if isinstance(found, Unknown):
                return found
            if verdicts[-1] is False:
                break
            if verdicts[-1] is True:
                first = found
        return first

    def _prove(self, context: Context) -> Proof:
        first = self._first(context)
        known = first is not None and not isinstance(first, Unknown)
        cited = ((first, Role.SUPPORT),) if known and first is not context.fact else ()
        return Proof(self.text, self._evaluate(context), cited)  # type: ignore[arg-type]
