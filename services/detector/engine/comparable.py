"""Results kept apart: what compares is of one analyte, one specimen and one method.

Catalogue of oncology, C5: ratio rules never cross such a key. A register or a criterion over a
series that is kept apart remembers one part for each key; each part knows nothing of the others.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from schemas.terminology.adverse_events import preferred_term
from services.detector.engine.dormancy import never
from services.detector.engine.finding import KEPT_APART, Machine, Note

if TYPE_CHECKING:
    from services.detector.engine.dormancy import Denial
    from services.detector.engine.fact import Fact, Kin
    from services.detector.engine.registers import Register
    from services.detector.engine.terms import Context

Parts = tuple[tuple["Kin", Any], ...]
"""What is remembered of each key, in the order in which they appeared."""


def key_of(fact: Fact) -> Kin:
    """What a result compares with: others of the same key; an adverse event, its own term."""
    if fact.topic == "adverse_event":
        return (preferred_term(fact.event.term, fact.event.code), None, None)
    return fact.sort.kin


def part_of(parts: Parts, key: Kin, otherwise: Any) -> Any:
    """What is remembered of a key."""
    for one, part in parts:
        if one == key:
            return part
    return otherwise


def with_part(parts: Parts, key: Kin, part: Any) -> Parts:
    """The same, with another memory of one key."""
    if all(one != key for one, _ in parts):
        return (*parts, (key, part))
    return tuple([(one, part if one == key else held) for one, held in parts])


class RegisterApart:
    """A register for each key."""

    initial: Any = ()

    def __init__(self, register: Register) -> None:
        """Keep what `register` keeps, apart."""
        self._register = register
        self.follows_clock = register.follows_clock

    def own(self, memory: Any, context: Context) -> Any:
        """What is remembered of the key of the fact in question."""
        return part_of(memory, key_of(context.fact), self._register.initial)

    def add(self, memory: Any, fact: Fact, context: Context) -> Any:
        """The memory after one more fact."""
        before = self.own(memory, context)
        after = self._register.add(before, fact, context)
        return memory if after is before else with_part(memory, key_of(fact), after)

    def restart(self, memory: Any) -> Any:
        """The clock has moved, for all of them."""
        return tuple((key, self._register.restart(part)) for key, part in memory)

    def read(self, memory: Any, context: Context) -> Any:
        """What the memory says to the fact in question."""
        return self._register.read(self.own(memory, context), context)


class MachineApart:
    """A criterion for each key: an episode of one hinders none of another."""

    initial: Any = ()

    def __init__(self, machine: Machine, shared: frozenset[int] = frozenset()) -> None:
        """Run `machine` on each key by itself; facts of `shared` series concern all of them."""
        self._machine = machine
        self.name = machine.name
        self.listens = machine.listens
        self.timed = machine.timed
        self._shared = shared
        self.reach_days = machine.reach_days

    def parts(self, memory: Any) -> tuple[tuple[str, Machine, Any], ...]:
        """The criterion of each key by its name in the journal, and what it remembers."""
        return tuple((_named(self.name, key), self._machine, part) for key, part in memory)

    def unused(self) -> tuple[str, Machine, Any]:
        """The criterion for a key of which nothing is remembered yet."""
        return self.name, self._machine, self._machine.initial

    @property
    def rests(self) -> bool:
        """As the criterion of each key."""
        return self._machine.rests

    def denial(self, series: tuple[int, ...], *, dated: bool = False) -> Denial | None:
        """What tells at a glance that a fact leaves all keys as they began."""
        if not self._shared.isdisjoint(series):
            return never  # it concerns only keys of which something is remembered
        return self._machine.denial(series, dated=dated)

    def start(self, memory: Any, context: Context) -> Any:
        """The clock was set, or has moved."""
        return tuple((key, self._machine.start(part, context)) for key, part in memory)

    def step(self, memory: Any, context: Context) -> tuple[Any, tuple[Note, ...]]:
        """One more fact: only what is remembered of its own key changes."""
        if not self._shared.isdisjoint(context.history[context.before].series):
            return self._step_all(memory, context)
        key = key_of(context.fact)
        before = part_of(memory, key, self._machine.initial)
        after, notes = self._machine.step(before, context)
        kept = memory if after is before else with_part(memory, key, after)
        return kept, self._told(key, notes) if notes else notes

    def _step_all(self, memory: Any, context: Context) -> tuple[Any, tuple[Note, ...]]:
        """A fact that concerns all keys of which anything is remembered."""
        told: tuple[Note, ...] = ()
        for key, part in memory:
            after, notes = self._machine.step(part, context)
            told += self._told(key, notes)
            memory = memory if after is part else with_part(memory, key, after)
        return memory, told

    def _told(self, key: Kin, notes: tuple[Note, ...]) -> tuple[Note, ...]:
        return tuple(replace(note, criterion=_named(self.name, key)) for note in notes)

    def deadline(self, memory: Any) -> int | None:
        """The first of all keys."""
        days = (self._machine.deadline(part) for _, part in memory)
        return min((day for day in days if day is not None), default=None)

    def expire(self, memory: Any, context: Context | None) -> tuple[Any, tuple[Note, ...]]:
        """That day has ended, for every key that it is a deadline of."""
        due, told = self.deadline(memory), tuple[Note, ...]()
        for key, part in memory:
            if self._machine.deadline(part) == due:
                after, notes = self._machine.expire(part, context)
                memory = with_part(memory, key, after)
                told += self._told(key, notes)
        return memory, told


def _named(name: str, key: Kin) -> str:
    """The criterion's name in the journal, in which each key has a life of its own."""
    return name + KEPT_APART + " ".join(part for part in key if part)


Comparable = Callable[["Fact", "Context"], bool]


def compares(fact: Fact, context: Context) -> bool:
    """Whether a fact is of the key of the fact in question."""
    return key_of(fact) == key_of(context.fact)
