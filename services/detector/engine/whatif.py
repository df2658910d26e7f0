"""What if one more fact came: hypothetical facts, put to the rule itself.

The rule's own step judges them, so what is said of limits is said by what decides.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field, replace
from datetime import date
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from schemas.events import Status
from services.detector.engine.conditions import concerns, ruled_out
from services.detector.engine.fact import Fact
from services.detector.engine.finding import Finding
from services.detector.engine.instants import US_PER_DAY, US_PER_SECOND, day_of, end_of
from services.detector.engine.seats import Entry, Mark, Seat
from services.detector.engine.suspicion import following
from services.detector.engine.terms import Context

if TYPE_CHECKING:
    from decimal import Decimal

    from services.detector.engine.lane import Lane
    from services.detector.engine.outlook import Way
    from services.detector.engine.rule import LaneState
    from services.detector.engine.terms import Term

ENDING = frozenset({Mark.END, Mark.NEW_LINE, Mark.DEATH})
LAST_OF_ALL = "\U0010ffff"
"""Stands behind every source and id of the same instant."""


@dataclass(frozen=True, slots=True)
class Nothing:
    """A fact of which only the day is known. All its fields read as not said."""

    type: str
    effective_at: date
    event_id: str = LAST_OF_ALL
    source: str = LAST_OF_ALL
    patient_id: str = LAST_OF_ALL
    issued_at: None = None
    status: Status = Status.FINAL

    def __getattr__(self, name: str) -> Any:
        """Whatever else is asked, it does not say."""
        if name.startswith("__"):
            raise AttributeError(name)
        return None


def of_nothing(day: int) -> Fact:
    """A fact of which nothing but its day is known."""
    return Fact(Nothing("nothing", date.fromordinal(day)), end_of(day))


def copied(fact: Fact, day: int, value: Decimal | None = None) -> Fact:
    """The same result once more, on another day, with another value (canonical unit) if given."""
    twin = fact.as_known_since(end_of(day))
    twin.key = (LAST_OF_ALL, LAST_OF_ALL)
    twin.provisional = False
    move(twin, day)
    if value is not None:
        twin.value = twin.reference = value
    return twin


def move(twin: Fact, day: int) -> None:
    """Put a hypothetical fact on another day: nobody else holds it, so it may change."""
    twin.day = twin.when = day
    twin.issued = twin.known = end_of(day)
    twin.at = end_of(day) if twin.precise else end_of(day) + US_PER_SECOND - US_PER_DAY


@dataclass(slots=True)
class Bench:
    """A lane as of one moment, to which hypothetical facts are shown. It stays as it is."""

    lane: Lane
    now: int
    _entries: list[Entry] = field(init=False)
    _with_one_more: list[Entry] = field(init=False)
    _states: dict[int, LaneState] = field(default_factory=dict)
    _read: dict[tuple[Term, int], bool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Take the facts of the lane."""
        self._entries = list(self.lane.entries)
        self._with_one_more = list(self._entries)

    @property
    def state(self) -> LaneState:
        """What the rule remembers, with all deadlines passed that had passed by now."""
        return self.lane.rule.passed(self.lane.state, self.now)

    def entries_of(self, series: frozenset[int]) -> list[Entry]:
        """The facts of some series, the last one last."""
        return [one for one in self._entries if not series.isdisjoint(one.series)]

    def ender(self, closed: int) -> Fact | None:
        """What ended the rule on the day on which it did."""
        ending = (one.fact for one in self._entries if one.mark in ENDING)
        return next((fact for fact in ending if fact.day == closed), None)

    def seated(self, fact: Fact, like: Entry) -> Entry:
        """A hypothetical fact in the place that another one of its kind has within a day."""
        return Entry(fact, Seat(like.series, like.seat.rank))

    def meant(self, way: Way) -> Way | None:
        """A way with no other series than those whose facts can go it; None if none ever can."""
        here = self.on(of_nothing(day_of(self.now)))
        if any(ruled_out(term, here) for term in way.terms):
            return None
        series = frozenset(one for one in way.series if self._concern(way.terms, one))
        return replace(way, series=series or way.series)

    def _concern(self, terms: tuple[Term, ...], series: int) -> bool:
        return all(concerns(term, lambda side: self._elsewhere(side, series)) for term in terms)

    def _elsewhere(self, side: Term, series: int) -> bool:
        """Whether there is something to read in facts of another series, but not of this one."""
        others = range(len(self.lane.rule.series))
        return not self._reads(side, series) and any(self._reads(side, one) for one in others)

    def _reads(self, side: Term, series: int) -> bool:
        """Whether a term finds anything, be it unknown, in a fact of which nothing is known."""
        if (side, series) not in self._read:
            fact = of_nothing(day_of(self.now))
            entry = Entry(fact, Seat((series,), 0))
            here = Context(fact, None, None, self.lane.rule.initial.registers, [entry], 0)
            self._read[side, series] = side.evaluate(here) is not None
        return self._read[side, series]

    def context(self, entry: Entry, memory: Any = None) -> Context:
        """Stand at a hypothetical fact; with the memory of an episode, behind its suspicion."""
        index = self._index(entry)
        state = self._state_before(index)
        history = self._history(index, entry)
        here = Context(entry.fact, state.clock, state.own, state.registers, history, index)
        return here if memory is None else following(here, memory)

    def said(self, entry: Entry) -> tuple[Finding, ...]:
        """What the rule would say of it."""
        index = self._index(entry)
        state = self._state_before(index)
        here = Context(entry.fact, None, None, (), self._history(index, entry), index)
        _, notes = self.lane.rule.step(state, entry, here)
        return tuple(note for note in notes if isinstance(note, Finding))

    def shows(self, entry: Entry) -> bool:
        """Whether the rule sees such a fact as one of its series at all."""
        return bool(self.lane.rule.shown(entry, self.context(entry)))

    def _history(self, index: int, entry: Entry) -> list[Entry]:
        """What lies before a place and the fact at it; good until the next one is asked for."""
        if index < len(self._entries):
            return [*self._entries[:index], entry]
        self._with_one_more[index:] = [entry]
        return self._with_one_more

    def on(self, fact: Fact) -> Context:
        """A day of which nothing else is asked than what can be told in advance."""
        state = self.lane.state
        return Context(fact, state.clock, state.own, state.registers, (), 0)

    def _index(self, entry: Entry) -> int:
        return bisect_left(self._entries, entry.place, key=attrgetter("place"))

    def _state_before(self, index: int) -> LaneState:
        """The state before a place; most often that after the last fact."""
        if index == len(self._entries):
            return self.lane.state
        if index not in self._states:
            self._states[index] = self._folded(index)
        return self._states[index]

    def _folded(self, count: int) -> LaneState:
        rule, state = self.lane.rule, self.lane.rule.initial
        here = Context.nowhere()
        here.history = self._entries
        for at, entry in enumerate(self._entries[:count]):
            here.fact = here.it = entry.fact
            here.before = at
            state, _ = rule.step(state, entry, here)
        return state
