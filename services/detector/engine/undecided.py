"""Facts that a criterion can't judge, for a reason that its source gives.

A negative test of cure on acid suppression is no "no": it is nobody's verdict, and is reported so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from services.detector.engine.dormancy import all_denied, together
from services.detector.engine.finding import Machine, Note, doubts

if TYPE_CHECKING:
    from services.detector.engine.dormancy import Denial
    from services.detector.engine.terms import Context, Term
    from services.detector.engine.truth import Unknown


class Reason(NamedTuple):
    """Of which facts nothing can be said, and why."""

    when: Term
    because: Unknown


class Undecided:
    """A criterion that is not shown such facts."""

    def __init__(self, machine: Machine, reasons: tuple[Reason, ...]) -> None:
        """Keep from `machine` what any of the reasons holds for."""
        self._machine = machine
        self._reasons = reasons
        self.name = machine.name
        self.listens = machine.listens
        self.timed = machine.timed
        self.reach_days = machine.reach_days
        self.initial = machine.initial

    @property
    def machine(self) -> Machine:
        """The criterion that is kept from them."""
        return self._machine

    @property
    def rests(self) -> bool:
        """As the criterion."""
        return self._machine.rests

    def denial(self, series: tuple[int, ...], *, dated: bool = False) -> Denial | None:
        """What tells at a glance that neither the criterion nor a reason has anything to say."""
        reasons = all_denied([one.when for one in self._reasons], series)
        return together((reasons, self._machine.denial(series, dated=dated)))

    def start(self, memory: Any, context: Context) -> Any:
        """The clock was set, or has moved."""
        return self._machine.start(memory, context)

    def step(self, memory: Any, context: Context) -> tuple[Any, tuple[Note, ...]]:
        """One more fact, if it can be judged."""
        for reason in self._reasons:
            if reason.when.holds(context):
                if context.fact.provisional:
                    return memory, ()
                return memory, doubts(self.name, reason.because, context)
        return self._machine.step(memory, context)

    def deadline(self, memory: Any) -> int | None:
        """That of the criterion."""
        return self._machine.deadline(memory)

    def expire(self, memory: Any, context: Context | None) -> tuple[Any, tuple[Note, ...]]:
        """That of the criterion."""
        return self._machine.expire(memory, context)
