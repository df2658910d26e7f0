"""Doses against their plan: which plan a dose fulfils, levels, and relative dose intensity.

Catalogue of infectious diseases, B11 and P10. Amounts and levels are per drug; a treatment step of
which no drug is told belongs to the drug without a name.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from schemas.alerts import Role
from services.detector.engine.fact import Fact
from services.detector.engine.terms import Context, Proof, Term
from services.detector.engine.truth import Unknown, Value

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from services.detector.engine.lookback import Admits
    from services.detector.engine.past import Past

_REPEATED = 2
"""Doses that show how long a cycle lasts."""


def of_same_cycle(past: Past, text: str) -> Term:
    """The newest fact of a period that is of the cycle of the fact in question."""

    def evaluate(context: Context) -> Fact | Unknown | None:
        cycle = getattr(context.fact.event, "cycle", None)
        facts, doubt = past.facts(context)
        found = next((fact for fact in facts if fact.event.cycle == cycle), None)
        return doubt if found is None else found

    def cite(_: Context, found: Any) -> tuple[tuple[Fact, Role], ...]:
        return ((found, Role.SUPPORT),) if found.__class__ is Fact else ()

    return Term("fact", text, evaluate, cite=cite)


# ---------------------------------------------------------------- levels


class Level(NamedTuple):
    """Where one drug stands: its level, the levels that count, the steps that made them so."""

    drug: str
    level: int = 0
    down: int = 0
    steps: tuple[Fact, ...] = ()
    doubt: Unknown | None = None


class Levels:
    """Register: of every drug its level, and by how many levels it came down in what counts."""

    initial: Any = ()

    def __init__(self, admits: Admits | None, *, follows_clock: bool) -> None:
        """`admits` says which steps down count."""
        self._admits = admits
        self.follows_clock = follows_clock

    def add(self, memory: tuple[Level, ...], fact: Fact, context: Context) -> tuple[Level, ...]:
        """One more step."""
        if fact.event.dose_level is None:
            return memory
        moved = self.moved(memory, fact, context)
        return (*(one for one in memory if one.drug != moved.drug), moved)

    def moved(self, memory: tuple[Level, ...], fact: Fact, context: Context) -> Level:
        """The drug of a step after it. A step up takes back what counted, and never more."""
        drug, level = fact.event.drug or "", fact.event.dose_level
        before = next((one for one in memory if one.drug == drug), Level(drug))
        if level is None:
            return before
        fall = before.level - level
        if fall <= 0:
            down = max(0, before.down + fall)
            steps = (*before.steps, fact) if down and fall else before.steps
            return Level(drug, level, down, steps if down else ())
        counts = True if self._admits is None else self._admits(context)
        if isinstance(counts, Unknown):
            return before._replace(level=level, doubt=counts)
        if not counts:
            return before._replace(level=level, steps=(*before.steps, fact) if before.down else ())
        return Level(drug, level, before.down + fall, (*before.steps, fact), before.doubt)

    def restart(self, memory: tuple[Level, ...]) -> tuple[Level, ...]:
        """The clock moved."""
        return () if self.follows_clock else memory

    def read(self, memory: tuple[Level, ...], context: Context) -> tuple[Level, ...]:
        """All drugs: the term takes that of the fact in question."""
        del context
        return memory


def levels_down(held: Term, levels: Levels, series: frozenset[int], text: str) -> Term:
    """By how many levels the drug of the fact in question is down, this step included."""

    def moved(context: Context) -> Level | None:
        if series.isdisjoint(context.history[context.before].series):
            return None
        return levels.moved(held.evaluate(context), context.fact, context)

    def evaluate(context: Context) -> Value:
        found = moved(context)
        if found is None:
            return None
        return Decimal(found.down) if found.doubt is None else found.doubt

    def prove(context: Context) -> Proof:
        found = moved(context)
        steps = () if found is None else found.steps
        return Proof(text, evaluate(context), tuple((step, Role.SUPPORT) for step in steps))

    return Term("number", text, evaluate, prove)


# ---------------------------------------------------------------- intensity


class AllOf:
    """Register: every fact."""

    initial: Any = ()

    def __init__(self, admits: Admits | None, *, follows_clock: bool) -> None:
        """`admits` narrows them."""
        self._admits = admits
        self.follows_clock = follows_clock

    def add(self, memory: tuple[Fact, ...], fact: Fact, context: Context) -> tuple[Fact, ...]:
        """One more."""
        if self._admits is not None and self._admits(context) is not True:
            return memory
        return (*memory, fact)

    def restart(self, memory: tuple[Fact, ...]) -> tuple[Fact, ...]:
        """The clock moved."""
        return () if self.follows_clock else memory

    def read(self, memory: tuple[Fact, ...], context: Context) -> tuple[Fact, ...]:
        """All of them, in their order."""
        del context
        return memory


class Intensity(NamedTuple):
    """Share of the planned dose per day that was given, and the facts that it is worked out of."""

    share: Decimal
    facts: tuple[Fact, ...]


def dose_intensity(given: Term, planned: Term, cycles: int | None, text: str) -> Term:
    """Relative dose intensity up to the fact in question; of several drugs the lowest.

    Args:
        given: all doses so far, oldest first.
        planned: the doses that were planned, oldest first.
        cycles: only the last so many complete ones, of the drug of the dose in question.
        text: as written.
    """

    def lowest(context: Context) -> Intensity | None:
        doses, plan = given.evaluate(context), planned.evaluate(context)
        drugs = {fact.event.drug for fact in doses} & {fact.event.drug for fact in plan}
        if cycles is not None:
            drugs &= {context.fact.event.drug}
        found = [
            one
            for drug in sorted(drugs, key=str)
            if (one := _intensity(_of(drug, doses), _of(drug, plan), cycles, context.fact))
        ]
        return min(found, key=lambda one: one.share, default=None)

    def evaluate(context: Context) -> Value:
        found = lowest(context)
        return None if found is None else found.share

    def prove(context: Context) -> Proof:
        found = lowest(context)
        facts = () if found is None else found.facts
        return Proof(text, evaluate(context), tuple((fact, Role.SUPPORT) for fact in facts))

    return Term("number", text, evaluate, prove)


def _of(drug: str | None, facts: Iterable[Fact]) -> list[Fact]:
    """The doses of one drug of which the amount is known."""
    return [f for f in facts if f.event.drug == drug and f.event.dose is not None]


def _intensity(
    doses: list[Fact], plan: list[Fact], cycles: int | None, now: Fact
) -> Intensity | None:
    span = plan[-1].day - plan[0].day if len(plan) >= _REPEATED else 0
    if span <= 0 or not doses or len({f.event.dose_unit for f in (*doses, *plan)}) > 1:
        return None
    # Of n planned doses n - 1 are followed by another one: each lasts as long as the others.
    planned_days = Decimal(span * len(plan)) / (len(plan) - 1)
    if cycles is None:
        days = doses[-1].day - doses[0].day + planned_days / len(plan)
    else:
        doses = doses[-cycles:]
        days = Decimal(now.day - doses[0].day)
        if len(doses) < cycles:
            return None
    planned = _amount(plan)
    if days <= 0 or planned <= 0:
        return None
    return Intensity(_amount(doses) * planned_days / (planned * days), (*plan, *doses))


def _amount(doses: Sequence[Fact]) -> Decimal:
    return sum((fact.event.dose for fact in doses), Decimal(0))
