"""Evidence that ought to exist by a date (catalogue, primitive P9).

An anchor starts a deadline; a later anchor replaces it; evidence satisfies it. What counts is
when the evidence became *known*: a sample taken in time but reported late is overdue first and
cleared then, because that is what the ward lived through.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from schemas.alerts import Role, State
from services.detector.engine.dormancy import denial, together
from services.detector.engine.finding import Finding, Note, cite, cleared
from services.detector.engine.instants import end_of
from services.detector.engine.seats import Mark

if TYPE_CHECKING:
    from services.detector.engine.dormancy import Denial
    from services.detector.engine.fact import Fact
    from services.detector.engine.terms import Cited, Context, Term


@dataclass(frozen=True, slots=True)
class Anchor:
    """What starts a deadline. `series` is None for the clock."""

    series: frozenset[int] | None
    due: Term
    valid_from: Term | None = None
    when: Term | None = None
    tag: str | None = None
    severity: str | None = None


class Memory(NamedTuple):
    """The deadline that runs: its anchor, its days, and whether it has already been missed."""

    anchor: Fact | None = None
    tag: str | None = None
    severity: str | None = None
    due: int | None = None
    valid_from: int | None = None
    missed: Finding | None = None
    cited: tuple[Cited, ...] = ()


class Missing:
    """The machine."""

    initial = Memory()
    timed = True
    reach_days = 0

    def __init__(
        self,
        name: str,
        evidence: frozenset[int],
        anchors: tuple[Anchor, ...],
        *,
        given: Term | None = None,
        preliminary: bool = False,
    ) -> None:
        """Assemble; the first anchor that fits a fact is taken.

        With `preliminary` a preliminary report is evidence, too; it never starts a deadline.
        """
        self.name = name
        self.listens = evidence.union(*(a.series for a in anchors if a.series is not None))
        self._evidence = evidence
        self._anchors = anchors
        self._given = given
        self._preliminary = preliminary

    @property
    def evidence(self) -> frozenset[int]:
        """The series that satisfy one."""
        return self._evidence

    @property
    def anchors(self) -> tuple[Anchor, ...]:
        """What starts a deadline."""
        return self._anchors

    @property
    def rests(self) -> bool:
        """Whether no deadline starts with the clock."""
        return all(anchor.series is not None for anchor in self._anchors)

    def denial(self, series: tuple[int, ...], *, dated: bool = False) -> Denial | None:
        """What tells at a glance that a fact of these series starts no deadline."""
        del dated  # a doubt whether one starts is not told
        starting = [a for a in self._anchors if a.series and not a.series.isdisjoint(series)]
        return together(None if a.when is None else denial(a.when, series) for a in starting)

    def start(self, memory: Memory, context: Context) -> Memory:
        """The clock itself may start a deadline."""
        del memory
        return self._anchored(self.initial, context, None) or self.initial

    def deadline(self, memory: Memory) -> int | None:
        """The day due, until it is missed."""
        return None if memory.missed is not None else memory.due

    def expire(self, memory: Memory, context: Context | None) -> tuple[Memory, tuple[Note, ...]]:
        """The day due has ended without evidence."""
        del context
        overdue = self._overdue(memory)
        return memory._replace(missed=overdue), (overdue,)

    def step(self, memory: Memory, context: Context) -> tuple[Memory, tuple[Note, ...]]:
        """A fact may be the evidence, and may start the next deadline."""
        fact = context.fact
        if fact.provisional and not self._preliminary:
            return memory, ()
        notes: tuple[Note, ...] = ()
        series = context.history[context.before].series
        if memory.due is not None and self._satisfies(memory, fact, series):
            notes = self._resolve(memory, fact)
            memory = self.initial
        following = None if fact.provisional else self._anchored(memory, context, series)
        if following is None or (following.due, following.tag) == (memory.due, memory.tag):
            return memory, notes
        if memory.due is not None:
            notes += self._resolve(memory, fact)
        return following, notes

    def _satisfies(self, memory: Memory, fact: Fact, series: tuple[int, ...]) -> bool:
        if self._evidence.isdisjoint(series) or fact is memory.anchor:
            return False
        return memory.valid_from is None or fact.day >= memory.valid_from

    def _resolve(self, memory: Memory, fact: Fact) -> tuple[Note, ...]:
        """The deadline ends with this fact: was it missed before the fact became known?"""
        if memory.missed is not None:
            return (cleared(memory.missed, fact),)
        if memory.due is None or fact.known <= end_of(memory.due):
            return ()
        overdue = self._overdue(memory)
        return (overdue, cleared(overdue, fact))

    def _anchored(
        self, memory: Memory, context: Context, series: tuple[int, ...] | None
    ) -> Memory | None:
        """The deadline that this fact (with `series`), or the clock (None), starts."""
        del memory
        if self._given is not None and not self._given.holds(context):
            return None
        for anchor in self._anchors:
            if (anchor.series is None) is not (series is None):
                continue
            if anchor.series is not None and anchor.series.isdisjoint(series or ()):
                continue
            if anchor.when is None or anchor.when.holds(context):
                return self._deadline_of(anchor, context)
        return None

    def _deadline_of(self, anchor: Anchor, context: Context) -> Memory:
        asked = [t for t in (anchor.when, anchor.due, anchor.valid_from) if t is not None]
        return Memory(
            anchor=context.fact,
            tag=anchor.tag,
            severity=anchor.severity,
            due=anchor.due.evaluate(context),
            valid_from=None if anchor.valid_from is None else anchor.valid_from.evaluate(context),
            cited=cite(
                _clock(anchor, context),
                ((context.fact, Role.CLOCK),),
                tuple(cited for term in asked for cited in term.prove(context).cited),
            ),
        )

    def _overdue(self, memory: Memory) -> Finding:
        assert memory.due is not None, "only called with a deadline"  # noqa: S101
        return Finding(
            self.name,
            State.OVERDUE,
            opens=True,
            day=memory.due,
            tag=memory.tag,
            severity=memory.severity,
            cited=memory.cited,
            due=True,
        )


def _clock(anchor: Anchor, context: Context) -> tuple[Cited, ...]:
    """The clock, unless the anchor is a step that would have set it by itself.

    A dose that starts a count needs no earlier dose as evidence.
    """
    clock = context.clock
    if clock is None:
        return ()
    by_itself = anchor.series is not None and context.history[context.before].mark is Mark.CLOCK
    return () if by_itself else ((clock, Role.CLOCK),)
