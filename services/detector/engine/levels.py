"""What machines with rising levels share (catalogue, primitive P14)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from schemas.alerts import Role, State
from services.detector.engine.dormancy import guarded, weakest
from services.detector.engine.finding import Untimed

if TYPE_CHECKING:
    from services.detector.engine.dormancy import Denial
    from services.detector.engine.finding import Arm
    from services.detector.engine.terms import Cited, Context, Term
    from services.detector.engine.truth import Unknown


class Levels(Untimed):
    """Parts of a machine. `arms` are in rising order."""

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
        self._least = weakest(arm.when for arm in arms)

    @property
    def given(self) -> Term | None:
        """What must hold of a fact before it is judged."""
        return self._given

    def denial(self, series: tuple[int, ...], *, dated: bool = False) -> Denial | None:
        """What tells at a glance that a fact of these series reaches no level."""
        arms = [arm.when for _, arm in self.above(self.initial)]
        return guarded(self._given, arms, series, dated=dated)

    def above(self, memory: Any) -> tuple[tuple[State, Arm], ...]:
        """The levels not yet reached, and what reaching each is called."""
        return self._above(memory.level)

    def _above(self, level: int) -> tuple[tuple[State, Arm], ...]:
        """The levels not yet reached, and what reaching each is called."""
        return tuple((self._state, arm) for arm in self._arms[level:])

    def _highest(self, context: Context) -> tuple[int, Unknown | None]:
        """The highest level that holds; else 0, and the doubt of the highest that might."""
        if self._least is not None and self._least.evaluate(context) is False:
            return 0, None
        doubt: Unknown | None = None
        for level in range(len(self._arms), 0, -1):
            truth = self._arms[level - 1].when.evaluate(context)
            if truth is True:
                return level, None
            if truth is not False and doubt is None:
                doubt = truth
        return 0, doubt

    def _grounds(self, context: Context) -> tuple[tuple[Cited, ...], ...]:
        """What a rise rests on beside its own condition: clock, trigger, what had to be given."""
        return (
            ((context.clock, Role.CLOCK),) if context.clock is not None else (),
            ((context.fact, Role.TRIGGER),),
            self._given.prove(context).cited if self._given is not None else (),
        )
