"""One thing and then another, no more than so many days apart (catalogue, primitive P8, Hy's law).

The first leg alone is a suspicion. Each leg is looked at with the fact nearest to it that could
speak against it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from schemas.alerts import Role, State
from services.detector.engine.dormancy import all_denied
from services.detector.engine.finding import Finding, Note, Untimed, cite, doubts
from services.detector.engine.terms import Cited, Context, Proof, Term

if TYPE_CHECKING:
    from services.detector.engine.dormancy import Denial
    from services.detector.engine.fact import Fact


@dataclass(frozen=True, slots=True)
class Leg:
    """Facts of some series that fulfil a condition."""

    series: frozenset[int]
    when: Term


@dataclass(frozen=True, slots=True)
class Nearest:
    """The fact nearest to a leg, within so many days either way, and what it must not fulfil."""

    series: frozenset[int]
    within: int
    when: Term


class Memory(NamedTuple):
    """What stands: nothing, a suspicion (`first`), or a confirmed finding."""

    first: Fact | None = None
    confirmed: bool = False


class Sequence(Untimed):
    """The machine."""

    initial = Memory()

    def __init__(
        self,
        name: str,
        first: Leg,
        then: Leg,
        *,
        within: int,
        unless: Nearest | None = None,
        unless_missing: str | None = None,
    ) -> None:
        """Assemble; `within` in days."""
        self.name = name
        self.listens = first.series | then.series | (unless.series if unless else frozenset())
        self.reach_days = within + (unless.within if unless is not None else 0)
        self._first = first
        self._then = then
        self._within = within
        self._unless = unless
        self._unless_missing = unless_missing

    @property
    def legs(self) -> tuple[Leg, Leg]:
        """What comes first, and what follows."""
        return self._first, self._then

    def denial(self, series: tuple[int, ...], *, dated: bool = False) -> Denial | None:
        """What tells at a glance that a fact of these series is neither leg."""
        del dated  # there is nothing to be given
        legs = [leg.when for leg in self.legs if not leg.series.isdisjoint(series)]
        return all_denied(legs, series)

    def step(self, memory: Memory, context: Context) -> tuple[Memory, tuple[Note, ...]]:
        """A fact may be a leg, or speak against one."""
        if context.fact.provisional:
            return memory, ()
        series = context.history[context.before].series
        notes: tuple[Note, ...] = ()
        if self._unless is not None and not self._unless.series.isdisjoint(series):
            memory, notes = self._object(memory, context)
        if memory.confirmed:
            return memory, notes
        if not self._first.series.isdisjoint(series):
            memory, more = self._begin(memory, context)
            notes += more
        if not self._then.series.isdisjoint(series):
            memory, more = self._complete(memory, context)
            notes += more
        return memory, notes

    def _object(self, memory: Memory, context: Context) -> tuple[Memory, tuple[Note, ...]]:
        """A fact that may speak against the leg that stands."""
        if memory.first is None:
            return memory, ()
        blocker, _ = self._blocker(memory.first, context)
        if blocker is None or blocker is not context.fact:
            return memory, ()
        return self.initial, (self._refuted(memory.first, blocker, context),)

    def _begin(self, memory: Memory, context: Context) -> tuple[Memory, tuple[Note, ...]]:
        truth = self._first.when.evaluate(context)
        if truth is not True:
            return memory, doubts(self.name, truth, context)
        blocker, _ = self._blocker(context.fact, context)
        if blocker is not None:
            if memory.first is not None:
                return memory, ()
            return memory, (self._refuted(context.fact, blocker, context),)
        if memory.first is not None:
            return memory, ()
        proof = self._first.when.prove(context)
        finding = Finding(
            self.name,
            State.SUSPECTED,
            opens=True,
            day=context.fact.day,
            onset=context.fact,
            trigger=context.fact,
            cited=cite(((context.fact, Role.TRIGGER),), proof.cited),
            proof=proof,
        )
        return Memory(first=context.fact), (finding,)

    def _complete(self, memory: Memory, context: Context) -> tuple[Memory, tuple[Note, ...]]:
        """The second leg: is there a first one close enough that nothing speaks against?"""
        truth = self._then.when.evaluate(context)
        if truth is False:
            return memory, ()
        for index in self._legs(context):
            leg = context.history[index].fact
            blocker, witness = self._blocker(leg, context)
            if blocker is not None:
                continue
            if truth is not True:
                return memory, doubts(self.name, truth, context)
            return self._confirmed(memory, index, witness, context)
        return memory, ()

    def _legs(self, context: Context) -> list[int]:
        """Places of the first legs within reach, oldest first."""
        floor = context.fact.day - self._within
        found = []
        for index in range(context.before - 1, -1, -1):
            entry = context.history[index]
            if entry.fact.day < floor:
                break
            if self._first.series.isdisjoint(entry.series) or entry.fact.provisional:
                continue
            if self._first.when.holds(context.back_at(index)):
                found.append(index)
        return found[::-1]

    def _confirmed(
        self, memory: Memory, index: int, witness: Fact | None, context: Context
    ) -> tuple[Memory, tuple[Note, ...]]:
        leg = context.history[index].fact
        one, two = self._first.when.prove(context.back_at(index)), self._then.when.prove(context)
        proof = Proof(
            f"{one.text}, then {two.text} within {self._within} d", result=True, because=(one, two)
        )
        against: tuple[Cited, ...] = ((witness, Role.SUPPORT),) if witness is not None else ()
        finding = Finding(
            self.name,
            State.CONFIRMED,
            opens=memory.first is None,
            day=context.fact.day,
            tag=None if witness is not None else self._unless_missing,
            onset=leg,
            trigger=context.fact,
            cited=cite(((leg, Role.SUPPORT), (context.fact, Role.TRIGGER)), against),
            proof=proof,
        )
        return Memory(first=leg, confirmed=True), (finding,)

    def _blocker(self, leg: Fact, context: Context) -> tuple[Fact | None, Fact | None]:
        """The nearest fact that speaks against a leg, else the nearest one that doesn't."""
        if self._unless is None:
            return None, None
        nearest = self._nearest(leg, context, self._unless)
        if nearest is None:
            return None, None
        truth = self._unless.when.evaluate(context.at(nearest))
        if truth is True:
            return nearest, None
        return None, nearest if truth is False else None

    def _nearest(self, leg: Fact, context: Context, unless: Nearest) -> Fact | None:
        """Up to and including the fact in question; of two equally near, the later."""
        best: Fact | None = None
        for index in range(context.before, -1, -1):
            entry = context.history[index]
            if entry.fact.day < leg.day - unless.within:
                break
            away = abs(entry.fact.day - leg.day)
            if unless.series.isdisjoint(entry.series) or away > unless.within:
                continue
            if not entry.fact.provisional and (best is None or away < abs(best.day - leg.day)):
                best = entry.fact
        return best

    def _refuted(self, leg: Fact, blocker: Fact, context: Context) -> Finding:
        return Finding(
            self.name,
            State.REFUTED,
            opens=False,
            day=context.fact.day,
            onset=leg,
            trigger=blocker,
            cited=((leg, Role.SUPPORT), (blocker, Role.TRIGGER)),
        )
