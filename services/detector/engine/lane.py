"""A lane: the part of one patient's timeline that one rule reads for one course, folded.

The state after every place is kept. A fact that lands at place i restarts from the state before
i and stops as soon as the new state equals the stored one: cost does not grow with history.
Without stored states the same step functions evaluate everything anew: that is the oracle.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from decimal import Decimal
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

from schemas.alerts import OPEN_STATES
from services.detector.engine.finding import Doubt, Finding
from services.detector.engine.instants import end_of
from services.detector.engine.seats import Entry, Mark
from services.detector.engine.terms import Context

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from services.detector.engine.fact import Fact
    from services.detector.engine.rule import CompiledRule, LaneState
    from services.detector.engine.seats import Place, Seat


_NONE = Mark.NONE  # by a name of our own: on the class, each look-up is a call
_place = attrgetter("place")
_day = attrgetter("fact.day")
_NEVER = -1
_new = tuple.__new__


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
        "_here",
        "_incremental",
        "_is_sole",
        "_last_day",
        "_marked",
        "_since",
        "_states",
        "_timed",
        "rule",
    )

    def __init__(
        self, rule: CompiledRule, *, incremental: bool = True, here: Context | None = None
    ) -> None:
        """Start empty.

        Args:
            rule: what is folded.
            incremental: without, no state is kept and all is evaluated anew.
            here: moved from fact to fact; lanes that are never folded at the same time share one.
        """
        self.rule = rule
        self._timed = rule.timed
        self._incremental = incremental
        self._entries: list[Entry] = []
        self._here = Context.nowhere() if here is None else here
        self._last_day = _NEVER
        self._states: list[LaneState | None] = []
        self._findings: dict[Place, tuple[Finding, ...]] = {}
        self._marked: dict[str, list[Place]] = {}
        self._since: Place | tuple[()] | None = ()
        self._is_sole = False
        self._doubts: dict[Place, tuple[Doubt, ...]] = {}

    def change(self, removed: Iterable[Place], added: Iterable[Entry]) -> bool:
        """Take facts out and put facts in, then fold again as far as needed.

        Returns:
            Whether what the rule says, or its next deadline, may have changed.
        """
        lowest = len(self._entries)
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
            last_day = max(last_day, entry.day)
        if last_day < 0:
            return False
        self._last_day = self._entries[-1].day if self._entries else _NEVER
        if not self._incremental:
            lowest = 0
        return self._replay(lowest, last_day) or dropped or closed is not self.closed

    def add(self, fact: Fact, seat: Seat) -> bool:
        """Put one new fact in; the same as `change` with it alone."""
        entry: Entry = _new(Entry, (fact, seat))
        day, entries, states = fact.day, self._entries, self._states
        last_day = self._last_day
        if not self._incremental or seat.timeless:
            return self.change((), (entry,))
        if day < last_day or (day == last_day and entry.place < entries[-1].place):
            return self._add_late(entry)
        self._last_day = day
        here = self._here
        here.fact = here.it = fact
        here.history = entries
        here.before = len(entries)
        entries.append(entry)
        before = states[-1] if states else None
        state, notes = self.rule.step(before or self.rule.initial, entry, here)
        states.append(state)
        if notes:
            is_first = self._since is None or not self._findings
            self._note(entry.place, notes)
            self._is_sole = is_first and len(notes) == 1 and not self._timed
            return True
        return self._timed or (seat.mark is not _NONE and self.closed)

    def _add_late(self, entry: Entry) -> bool:
        """Put one new fact in before others."""
        closed = self.closed
        changed = self._replay(self._insert(entry), entry.day)
        return changed or closed is not self.closed

    def _remove(self, place: Place) -> int:
        index = bisect_left(self._entries, place, key=_place)
        del self._entries[index], self._states[index]
        self._doubts.pop(place, None)
        return index

    def _insert(self, entry: Entry) -> int:
        index = self._index_of(entry)
        self._entries.insert(index, entry)
        self._states.insert(index, None)
        return index

    def _index_of(self, entry: Entry) -> int:
        """Where a new fact belongs: found by days, as long as nothing here is timeless."""
        entries = self._entries
        if not entries or entry.seat.timeless or entries[0].seat.timeless:
            return bisect_left(entries, entry.place, key=_place)
        day = entry.fact.day
        index = bisect_left(entries, day, key=_day)
        while index < len(entries) and entries[index].fact.day == day:
            if entries[index].place > entry.place:
                break
            index += 1
        return index

    def _replay(self, start: int, last_day: int) -> bool:
        """Fold from `start`; stop beyond the changed days where the states meet again."""
        rule, entries, states, here = self.rule, self._entries, self._states, self._here
        here.history = entries
        state = self._state_before(start)
        meets_after = last_day + rule.reach_days
        changed = True
        said = False
        for index in range(start, len(entries)):
            entry = entries[index]
            here.fact = here.it = entry.fact
            here.before = index
            state, notes = rule.step(state, entry, here)
            place = entry.place if notes or self._findings or self._doubts else None
            if place is not None and (notes or place in self._findings or place in self._doubts):
                said = True
                self._note(place, notes)
            stored = states[index]
            if stored is not None and stored == state and entry.day > meets_after:
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
        self._is_sole = False
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
        found: list[tuple[Place | None, Finding]] = [
            (place, note) for place in sorted(self._findings) for note in self._findings[place]
        ]
        calendar, due = self.rule.due(self.state, now)
        found.extend((None, note) for note in calendar)
        news = self._timely(News(found, (), due), now)
        return [note for _, note in news.findings], news.due

    def sole_news(self, *, told: bool) -> tuple[Place, Finding] | None:
        """What was said last, if it is all that is new, and stands.

        By far the commonest news. It counts as asked for; `news` gives everything else.

        Args:
            told: whether anything was ever published of this lane.
        """
        if not self._is_sole:
            return None
        place = self._entries[-1].place
        asked_before = self._since == place or (self._since == () and not told)
        finding = self._findings[place][0] if place in self._findings else None
        if not asked_before or finding is None or finding.state not in OPEN_STATES:
            return None
        self._since, self._is_sole = None, False
        return place, finding

    def news(self, now: int) -> News:
        """What the rule says where that may be something else than when last asked.

        Of each criterion: its last place before that, and all from there on. So the cost does not
        grow with what was said long ago; `findings` gives all.
        """
        since, self._since = self._since, None
        self._is_sole = False
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
        return self._timely(News(found, since, due), now)

    def _timely(self, news: News, now: int) -> News:
        """Without what is missed only by facts ahead of their time: it is told when it is due.

        A step that is planned for next year closes every deadline before it in the fold.
        """
        ahead = [end for _, note in news.findings if (end := _deadline(note)) > now]
        if not ahead:
            return news
        self.recall()
        return News(
            [(place, note) for place, note in news.findings if _deadline(note) <= now],
            news.since,
            min(ahead) if news.due is None else min(news.due, *ahead),
        )

    def _places_from(self, criterion: str, start: Place) -> list[Place]:
        places = self._marked[criterion]
        return places[bisect_left(places, start) :]

    def figures(self) -> Iterator[tuple[Fact, Decimal]]:
        """The numbers that the rule worked out last, each at the last fact of its series."""
        for series, number in self.rule.figures:
            for index in range(len(self._entries) - 1, -1, -1):
                entry, state = self._entries[index], self._state_before(index)
                here = Context(
                    entry.fact, state.clock, state.own, state.registers, self._entries, index
                )
                if series.isdisjoint(self.rule.shown(entry, here)):
                    continue
                value = number.evaluate(here)
                if isinstance(value, Decimal):
                    yield entry.fact, value
                break

    def recall(self) -> None:
        """Forget what was asked: `news` tells all once more."""
        self._since = ()
        self._is_sole = False

    def doubts(self) -> Iterator[Doubt]:
        """All that could not be evaluated."""
        for place in sorted(self._doubts):
            yield from self._doubts[place]


def _deadline(note: Finding) -> int:
    """The instant at which a deadline passes that a finding is about; 0 if it is about none."""
    day = note.day if note.due else note.awaited
    return 0 if day is None else end_of(day)
