"""An answer that ought to follow a finding: failure was confirmed, and nobody acted.

The machine holds criteria of its own that alert nobody. The first of them that is confirmed
starts a wait, counted from the day on which that became known, because until then nobody could
have answered. Every day that is due without an answer is a higher level of one and the same entry.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from schemas.alerts import State
from services.detector.engine.dormancy import together
from services.detector.engine.finding import Doubt, Finding, Machine, Note, cleared
from services.detector.engine.instants import day_of, end_of

if TYPE_CHECKING:
    from services.detector.engine.dormancy import Denial
    from services.detector.engine.fact import Fact
    from services.detector.engine.terms import Context, Term


@dataclass(frozen=True, slots=True)
class Answer:
    """Facts of some series that end the wait, if the condition holds of them."""

    series: frozenset[int]
    when: Term | None = None


@dataclass(frozen=True, slots=True)
class Due:
    """So many days after the finding became known, and what it is then called."""

    after: int
    tag: str | None = None
    severity: str | None = None


class Wait(NamedTuple):
    """For an answer to a finding since a day; `missed` is what was said of the last due day."""

    finding: Finding
    since: int
    level: int = 0
    missed: Finding | None = None


class Memory(NamedTuple):
    """Of the criteria within, one memory each; and the wait, if there is one."""

    within: tuple[Any, ...]
    wait: Wait | None = None


@dataclass(frozen=True, slots=True)
class Unanswered:
    """The machine. `within` are the criteria that may start the wait; `due` rises."""

    name: str
    within: tuple[Machine, ...]
    answers: tuple[Answer, ...]
    due: tuple[Due, ...]
    listens: frozenset[int] = field(init=False)
    reach_days: int = field(init=False)
    initial: Memory = field(init=False)
    timed: bool = True

    def __post_init__(self) -> None:
        """Gather what the criteria within need."""
        series = [one.listens for one in self.within] + [one.series for one in self.answers]
        object.__setattr__(self, "listens", frozenset[int]().union(*series))
        object.__setattr__(self, "reach_days", max(one.reach_days for one in self.within))
        object.__setattr__(self, "initial", Memory(tuple(one.initial for one in self.within)))

    @property
    def rests(self) -> bool:
        """As the criteria within."""
        return all(one.rests for one in self.within)

    def denial(self, series: tuple[int, ...], *, dated: bool = False) -> Denial | None:
        """What tells at a glance that a fact of these series begins no wait."""
        shown = [one for one in self.within if not one.listens.isdisjoint(series)]
        return together(one.denial(series, dated=dated) for one in shown)

    # -- the calendar

    def start(self, memory: Memory, context: Context) -> Memory:
        """Begin afresh from the new clock."""
        pairs = zip(self.within, memory.within, strict=True)
        return Memory(tuple(one.start(held, context) for one, held in pairs))

    def deadline(self, memory: Memory) -> int | None:
        """The next day at whose end an answer will be missing."""
        wait = memory.wait
        if wait is None or wait.level == len(self.due):
            return None
        return wait.since + self.due[wait.level].after

    def expire(self, memory: Memory, context: Context | None) -> tuple[Memory, tuple[Note, ...]]:
        """That day has ended without an answer."""
        del context
        assert memory.wait is not None, "only called with a deadline"  # noqa: S101
        wait = self._missed(memory.wait)
        assert wait.missed is not None  # noqa: S101
        return memory._replace(wait=wait), (wait.missed,)

    def _missed(self, wait: Wait) -> Wait:
        due = self.due[wait.level]
        overdue = Finding(
            self.name,
            State.OVERDUE,
            opens=wait.level == 0,
            day=wait.since + due.after,
            tag=due.tag,
            severity=due.severity,
            onset=wait.finding.onset,
            cited=wait.finding.cited,
            proof=wait.finding.proof,
            due=True,
        )
        return wait._replace(level=wait.level + 1, missed=overdue)

    # -- one fact

    def step(self, memory: Memory, context: Context) -> tuple[Memory, tuple[Note, ...]]:
        """A fact may be the answer, and may be a finding."""
        if memory.wait is not None and self._answers(memory.wait, context):
            # Answered: what is found from now on is another finding.
            notes = self._answered(memory.wait, context.fact)
            return self.initial, notes
        return self._watched(memory, context)

    def _answers(self, wait: Wait, context: Context) -> bool:
        fact, series = context.fact, context.history[context.before].series
        if fact.provisional or fact.day < wait.since:
            return False
        return any(
            not answer.series.isdisjoint(series)
            and (answer.when is None or answer.when.holds(context))
            for answer in self.answers
        )

    def _answered(self, wait: Wait, fact: Fact) -> tuple[Note, ...]:
        """Due days that had passed when the answer became known were missed all the same."""
        notes: tuple[Note, ...] = ()
        while wait.level < len(self.due):
            if fact.known <= end_of(wait.since + self.due[wait.level].after):
                break
            wait = self._missed(wait)
            notes += () if wait.missed is None else (wait.missed,)
        return notes if wait.missed is None else (*notes, cleared(wait.missed, fact))

    def _watched(self, memory: Memory, context: Context) -> tuple[Memory, tuple[Note, ...]]:
        """Show the fact to the criteria within; of what they say only doubts are passed on."""
        series = context.history[context.before].series
        within, said = list(memory.within), list[Note]()
        for at, one in enumerate(self.within):
            if not one.listens.isdisjoint(series):
                within[at], notes = one.step(within[at], context)
                said += notes
        doubts = tuple(replace(one, criterion=self.name) for one in said if isinstance(one, Doubt))
        wait = memory.wait or self._begun(said, context)
        return Memory(tuple(within), wait), doubts

    def _begun(self, said: list[Note], context: Context) -> Wait | None:
        for note in said:
            if isinstance(note, Finding) and note.state is State.CONFIRMED:
                return Wait(note, day_of(context.fact.known))
        return None
