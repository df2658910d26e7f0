"""Numbers that are worked out of several facts: means, corrected intervals, clearances.

The formulas themselves are in `schemas.terminology.derived`. A number of which a part is missing is
unknown, and says which part.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from schemas.alerts import Role
from schemas.terminology.analytes import analyte
from schemas.terminology.derived import Sex, cockcroft_gault, qtc_fridericia
from schemas.terminology.units import Scale, scale
from services.detector.engine.comparable import compares
from services.detector.engine.fact import Fact
from services.detector.engine.lookback import look_back
from services.detector.engine.terms import Cited, Context, Proof, Term
from services.detector.engine.truth import Unknown, Value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.detector.engine.lookback import Admits
    from services.detector.engine.past import Past

_MS_PER_MINUTE = Decimal(60_000)
_CORRECTED = "qtc"
_RATE = "heart_rate"


# ---------------------------------------------------------------- over several facts


@dataclass(frozen=True, slots=True)
class Mean:
    """The mean of a number over the facts of a period, the one in question included."""

    past: Past
    number: Term
    text: str

    def term(self) -> Term:
        """As a term."""
        return Term("number", self.text, self._evaluate, self._prove)

    def _contexts(self, context: Context) -> list[Context] | Unknown:
        """Where the number is to be worked out: at the fact in question, then back in time."""
        here = context.history[context.before].series
        if self.past.period.within_us is not None and not context.fact.precise:
            return [context]  # of a day without hours nothing else belongs to the set for sure
        found = [context] if not self.past.series.isdisjoint(here) else []

        def take(back: Context) -> Any:
            admits = self.past.admits
            truth = True if admits is None else admits(back)
            if truth is True and (not self.past.apart or compares(back.fact, context)):
                found.append(back)
            return truth

        for fact in look_back(context, self.past.series, self.past.period, take):
            if isinstance(fact, Unknown):
                return fact
        return found

    def _evaluate(self, context: Context) -> Value:
        places = self._contexts(context)
        if isinstance(places, Unknown):
            return places
        total = Decimal(0)
        for place in places:
            value = self.number.evaluate(place)
            if not isinstance(value, Decimal):
                return value if isinstance(value, Unknown) else Unknown("a value that is no number")
            total += value
        return total / len(places) if places else None

    def _prove(self, context: Context) -> Proof:
        places = self._contexts(context)
        proofs = () if isinstance(places, Unknown) else tuple(map(self.number.prove, places))
        cited = [one for proof in proofs for one in proof.cited]
        told = tuple(dict.fromkeys(_in_role(one, Role.SUPPORT, context.fact) for one in cited))
        return Proof(self.text, self._evaluate(context), told, proofs)


def _in_role(cited: Cited, role: Role, trigger: Fact | None = None) -> Cited:
    """Evidence of another place: only the fact in question is what sets a finding off."""
    fact, said = cited
    return (fact, role) if said is Role.TRIGGER and fact is not trigger else cited


class Worked(NamedTuple):
    """A number as it was worked out at a fact, and the evidence for it."""

    fact: Fact
    value: Value
    cited: tuple[Cited, ...]


class AtBaseline:
    """Register: what a number was at the last fact on or before the clock's day."""

    initial: Any = (None, None)
    follows_clock = True

    def __init__(self, admits: Admits | None, number: Term, *, clock_moves: bool = True) -> None:
        """`number` is worked out at each fact that is admitted, as long as it may be wanted."""
        self._admits = admits
        self._number = number
        self._clock_moves = clock_moves

    def add(self, memory: Any, fact: Fact, context: Context) -> Any:
        """Before the clock, and on its day, the newest counts; later facts only wait."""
        early = context.clock is None or fact.day <= context.clock.day
        if not (early or self._clock_moves):
            return memory
        if self._admits is not None and self._admits(context) is not True:
            return memory
        cited = self._number.prove(context).cited
        told = tuple(_in_role(one, Role.BASELINE) for one in cited)
        found = Worked(fact, self._number.evaluate(context), told)
        return (found if early else memory[0], found)

    def restart(self, memory: Any) -> Any:
        """The clock moved: what was the newest is now the last one before it."""
        _, newest = memory
        return (newest, newest)

    def read(self, memory: Any, context: Context) -> Worked | None:
        """That number; None before there is a clock, or without one."""
        found: Worked | None = memory[0] if context.clock is not None else None
        return found


def at_baseline(held: Term, text: str) -> Term:
    """What a register `AtBaseline` holds, as a number."""

    def evaluate(context: Context) -> Value:
        found: Worked | None = held.evaluate(context)
        if found is None:
            return Unknown("there is no baseline value")
        return found.value

    def prove(context: Context) -> Proof:
        found: Worked | None = held.evaluate(context)
        return Proof(text, evaluate(context), () if found is None else found.cited)

    return Term("number", text, evaluate, prove)


# ---------------------------------------------------------------- formulas


def fridericia(qt: Term, beats: Sequence[Term], text: str) -> Term:
    """QT interval corrected for heart rate; a QTc is taken as it was reported. In ms.

    Args:
        qt: a fact.
        beats: heart rates or RR intervals, of which the first that there is counts.
        text: as written.
    """

    def evaluate(context: Context) -> Value:
        interval = qt.evaluate(context)
        if interval.__class__ is not Fact:
            return None
        if interval.topic == _CORRECTED or not isinstance(interval.value, Decimal):
            return _number(interval)
        beat = _beat([rate.evaluate(context) for rate in beats])
        return beat if isinstance(beat, Unknown) else qtc_fridericia(interval.value, beat)

    return _worked_out(text, evaluate, qt, *beats)


def _beat(rates: Sequence[object]) -> Decimal | Unknown:
    """The RR interval in ms, of itself or of a heart rate."""
    fact = next((one for one in rates if isinstance(one, Fact)), None)
    if fact is None:
        return Unknown("no heart rate with the QT interval")
    value = _number(fact)
    if not isinstance(value, Decimal):
        return value
    if value <= 0:
        return Unknown("a heart rate of 0")
    return _MS_PER_MINUTE / value if fact.topic == _RATE else value


def clearance(creatinine: Term, weight: Term, age: Term, sex: Term, text: str) -> Term:
    """Creatinine clearance by Cockcroft and Gault, in mL/min, not rounded."""

    def evaluate(context: Context) -> Value:
        fact = creatinine.evaluate(context)
        if fact.__class__ is not Fact:
            return None
        serum, years = _mg_per_dl(fact), age.evaluate(context)
        kilograms, who = _weight(weight.evaluate(context)), sex.evaluate(context)
        for part in (serum, years, kilograms, who):
            if isinstance(part, Unknown):
                return part
        return _rate(serum, years, kilograms, who)

    return _worked_out(text, evaluate, creatinine, weight, age, sex)


def _rate(serum: Any, years: Any, kilograms: Any, who: Sex) -> Decimal | None:
    return cockcroft_gault(serum, int(years), kilograms, who)


def _weight(fact: object) -> Decimal | Unknown:
    if not isinstance(fact, Fact):
        return Unknown("no weight near the creatinine")
    return _number(fact)


def _mg_per_dl(fact: Fact) -> Decimal | Unknown:
    """A creatinine in the unit of the formula."""
    value, by = _number(fact), _per_mg_per_dl()
    if not isinstance(value, Decimal):
        return value
    return value / by if value > 0 else Unknown("a creatinine of 0")


def _per_mg_per_dl() -> Decimal:
    known = analyte("creatinine")
    found = None if known is None else scale("mg/dL", known)
    assert isinstance(found, Scale), "the analyte table accepts mg/dL"  # noqa: S101
    return found.apply(Decimal(1))


def magnitude(of: Term, text: str) -> Term:
    """A value without its sign."""

    def evaluate(context: Context) -> Value:
        fact = of.evaluate(context)
        if fact.__class__ is not Fact:
            absent: Value = fact
            return absent
        value = _number(fact)
        return abs(value) if isinstance(value, Decimal) else value

    return _worked_out(text, evaluate, of)


def _number(fact: Fact) -> Decimal | Unknown:
    """An exact number; `<x` is none that could be calculated with."""
    value = fact.value
    if isinstance(value, Decimal | Unknown):
        return value
    return Unknown("no exact number")


def _worked_out(text: str, evaluate: Any, *parts: Term) -> Term:
    def prove(context: Context) -> Proof:
        proofs = tuple(part.prove(context) for part in parts)
        cited = tuple(dict.fromkeys(cite for proof in proofs for cite in proof.cited))
        return Proof(text, evaluate(context), cited, tuple(p for p in proofs if p.cited))

    return Term("number", text, evaluate, prove)
