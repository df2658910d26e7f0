"""A report that ought to follow: what is known only from a preliminary report, and for how long.

The final version of the same fact takes the place of the preliminary one, so a fact that is final
says itself whether it came late; another final report of the same day or later does as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from schemas.alerts import Role, State
from services.detector.engine.finding import Finding, Note, cleared
from services.detector.engine.instants import end_of

if TYPE_CHECKING:
    from services.detector.engine.dormancy import Denial
    from services.detector.engine.fact import Fact
    from services.detector.engine.terms import Context, Term


class Awaited(NamedTuple):
    """A fact whose final report is awaited until a day; `missed` once that day has passed."""

    fact: Fact
    clock: Fact | None
    due: int
    missed: Finding | None = None


Memory = tuple[Awaited, ...]
"""In the order in which they are due."""


@dataclass(frozen=True, slots=True)
class Unreported:
    """The machine. `due` is evaluated at each fact; no due day, no deadline."""

    name: str
    listens: frozenset[int]
    due: Term
    tag: str | None = None
    initial: Memory = ()
    timed: bool = True
    reach_days: int = 0

    @property
    def rests(self) -> bool:
        """The clock has no report to wait for."""
        return True

    def denial(self, series: tuple[int, ...], *, dated: bool = False) -> Denial | None:
        """None: any report may be the one that was late."""
        del series, dated
        return None

    def start(self, memory: Memory, context: Context) -> Memory:
        """A new clock leaves open what was open."""
        del context
        return memory

    def deadline(self, memory: Memory) -> int | None:
        """The first day at whose end a report will be missing."""
        return next((one.due for one in memory if one.missed is None), None)

    def expire(self, memory: Memory, context: Context | None) -> tuple[Memory, tuple[Note, ...]]:
        """That day has ended without the report."""
        del context
        at = next(index for index, one in enumerate(memory) if one.missed is None)
        overdue = self._overdue(memory[at])
        missed = memory[at]._replace(missed=overdue)
        return (*memory[:at], missed, *memory[at + 1 :]), (overdue,)

    def step(self, memory: Memory, context: Context) -> tuple[Memory, tuple[Note, ...]]:
        """A preliminary report begins to wait; a final one is an answer."""
        fact, due = context.fact, self.due.evaluate(context)
        if isinstance(due, int):
            waiting = Awaited(fact, context.clock, due)
            memory = tuple(sorted((*memory, waiting), key=lambda one: one.due))
        if fact.provisional:
            return memory, ()
        answered = [one for one in memory if one.fact.day <= fact.day]
        notes = tuple(note for one in answered for note in self._answer(one, fact))
        return tuple(one for one in memory if one not in answered), notes

    def _answer(self, awaited: Awaited, fact: Fact) -> tuple[Note, ...]:
        """Was the report missed before its answer became known?"""
        if awaited.missed is not None:
            return (cleared(awaited.missed, fact),)
        if fact.known <= end_of(awaited.due):
            return ()
        overdue = self._overdue(awaited)
        return (overdue, cleared(overdue, fact))

    def _overdue(self, awaited: Awaited) -> Finding:
        clock = ((awaited.clock, Role.CLOCK),) if awaited.clock is not None else ()
        return Finding(
            self.name,
            State.OVERDUE,
            opens=True,
            day=awaited.due,
            tag=self.tag,
            cited=(*clock, (awaited.fact, Role.SUPPORT)),
            due=True,
        )
