"""A lane: the part of one patient's timeline that one rule reads for one course, folded.

The state after every place is kept. A fact that lands at place i restarts from the state before
i and stops as soon as the new state equals the stored one: cost does not grow with history.
Without stored states the same step functions evaluate everything anew: that is the oracle.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from services.detector.engine.finding import Doubt, Finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from services.detector.engine.fact import Fact
    from services.detector.engine.rule import CompiledRule, LaneState


class Mark(Enum):
    """What a fact does to the course, besides being data."""

    NONE = 0
    OWN = 1
    CLOCK = 2
    END = 3
    NEW_LINE = 4
    DEATH = 5


_NONE = Mark.NONE  # by a name of our own: on the class, each look-up is a call

Place = tuple[int, int, int, str, str]
"""Sort key of a fact in a lane: day, rank within the day, instant, source, id."""


class Entry(NamedTuple):
    """A fact at its place: the series of the rule that it belongs to, and its mark."""

    place: Place
    fact: Fact
    series: tuple[int, ...]
    mark: Mark = Mark.NONE


class News(NamedTuple):
    """What a lane says, as far as it may be something else than before.

    findings: each with its place, None for what the calendar alone says.
    since: what a criterion said before this place, and before its first one here, is as it was;
        None: nothing is said otherwise at any place; the empty place: all may be.
    due: the next instant at which the calendar will have something to say.
    """

    findings: list[tuple[Place | None, Finding]]
    since: Place | tuple[()] | None
    due: int | None


class Lane:
    """The fold of one rule over one course of one patient."""

    __slots__ = (
        "_doubts",
        "_entries",
        "_findings",
        "_incremental",
        "_marked",
        "_places",
        "_since",
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
        self._marked: dict[str, list[Place]] = {}
        self._since: Place | tuple[()] | None = ()
        self._doubts: dict[Place, tuple[Doubt, ...]] = {}

    def change(self, removed: Iterable[Place], added: Iterable[Entry]) -> bool:
        """Take facts out and put facts in, then fold again as far as needed.

        Returns:
            Whether what the rule says, or its next deadline, may have changed.
        """
        lowest = len(self._places)
        last_day = -1
        dropped = False
        closed = self.closed
        for place in removed:
            if place in self._findings:
                dropped = True
                self._say(place, ())
            lowest = min(lowest, self._remove(place))
            last_day = max(last_day, place[0])
        for entry in added:
            lowest = min(lowest, self._insert(entry))
            last_day = max(last_day, entry.place[0])
        if last_day < 0:
            return False
        if not self._incremental:
            lowest = 0
        return self._replay(lowest, last_day) or dropped or closed is not self.closed

    def add(self, entry: Entry) -> bool:
        """Put one new fact in; the same as `change((), (entry,))`."""
        places = self._places
        place = entry.place
        if not self._incremental or (places and place <= places[-1]):
            return self.change((), (entry,))
        states, entries = self._states, self._entries
        before = (states[-1] if states else None) or self.rule.initial
        places.append(place)
        entries.append(entry)
        state, notes = self.rule.step(before, entry, entries, len(states))
        states.append(state)
        if notes:
            self._note(place, notes)
            return True
        return self._timed or (entry.mark is not _NONE and self.closed)

    def _remove(self, place: Place) -> int:
        index = bisect_left(self._places, place)
        del self._places[index], self._entries[index], self._states[index]
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
        if findings or place in self._findings:
            self._say(place, findings)
        if doubts:
            self._doubts[place] = doubts
        else:
            self._doubts.pop(place, None)

    def _say(self, place: Place, findings: tuple[Finding, ...]) -> None:
        """Set what is said at a place, and remember from where on something else is said."""
        for criterion in {finding.criterion for finding in self._findings.get(place, ())}:
            places = self._marked[criterion]
            del places[bisect_left(places, place)]
        for criterion in {finding.criterion for finding in findings}:
            insort(self._marked.setdefault(criterion, []), place)
        if findings:
            self._findings[place] = findings
        else:
            del self._findings[place]
        if self._since is None or place < self._since:
            self._since = place

    def _state_before(self, index: int) -> LaneState:
        state = self._states[index - 1] if index else None
        return self.rule.initial if state is None else state

    @property
    def state(self) -> LaneState:
        """The state after the last fact."""
        return self._state_before(len(self._states))

    @property
    def closed(self) -> bool:
        """Whether the rule has ended for this course."""
        return self.state.closed is not None

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The facts in their order."""
        return tuple(self._entries)

    def findings(self, now: int) -> tuple[list[Finding], int | None]:
        """All that the rule says by `now`, in clinical order, and the next instant due."""
        found = [note for place in sorted(self._findings) for note in self._findings[place]]
        calendar, due = self.rule.due(self.state, now)
        return [*found, *calendar], due

    def news(self, now: int) -> News:
        """What the rule says where that may be something else than when last asked.

        Of each criterion: its last place before that, and all from there on. So the cost does not
        grow with what was said long ago; `findings` gives all.
        """
        since, self._since = self._since, None
        starts: dict[str, Place] = {}
        for criterion, places in self._marked.items():
            if places:
                at = len(places) if since is None else bisect_left(places, since)
                starts[criterion] = places[max(at - 1, 0)]
        wanted = {
            place
            for criterion, start in starts.items()
            for place in self._places_from(criterion, start)
        }
        found: list[tuple[Place | None, Finding]] = [
            (place, note)
            for place in sorted(wanted)
            for note in self._findings[place]
            if place >= starts[note.criterion]
        ]
        calendar, due = self.rule.due(self.state, now)
        found.extend((None, note) for note in calendar)
        return News(found, since, due)

    def _places_from(self, criterion: str, start: Place) -> list[Place]:
        places = self._marked[criterion]
        return places[bisect_left(places, start) :]

    def recall(self) -> None:
        """Forget what was asked: `news` tells all once more."""
        self._since = ()

    def doubts(self) -> Iterator[Doubt]:
        """All that could not be evaluated."""
        for place in sorted(self._doubts):
            yield from self._doubts[place]
