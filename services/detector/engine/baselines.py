"""What a course is measured against: the lowest value with the baseline included.

Source:
    RECIST 1.1 (Eisenhauer 2009, EJC 45:228): the smallest sum on study, baseline included.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from services.detector.engine.registers import Number, Numbered

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.detector.engine.fact import Fact
    from services.detector.engine.terms import Context
    from services.detector.engine.truth import Truth


class Course(NamedTuple):
    """The lowest fact since the baseline, and the newest: the baseline of a later clock."""

    lowest: Fact | None = None
    newest: Fact | None = None


class NadirWithBaseline(Numbered):
    """The lowest of the last value on or before the clock's day and of those after it.

    The earlier of equals.
    """

    initial: Any = Course()

    def __init__(
        self,
        admits: Callable[[Context], Truth] | None,
        *,
        follows_clock: bool,
        number: Number,
        clock_moves: bool = True,
    ) -> None:
        """By their `number`; a clock that never moves has no later baseline."""
        super().__init__(admits, follows_clock=follows_clock, number=number)
        self._clock_moves = clock_moves

    def add(self, memory: Course, fact: Fact, context: Context) -> Course:
        """Up to the clock's day the newest is the baseline; from then on the lowest counts."""
        number = self._number(fact)
        if number is None or not self.admitted(context):
            return memory
        record = None if memory.lowest is None else self._number(memory.lowest)
        before = context.clock is None or fact.day <= context.clock.day
        if before or record is None or number < record:
            return Course(fact, fact)
        return Course(memory.lowest, fact) if self._clock_moves else memory

    def restart(self, memory: Course) -> Course:
        """The clock moved: what was the newest is now the baseline."""
        return Course(memory.newest, memory.newest)

    def read(self, memory: Course, context: Context) -> Fact | None:
        """That fact."""
        del context
        return memory.lowest
