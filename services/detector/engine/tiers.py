"""A level that only goes up: each rise is an entry (catalogue, primitive P14)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from schemas.alerts import Role, State
from services.detector.engine.finding import Arm, Finding, Note, Untimed, cite, doubts, worth

if TYPE_CHECKING:
    from services.detector.engine.terms import Context, Term
    from services.detector.engine.truth import Unknown


@dataclass(frozen=True, slots=True)
class Memory:
    """The level reached (0: none), and the day on which some level last held."""

    level: int = 0
    last: int = 0


class Tiers(Untimed):
    """The machine. `arms` are in rising order."""

    initial = Memory()
    reach_days = 0

    def __init__(
        self,
        name: str,
        listens: frozenset[int],
        arms: tuple[Arm, ...],
        *,
        state: State,
        given: Term | None = None,
        rearm: int | None = None,
        value: Term | None = None,
    ) -> None:
        """Assemble; `rearm` in days."""
        self.name = name
        self.listens = listens
        self._arms = arms
        self._state = state
        self._given = given
        self._rearm = rearm
        self._value = value

    @property
    def given(self) -> Term | None:
        """What must hold of a fact before it is judged."""
        return self._given

    def above(self, memory: Memory) -> tuple[tuple[State, Arm], ...]:
        """The levels not yet reached, and what reaching each is called."""
        return tuple((self._state, arm) for arm in self._arms[memory.level :])

    def step(self, memory: Memory, context: Context) -> tuple[Memory, tuple[Note, ...]]:
        """Find the highest level that holds, and report it if it is new."""
        if context.fact.provisional:
            return memory, ()
        if self._given is not None:
            given = self._given.evaluate(context)
            if given is not True:
                return memory, doubts(self.name, given, context)
        level, doubt = self._highest(context)
        day = context.fact.day
        if self._rearm is not None and memory.level and day - memory.last > self._rearm:
            memory = self.initial
        if level == 0:
            return memory, doubts(self.name, doubt, context)
        if level <= memory.level:
            return (memory if self._rearm is None else Memory(memory.level, day)), ()
        reached = Memory(level, day if self._rearm is not None else 0)
        return reached, (self._risen(level, context, opens=memory.level == 0),)

    def _highest(self, context: Context) -> tuple[int, Unknown | None]:
        doubt: Unknown | None = None
        for level in range(len(self._arms), 0, -1):
            truth = self._arms[level - 1].when.evaluate(context)
            if truth is True:
                return level, None
            if truth is not False and doubt is None:
                doubt = truth
        return 0, doubt

    def _risen(self, level: int, context: Context, *, opens: bool) -> Finding:
        arm, fact = self._arms[level - 1], context.fact
        proof = arm.when.prove(context)
        clock = ((context.clock, Role.CLOCK),) if context.clock is not None else ()
        given = self._given.prove(context).cited if self._given is not None else ()
        return Finding(
            self.name,
            self._state,
            opens=opens,
            day=fact.day,
            tag=arm.tag,
            grade=arm.grade,
            severity=arm.severity,
            onset=fact,
            trigger=fact,
            cited=cite(clock, ((fact, Role.TRIGGER),), given, proof.cited),
            proof=proof,
            value=worth(arm.value or self._value, context),
        )
