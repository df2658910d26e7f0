"""Terms that look back over a bounded period of the lane, without remembering anything."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from schemas.alerts import Role
from services.detector.engine.comparable import compares
from services.detector.engine.fact import Fact
from services.detector.engine.lookback import Admits, Period, look_back
from services.detector.engine.terms import Cited, Context, Proof, Term
from services.detector.engine.truth import Unknown, Value

Number = Callable[[Fact], Decimal | None]
_RATIOS = frozenset({"nadir", "peak", "confirmed_nadir"})
_ANY_VALUE = frozenset({"exists", "first", "last"})


@dataclass(frozen=True, slots=True)
class Past:
    """Facts of some series in a period before the fact in question."""

    series: frozenset[int]
    period: Period
    admits: Admits | None
    apart: bool = False

    def facts(self, context: Context) -> tuple[list[Fact], Unknown | None]:
        """The facts, newest first, and a doubt if it isn't certain that these are all."""
        facts: list[Fact] = []
        doubt: Unknown | None = None
        for found in look_back(context, self.series, self.period, self.admits):
            if isinstance(found, Fact):
                if not self.apart or compares(found, context):
                    facts.append(found)
            else:
                doubt = found if doubt is None else doubt
        return facts, doubt

    def _newest(self, context: Context) -> Fact | Unknown | None:
        """The newest fact; whether older ones lie in the period as well is no doubt of it."""
        for found in look_back(context, self.series, self.period, self.admits):
            if isinstance(found, Unknown) or not self.apart or compares(found, context):
                return found
        return None

    def one(self, function: str, number: Number, text: str) -> Term:
        """One fact: the lowest, highest, first or last, or any (`exists`)."""

        def evaluate(context: Context) -> Any:
            if function == "last":
                return self._newest(context)
            facts, doubt = self.facts(context)
            if function == "exists":
                return facts[0] if facts else doubt
            if doubt is not None:
                return doubt
            if function in _RATIOS:
                partition = context.fact.partition
                facts = [f for f in facts if number(f) is not None and f.partition == partition]
            return _choose(function, facts, number)

        role = Role.NADIR if function == "nadir" else Role.SUPPORT

        def cite(_: Context, found: Any) -> tuple[Cited, ...]:
            return ((found, role),) if found.__class__ is Fact else ()

        known = self.admits is None and self.period.within_us is None
        return Term("fact", text, evaluate, cite=cite).if_certain(known and function in _ANY_VALUE)

    def count(self, text: str) -> Term:
        """How many there are; each is evidence."""

        def evaluate(context: Context) -> Value:
            facts, doubt = self.facts(context)
            return Decimal(len(facts)) if doubt is None else doubt

        def prove(context: Context) -> Proof:
            facts, _ = self.facts(context)
            return Proof(text, evaluate(context), tuple((fact, Role.SUPPORT) for fact in facts))

        return Term("number", text, evaluate, prove)

    def median(self, text: str) -> Term:
        """The median of the values, the mean of the middle two for an even number."""

        def middle(context: Context) -> tuple[Fact, ...] | Unknown:
            facts, doubt = self.facts(context)
            if doubt is not None:
                return doubt
            partition = context.fact.partition
            usable = [f for f in facts if f.reference is not None and f.partition == partition]
            usable.sort(key=lambda fact: (fact.reference, fact.at, fact.key))
            half = len(usable) // 2
            if not usable:
                return ()
            return (usable[half],) if len(usable) % 2 else (usable[half - 1], usable[half])

        def evaluate(context: Context) -> Value:
            facts = middle(context)
            if isinstance(facts, Unknown):
                return facts
            numbers = [fact.reference for fact in facts if fact.reference is not None]
            return sum(numbers, Decimal(0)) / len(numbers) if numbers else None

        def prove(context: Context) -> Proof:
            facts = middle(context)
            cited = () if isinstance(facts, Unknown) else tuple((f, Role.BASELINE) for f in facts)
            return Proof(text, evaluate(context), cited)

        return Term("number", text, evaluate, prove)


def _choose(function: str, facts: list[Fact], number: Number) -> Fact | None:
    """From facts that stand newest first; of equals the earliest."""
    if not facts:
        return None
    if function == "first":
        return facts[-1]
    if function in {"nadir", "peak"}:
        sign = 1 if function == "nadir" else -1
        return min(reversed(facts), key=lambda fact: sign * (number(fact) or Decimal(0)))
    return facts[0]
