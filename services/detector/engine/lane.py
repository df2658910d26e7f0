"""A lane: the part of one patient's timeline that one rule reads for one course, folded.

The state after every place is kept. A fact that lands at place i restarts from the state before
i and stops as soon as the new state equals the stored one: cost does not grow with history.
Without stored states the same step functions evaluate everything anew: that is the oracle.
"""

from __future__ import annotations

from bisect import bisect_left
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from services.detector.engine.finding import Doubt, Finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from services.detector.engine.fact import Fact
    from services.detector.engine.rule import CompiledRule, LaneState


T = TypeVar("T")


class Mark(Enum):
    """What a fact does to the course, besides being data."""

    NONE = 0
    OWN = 1
    CLOCK = 2
    END = 3
    NEW_LINE = 4
    DEATH = 5


Place = tuple[int, int, int, str, str]
"""Sort key of a fact in a lane: day, rank within the day, instant, source, id."""


class Entry(NamedTuple):
    """A fact at its place: the series of the rule that it belongs to, and its mark."""

    place: Place
    fact: Fact
    series: tuple[int, ...]
    mark: Mark = Mark.NONE


class Lane:
    """The fold of one rule over one course of one patient."""

    __slots__ = (
        "_doubts",
        "_entries",
        "_findings",
        "_incremental",
        "_places",
        "_states",
        "_timed",
        "rule",
    )

    def __init__(self, rule: CompiledRule, *, incremental: bool = True) -> None:
        """Start empty; with `incremental=False` no state is kept and all is evaluated anew."""
        self.rule = rule
        self._timed = rule.timed
        self._incremental = incremental
        self._places: list[Place] = []
        self._entries: list[Entry] = []
        self._states: list[LaneState | None] = []
        self._findings: dict[Place, tuple[Finding, ...]] = {}
        self._doubts: dict[Place, tuple[Doubt, ...]] = {}

    def change(self, removed: Iterable[Place], added: Iterable[Entry]) -> bool:
        """Take facts out and put facts in, then fold again as far as needed.

        Returns:
            Whether what the rule says, or its next deadline, may have changed.
        """
        lowest = len(self._places)
        last_day = -1
        dropped = False
        for place in removed:
            dropped = dropped or place in self._findings
            lowest = min(lowest, self._remove(place))
            last_day = max(last_day, place[0])
        for entry in added:
            lowest = min(lowest, self._insert(entry))
            last_day = max(last_day, entry.place[0])
        if last_day < 0:
            return False
        if not self._incremental:
            lowest = 0
        return self._replay(lowest, last_day) or dropped

    def add(self, entry: Entry) -> bool:
        """Put one new fact in; the same as `change((), (entry,))`."""
        places = self._places
        place = entry.place
        if not self._incremental or (places and place <= places[-1]):
            return self.change((), (entry,))
        states, entries = self._states, self._entries
        before = states[-1] if states else self.rule.initial
        places.append(place)
        entries.append(entry)
        state, notes = self.rule.step(before or self.rule.initial, entry, entries, len(states))
        states.append(state)
        if notes:
            self._note(place, notes)
            return True
        return self._timed

    def _remove(self, place: Place) -> int:
        index = bisect_left(self._places, place)
        del self._places[index], self._entries[index], self._states[index]
        self._findings.pop(place, None)
        self._doubts.pop(place, None)
        return index

    def _insert(self, entry: Entry) -> int:
        places = self._places
        if not places or entry.place > places[-1]:
            places.append(entry.place)
            self._entries.append(entry)
            self._states.append(None)
            return len(places) - 1
        index = bisect_left(places, entry.place)
        places.insert(index, entry.place)
        self._entries.insert(index, entry)
        self._states.insert(index, None)
        return index

    def _replay(self, start: int, last_day: int) -> bool:
        """Fold from `start`; stop beyond the changed days where the states meet again."""
        rule, entries, states = self.rule, self._entries, self._states
        state = self._state_before(start)
        meets_after = last_day + rule.reach_days
        changed = True
        said = False
        for index in range(start, len(entries)):
            entry = entries[index]
            state, notes = rule.step(state, entry, entries, index)
            if notes or entry.place in self._findings or entry.place in self._doubts:
                said = True
                self._note(entry.place, notes)
            stored = states[index]
            if stored is not None and entry.place[0] > meets_after and stored == state:
                changed = False
                break
            states[index] = state
        return said or (changed and self._timed)

    def _note(self, place: Place, notes: tuple[Finding | Doubt, ...]) -> None:
        findings = tuple(note for note in notes if isinstance(note, Finding))
        doubts = tuple(note for note in notes if isinstance(note, Doubt))
        _put(self._findings, place, findings)
        _put(self._doubts, place, doubts)

    def _state_before(self, index: int) -> LaneState:
        state = self._states[index - 1] if index else None
        return self.rule.initial if state is None else state

    @property
    def state(self) -> LaneState:
        """The state after the last fact."""
        return self._state_before(len(self._states))

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The facts in their order."""
        return tuple(self._entries)

    def findings(self, now: int) -> tuple[list[Finding], int | None]:
        """All that the rule says by `now`, in clinical order, and the next instant due."""
        found = [note for place in sorted(self._findings) for note in self._findings[place]]
        calendar, due = self.rule.due(self.state, now)
        found.extend(calendar)
        return found, due

    def doubts(self) -> Iterator[Doubt]:
        """All that could not be evaluated."""
        for place in sorted(self._doubts):
            yield from self._doubts[place]


def _put(table: dict[Place, tuple[T, ...]], place: Place, notes: tuple[T, ...]) -> None:
    if notes:
        table[place] = notes
    else:
        table.pop(place, None)
