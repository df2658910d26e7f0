"""Consecutive facts: the run that a series is in, and how many runs a period saw.

A run is made of facts that fulfil a condition with none between them that doesn't. A fact of which
the condition is unknown, and a preliminary one, is neutral: it neither breaks a run nor begins one
(catalogue of infectious diseases, P4 and E3, points 2 and 3).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from schemas.alerts import Role
from services.detector.engine.lookback import Admits, Period, look_back
from services.detector.engine.terms import Cited, Context, Proof, Term
from services.detector.engine.truth import Unknown, Value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from services.detector.engine.fact import Fact


class RunStart:
    """Register: the first fact of the run that the newest facts form; None while there is none."""

    initial: Any = None

    def __init__(self, admits: Admits | None, *, follows_clock: bool) -> None:
        """`admits` is what every fact of the run fulfils."""
        self._admits = admits
        self.follows_clock = follows_clock

    def add(self, memory: Any, fact: Fact, context: Context) -> Any:
        """Begin, go on or break."""
        fulfilled = True if self._admits is None else self._admits(context)
        if fulfilled is True:
            return fact if memory is None else memory
        return None if fulfilled is False else memory

    def restart(self, memory: Any) -> Any:
        """The clock moved."""
        return self.initial if self.follows_clock else memory

    def read(self, memory: Any, context: Context) -> Fact | None:
        """That fact."""
        del context
        found: Fact | None = memory
        return found


@dataclass(frozen=True, slots=True)
class Runs:
    """The runs of a period before the fact in question."""

    series: frozenset[int]
    period: Period
    admits: Admits

    def count(self, text: str) -> Term:
        """How many there are. The evidence is one fact of each, and one that parts each two."""

        def evaluate(context: Context) -> Value:
            found = self._telling(context)
            if isinstance(found, Unknown):
                return found
            return Decimal(sum(1 for _, fulfils in found if fulfils))

        def prove(context: Context) -> Proof:
            found = self._telling(context)
            cited: tuple[Cited, ...] = ()
            if not isinstance(found, Unknown):
                cited = tuple((fact, Role.SUPPORT) for fact, _ in found)
            return Proof(text, evaluate(context), cited)

        return Term("number", text, evaluate, prove)

    def _telling(self, context: Context) -> list[tuple[Fact, bool]] | Unknown:
        """Newest first: a fact of each run, and one from each gap between two of them."""
        kept: list[tuple[Fact, bool]] = []
        for fact, fulfils in self._judged(context):
            if isinstance(fact, Unknown):
                return fact
            if fulfils if not kept else kept[-1][1] is not fulfils:
                kept.append((fact, fulfils))
        return kept if not kept or kept[-1][1] else kept[:-1]

    def _judged(self, context: Context) -> Iterator[tuple[Fact | Unknown, bool]]:
        """The facts of the period of which the condition is known, newest first.

        An unknown in place of a fact says that the period itself can't be told.
        """
        verdicts: list[Any] = []

        def judge(back: Context) -> bool:
            verdicts.append(self.admits(back))
            return True

        for found in look_back(context, self.series, self.period, judge):
            if isinstance(found, Unknown):
                yield found, False
            elif verdicts[-1] is True or verdicts[-1] is False:
                yield found, verdicts[-1]
