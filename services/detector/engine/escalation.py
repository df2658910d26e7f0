"""A level that goes up within one finding, may be suspected first, and may be ended by new facts.

Persistent bacteraemia (catalogue of infectious diseases, A6, primitive P9): the alert dates from
its first level, tells the highest, and ends with two negative days. Then the next is a new episode.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from schemas.alerts import Role, State
from services.detector.engine.dormancy import weakest
from services.detector.engine.finding import (
    Arm,
    Finding,
    Note,
    cite,
    doubts,
    first_true,
    worth,
)
from services.detector.engine.levels import Levels

if TYPE_CHECKING:
    from services.detector.engine.fact import Fact
    from services.detector.engine.terms import Cited, Context, Term


class Memory(NamedTuple):
    """The level reached (0: none), what began it and the evidence for that, the day it last held.

    With `first` and no level a suspicion stands. `told`: an episode that has ended may go on.
    """

    level: int = 0
    first: Fact | None = None
    cited: tuple[Cited, ...] = ()
    last: int = 0
    told: bool = False


class Escalation(Levels):
    """The machine. `arms` are in rising order."""

    initial = Memory()

    def __init__(  # noqa: PLR0913  (what a pack may say of it)
        self,
        name: str,
        listens: frozenset[int],
        arms: tuple[Arm, ...],
        *,
        state: State,
        given: Term | None = None,
        rearm: int | None = None,
        value: Term | None = None,
        suspect: tuple[Arm, ...] = (),
        refute: Term | None = None,
        keeps_onset: bool = False,
        resumes: bool = False,
    ) -> None:
        """Assemble; `rearm` in days. `keeps_onset`: a rise goes on with the same finding.

        `resumes`: what was ended and holds again goes on with the same episode.
        """
        super().__init__(name, listens, arms, state=state, given=given, rearm=rearm, value=value)
        self._suspect = suspect
        self._refute = refute
        self._keeps_onset = keeps_onset
        self._resumes = resumes
        self._least_hint = weakest(arm.when for arm in (*arms, *suspect))

    def above(self, memory: Memory) -> tuple[tuple[State, Arm], ...]:
        """The levels not yet reached, and what reaching each is called; a suspicion counts."""
        hints = self._suspect if memory.first is None else ()
        return (*self._above(memory.level), *((State.SUSPECTED, arm) for arm in hints))

    def step(self, memory: Memory, context: Context) -> tuple[Memory, tuple[Note, ...]]:
        """A fact may raise the level, end it, or be the first hint of it."""
        if self._given is not None:
            given = self._given.evaluate(context)
            if given is not True:
                return memory, doubts(self.name, given, context)
        if memory.first is None and self._shows_nothing(context):
            return memory, ()
        memory = self._rearmed(memory, context)
        level, doubt = (0, None) if context.fact.provisional else self._highest(context)
        if level:
            return self._reached(memory, level, context)
        if memory.first is None:
            arm = first_true(self._suspect, context)
            if isinstance(arm, Arm):
                return self._said(memory, State.SUSPECTED, arm, context)
            doubt = arm if doubt is None else doubt
        elif self._ends(context):
            after = Memory(told=True) if self._resumes else self.initial
            return after, (self._refuted(memory, context),)
        return memory, () if context.fact.provisional else doubts(self.name, doubt, context)

    def _shows_nothing(self, context: Context) -> bool:
        """Whether one question tells that there is neither a level nor a hint of one."""
        return self._least_hint is not None and self._least_hint.evaluate(context) is False

    def _rearmed(self, memory: Memory, context: Context) -> Memory:
        """So long without any level: what comes now is new."""
        away = context.fact.day - memory.last
        over = self._rearm is not None and memory.level and away > self._rearm
        return self.initial if over else memory

    def _reached(
        self, memory: Memory, level: int, context: Context
    ) -> tuple[Memory, tuple[Note, ...]]:
        notes: tuple[Note, ...] = ()
        if level > memory.level and not self._already_called_so(memory, level):
            memory, notes = self._said(memory, self._state, self._arms[level - 1], context)
        day = 0 if self._rearm is None else context.fact.day
        return memory._replace(level=max(level, memory.level), last=day), notes

    def _already_called_so(self, memory: Memory, level: int) -> bool:
        """Whether the finding that goes on would only be told again under the same name."""
        if not (self._keeps_onset and memory.level):
            return False
        old, new = self._arms[memory.level - 1], self._arms[level - 1]
        return (old.tag, old.grade) == (new.tag, new.grade)

    def _said(
        self, memory: Memory, state: State, arm: Arm, context: Context
    ) -> tuple[Memory, tuple[Note, ...]]:
        fact, proof = context.fact, arm.when.prove(context)
        before = memory.cited if self._keeps_onset else ()
        cited = cite(
            *self._grounds(context),
            tuple((one, _in_support(role)) for one, role in before),
            proof.cited,
        )
        onset = memory.first if self._keeps_onset and memory.first is not None else fact
        finding = Finding(
            self.name,
            state,
            opens=memory.first is None and not memory.told,
            day=fact.day,
            tag=arm.tag,
            grade=arm.grade,
            severity=arm.severity,
            onset=onset,
            trigger=fact,
            cited=cited,
            proof=proof,
            value=worth(self._value, context),
        )
        grounds = memory.cited if memory.first is not None else cited
        return memory._replace(first=onset, cited=grounds), (finding,)

    def _ends(self, context: Context) -> bool:
        return (
            self._refute is not None
            and not context.fact.provisional
            and self._refute.holds(context)
        )

    def _refuted(self, memory: Memory, context: Context) -> Finding:
        assert self._refute is not None  # noqa: S101
        proof = self._refute.prove(context)
        clock = ((context.clock, Role.CLOCK),) if context.clock is not None else ()
        return Finding(
            self.name,
            State.REFUTED,
            opens=False,
            day=context.fact.day,
            onset=memory.first,
            trigger=context.fact,
            cited=cite(((context.fact, Role.TRIGGER),), proof.cited, clock),
            proof=proof,
            value=worth(self._value, context),
        )


def _in_support(role: Role) -> Role:
    """What set a finding off supports it once it has risen."""
    return Role.SUPPORT if role is Role.TRIGGER else role
