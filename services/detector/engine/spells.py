"""How long something held: a run that was once long enough, and the days that a state lasted.

Both count whole days between samples. A fact of which the condition is unknown is neutral.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from schemas.alerts import Role
from services.detector.engine.instants import latest
from services.detector.engine.terms import Cited, Context, Proof, Term

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.detector.engine.fact import Fact
    from services.detector.engine.lookback import Admits


class Run(NamedTuple):
    """The first fact of the present run; and, once one was long enough, its two ends for good."""

    first: Fact | None = None
    ends: tuple[Fact, Fact] | None = None


class Settled:
    """Register: whether some run of facts that fulfil a condition once lasted so many days."""

    initial: Any = Run()

    def __init__(self, admits: Admits | None, *, follows_clock: bool, least: int) -> None:
        """`admits` is what every fact of the run fulfils; `least` its days."""
        self._admits = admits
        self._least = least
        self.follows_clock = follows_clock

    def add(self, memory: Run, fact: Fact, context: Context) -> Run:
        """Begin, go on, or break; what is settled stays so."""
        fulfilled = True if self._admits is None else self._admits(context)
        if memory.ends is not None or not isinstance(fulfilled, bool):
            return memory
        if not fulfilled:
            return Run()
        if memory.first is None:
            return Run(fact)
        far_enough = fact.day - latest(memory.first.when) >= self._least
        return Run(memory.first, (memory.first, fact)) if far_enough else memory

    def restart(self, memory: Run) -> Run:
        """The clock moved."""
        return Run() if self.follows_clock else memory

    def read(self, memory: Run, context: Context) -> tuple[Fact, ...]:
        """The two ends of that run; none while there was none."""
        del context
        return memory.ends or ()


def settled(ends: Term, text: str) -> Term:
    """Whether there was such a run; its ends are the evidence."""
    inner = ends.evaluate

    def prove(context: Context) -> Proof:
        found = inner(context)
        return Proof(text, bool(found), tuple((fact, Role.SUPPORT) for fact in found))

    return Term("truth", text, lambda context: bool(inner(context)), prove)


class Spell(NamedTuple):
    """Days of the stretches that are over; what began the present one, and the first of all."""

    days: int = 0
    since: Fact | None = None
    began: Fact | None = None


class DaysWhile:
    """Register: the days on which the newest fact was one that fulfils a condition."""

    initial: Any = Spell()

    def __init__(self, admits: Admits | None, *, follows_clock: bool) -> None:
        """`admits` is what holds while the days are counted."""
        self._admits = admits
        self.follows_clock = follows_clock

    def add(self, memory: Spell, fact: Fact, context: Context) -> Spell:
        """Begin a stretch, or end one."""
        fulfilled = True if self._admits is None else self._admits(context)
        if fulfilled is True and memory.since is None:
            return Spell(memory.days, fact, memory.began or fact)
        if fulfilled is False and memory.since is not None:
            return Spell(memory.days + fact.day - memory.since.day, None, memory.began)
        return memory

    def restart(self, memory: Spell) -> Spell:
        """The clock moved."""
        return Spell() if self.follows_clock else memory

    def read(self, memory: Spell, context: Context) -> Spell:
        """All of it: the term counts on to the fact in question."""
        del context
        return memory


def days_while(spell: Term, text: str) -> Term:
    """The days counted up to the fact in question. The evidence is what began the first stretch."""
    inner: Callable[[Context], Spell] = spell.evaluate

    def evaluate(context: Context) -> Decimal:
        found = inner(context)
        going_on = 0 if found.since is None else context.it.day - found.since.day
        return Decimal(found.days + going_on)

    def cite(context: Context, _: object) -> tuple[Cited, ...]:
        began = inner(context).began
        return () if began is None else ((began, Role.SUPPORT),)

    return Term("number", text, evaluate, cite=cite)
