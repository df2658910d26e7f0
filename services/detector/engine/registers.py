"""Registers: what a lane must remember of an unbounded past, in constant space.

A register is a fold: `add` takes its memory and a fact and gives the new memory, an immutable
value. It keeps facts, not numbers, so that what it gives can be cited as evidence.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from services.detector.engine.fact import Fact, Partition
from services.detector.engine.truth import Truth, Unknown

if TYPE_CHECKING:
    from services.detector.engine.terms import Context

Number = Callable[[Fact], Decimal | None]


class Register(Protocol):
    """One remembered part of the past."""

    initial: Any
    follows_clock: bool

    def add(self, memory: Any, fact: Fact, context: Context) -> Any:
        """The memory after one more fact of the series."""
        ...

    def restart(self, memory: Any) -> Any:
        """The memory after the clock has moved."""
        ...

    def read(self, memory: Any, context: Context) -> Any:
        """What the memory says to the fact in question."""
        ...


class _Filtered:
    """Takes in only facts that its condition admits; forgets when the clock moves, if it must."""

    initial: Any = None

    def __init__(self, admits: Callable[[Context], Truth] | None, *, follows_clock: bool) -> None:
        self._admits = admits
        self.follows_clock = follows_clock

    def admitted(self, context: Context) -> bool:
        return self._admits is None or self._admits(context) is True

    def restart(self, memory: Any) -> Any:
        return self.initial if self.follows_clock else memory


class Numbered(_Filtered):
    """Takes in facts by a number of theirs."""

    def __init__(
        self,
        admits: Callable[[Context], Truth] | None,
        *,
        follows_clock: bool,
        number: Number,
    ) -> None:
        """Of facts that `admits` holds of, by their `number`."""
        super().__init__(admits, follows_clock=follows_clock)
        self._number = number


class Extreme(Numbered):
    """Lowest or highest value, one for each partition of specimen and method (catalogue C5)."""

    def __init__(
        self,
        admits: Callable[[Context], Truth] | None,
        *,
        follows_clock: bool,
        lowest: bool,
        number: Number,
    ) -> None:
        """Remember the fact with the lowest (else highest) `number`; the earlier of equals."""
        super().__init__(admits, follows_clock=follows_clock, number=number)
        self._lowest = lowest

    def add(self, memory: Any, fact: Fact, context: Context) -> Any:
        """Keep the more extreme of the two."""
        number = self._number(fact)
        if number is None or (self._admits is not None and self._admits(context) is not True):
            return memory
        if memory is None:
            return fact
        if memory.__class__ is Fact:
            if memory.sort is fact.sort or memory.partition == fact.partition:
                return self._better(memory, fact, number)
            memory = ((memory.partition, memory),)
        return _with(memory, fact.partition, lambda held: self._better(held, fact, number))

    def _better(self, held: Fact | None, fact: Fact, number: Decimal) -> Fact:
        if held is None:
            return fact
        record = self._number(held)
        assert record is not None, "only facts with a number are kept"  # noqa: S101
        return fact if (number < record if self._lowest else number > record) else held

    def read(self, memory: Any, context: Context) -> Fact | None:
        """The extreme of the partition of the fact in question."""
        sort = context.fact.sort
        if memory.__class__ is Fact and (
            memory.sort is sort or memory.sort.partition == sort.partition
        ):
            held: Fact = memory
            return held
        found: Fact | None = _of_partition(memory, sort.partition)
        return found


def _of_partition(memory: Any, partition: Partition | None) -> Any:
    if memory is None:
        return None
    if memory.__class__ is Fact:
        return memory if memory.partition == partition else None
    return next((held for name, held in memory if name == partition), None)


def _with(memory: Any, partition: Partition | None, change: Callable[[Any], Any]) -> Any:
    """The memory with one partition's part changed."""
    found = False
    parts = []
    for name, held in memory:
        if name == partition:
            found = True
            parts.append((name, change(held)))
        else:
            parts.append((name, held))
    if not found:
        parts.append((partition, change(None)))
    return tuple(parts)


class First(_Filtered):
    """The first fact; as long as there is none, the first doubt whether one was it."""

    @property
    def certain(self) -> bool:
        """Nothing to doubt where it takes in every fact."""
        return self._admits is None

    def add(self, memory: Any, fact: Fact, context: Context) -> Any:
        """Keep the first that is admitted."""
        if memory.__class__ is Fact:
            return memory
        admitted = True if self._admits is None else self._admits(context)
        if admitted is True:
            return fact
        return admitted if memory is None and isinstance(admitted, Unknown) else memory

    def read(self, memory: Any, context: Context) -> Fact | Unknown | None:
        """That fact."""
        del context
        found: Fact | Unknown | None = memory
        return found


class Latest(_Filtered):
    """The last `count` facts, newest last."""

    initial: Any = ()

    def __init__(
        self, admits: Callable[[Context], Truth] | None, *, follows_clock: bool, count: int = 1
    ) -> None:
        """Remember so many facts."""
        super().__init__(admits, follows_clock=follows_clock)
        self._count = count

    @property
    def certain(self) -> bool:
        """What can't be told isn't taken in."""
        return True

    def add(self, memory: Any, fact: Fact, context: Context) -> Any:
        """Shift one in."""
        if self._admits is not None and self._admits(context) is not True:
            return memory
        return (fact,) if self._count == 1 else (*memory, fact)[-self._count :]

    def read(self, memory: Any, context: Context) -> Any:
        """The last fact; with a count above one, all of them."""
        del context
        if self._count > 1:
            return memory
        return memory[-1] if memory else None


class Baseline(_Filtered):
    """The last fact on or before the clock's day."""

    initial: Any = (None, None)

    def __init__(
        self,
        admits: Callable[[Context], Truth] | None,
        *,
        follows_clock: bool,
        clock_moves: bool = True,
    ) -> None:
        """Of facts that `admits` holds of; a clock that never moves has no later baseline."""
        super().__init__(admits, follows_clock=follows_clock)
        self._clock_moves = clock_moves

    def add(self, memory: Any, fact: Fact, context: Context) -> Any:
        """Before the clock, and on its day, the newest counts; later facts only wait."""
        early = context.clock is None or fact.day <= context.clock.day
        if not (early or self._clock_moves) or not self.admitted(context):
            return memory
        return (fact if early else memory[0], fact)

    def restart(self, memory: Any) -> Any:
        """The clock moved: what was the newest fact is now the last one before it."""
        _, newest = memory
        return (newest, newest)

    def read(self, memory: Any, context: Context) -> Fact | Unknown:
        """That fact; ratios across assays or specimens are not drawn (catalogue C5)."""
        found: Fact | None = memory[0] if context.clock is not None else None
        if found is None:
            return Unknown("there is no baseline value")
        if found.partition != context.fact.partition:
            return Unknown("the baseline is of another assay or specimen")
        return found


class Confirmed(NamedTuple):
    """A value that two neighbouring samples reached: the larger, the other; and the newest."""

    record: Fact | None = None
    partner: Fact | None = None
    newest: Fact | None = None


class ConfirmedNadir(Numbered):
    """Lowest value that two neighbouring samples reached (catalogue MM-IMWG-PD).

    The larger of each pair of neighbours counts. A single sample is confirmed by nothing.
    """

    initial: Any = Confirmed()

    def add(self, memory: Any, fact: Fact, context: Context) -> Any:
        """Pair the newest sample with the one before it."""
        number = self._number(fact)
        if number is None or not self.admitted(context):
            return memory
        if memory.newest is None:
            return Confirmed(newest=fact)
        lower, higher = sorted((memory.newest, fact), key=self._worth)
        if memory.record is None or self._worth(higher) < self._worth(memory.record):
            return Confirmed(higher, lower, fact)
        return memory._replace(newest=fact)

    def _worth(self, fact: Fact) -> Decimal:
        number = self._number(fact)
        assert number is not None, "only facts with a number are kept"  # noqa: S101
        return number

    def read(self, memory: Any, context: Context) -> Fact | None:
        """The record; none while there is no pair of numbers."""
        del context
        found: Fact | None = memory.record
        return found


class Count(_Filtered):
    """How many facts."""

    initial: Any = 0

    def add(self, memory: Any, fact: Fact, context: Context) -> Any:
        """One more."""
        del fact
        return memory + 1 if self.admitted(context) else memory

    def read(self, memory: Any, context: Context) -> Decimal:
        """As a number."""
        del context
        return Decimal(memory)
