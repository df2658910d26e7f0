"""One criterion explained: what it says, or how far off it is, from when on, what is missing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from schemas.terminology.analytes import analyte
from services.detector.adapters.views import (
    HORIZON,
    CriterionView,
    Due,
    Look,
    Prospect,
    Status,
)
from services.detector.engine.comparable import key_of
from services.detector.engine.conditions import condition
from services.detector.engine.episode import Episode, Phase
from services.detector.engine.finding import KEPT_APART, Finding
from services.detector.engine.foresight import Foresight
from services.detector.engine.lasting import Lasting
from services.detector.engine.margin import limits
from services.detector.engine.missing import Missing
from services.detector.engine.outlook import (
    Criterion,
    Way,
    criteria,
)
from services.detector.engine.pattern import Pattern
from services.detector.engine.terms import Context
from services.detector.engine.unanswered import Unanswered
from services.detector.engine.whatif import copied

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schemas.alerts import AlertRevision
    from services.detector.engine.finding import Machine
    from services.detector.engine.rule import Series
    from services.detector.engine.seats import Entry
    from services.detector.engine.whatif import Bench


def viewed(bench: Bench, standing: dict[str, AlertRevision]) -> Iterator[CriterionView]:
    """The criteria of a lane."""
    state = bench.state
    foresight = Foresight(bench, HORIZON)
    pairs = zip(bench.lane.rule.machines, state.memories, strict=True)
    for one in (each for pair in pairs for each in criteria(*pair)):
        alert = standing.get(one.name) if one.serves is None else None
        yield _Looker(bench, foresight, one).view(alert)


_FEW = 3
OFF = "switched off by the rule's parameters"
ENDED = "it can't fire any more: the rule has ended"


class _Looker:
    """Looks ahead from a lane as one criterion sees it."""

    def __init__(self, bench: Bench, foresight: Foresight, criterion: Criterion) -> None:
        self.bench = bench
        self.foresight = foresight
        self.rule = bench.lane.rule
        self.state = bench.state
        self.today = foresight.today
        ways = tuple(self._current(criterion))
        over = OFF if criterion.ways and not ways else criterion.over
        self.criterion = replace(criterion, ways=ways, over=over)
        self.ended = self.state.closed is not None and not self._crosses_the_end()

    def _current(self, criterion: Criterion) -> Iterator[Way]:
        """The ways that there are as of today, by the rule's parameters as well."""
        for way in criterion.ways:
            is_renewed = way.renewed and self.foresight.is_past(way)
            for each in way.renewed if is_renewed else (way,):
                meant = self.bench.meant(each)
                if meant is not None:
                    yield meant

    def view(self, alert: AlertRevision | None) -> CriterionView:
        """All of it."""
        one = self.criterion
        ways = () if self.ended else one.ways
        prospects = tuple(self._prospect(way) for way in ways)
        missing = () if alert is not None or self.ended else tuple(self._missing(prospects))
        status = Status.UNDECIDED if missing else Status.NOT_FIRED
        status = status if alert is None else Status.FIRED
        due = None if self.ended else self._due()
        over = ENDED if self.ended else one.over
        return CriterionView(one.name, status, alert, over, prospects, due, missing, one.serves)

    def _crosses_the_end(self) -> bool:
        machine = self.criterion.machine
        return isinstance(machine, Pattern) and machine.crosses_lines and self._suspects()

    def _lacks_clock(self) -> bool:
        return self.rule.clock is not None and self.state.clock is None

    def _suspects(self) -> bool:
        memory = self.criterion.memory
        return isinstance(memory, Episode) and memory.phase is Phase.SUSPECTED

    # -- one way

    def _prospect(self, way: Way) -> Prospect:
        earliest = self.foresight.earliest(way)
        unclocked = earliest is None and self._lacks_clock()
        return Prospect(
            way.state,
            way.tag,
            self._called(way.series),
            earliest,
            () if unclocked else tuple(dict.fromkeys(self.foresight.because(way))),
            tuple(self._looks(way, earliest)),
            unclocked,
            follows=bool(way.first),
        )

    def _called(self, series: frozenset[int]) -> tuple[str, ...]:
        """Series by what they hold: a few analytes by their names, others as the rule says."""
        found: dict[str, None] = {}
        for one in (self.rule.series[index] for index in sorted(series)):
            analytes = len(one.topics) <= _FEW and all(analyte(topic) for topic in one.topics)
            found.update(dict.fromkeys(sorted(one.topics) if analytes else [one.name]))
        return tuple(found)

    def _looks(self, way: Way, earliest: int | None) -> Iterator[Look]:
        """Nothing to look at where another finding comes first, or no fact can do it at all."""
        is_near = not way.first and (earliest is not None or self._lacks_clock())
        for like in self._last_of_each(way.series) if is_near else ():
            yield self._look(way, like, earliest)

    def _look(self, way: Way, like: Entry, earliest: int | None) -> Look:
        entry = self.bench.seated(copied(like.fact, earliest or self.today), like)
        here = self.bench.context(entry, self._episode())
        asked = (condition(term, here) for term in way.terms)
        conditions = tuple(one for one in asked if one is not None)
        found = () if earliest is None else limits(self.bench, self.criterion, way, like, here)
        return Look(like.fact, conditions, found)

    def _episode(self) -> Any:
        """What a suspicion's own conditions may ask of it; None if there is none."""
        memory = self.criterion.memory
        machine = self.criterion.machine
        if isinstance(machine, Lasting):
            return memory.episode
        return memory if isinstance(machine, Pattern) else None

    def _last_of_each(self, series: frozenset[int]) -> tuple[Entry, ...]:
        """The last fact of each kind by today, of those that this criterion is kept to."""
        apart = self.criterion.name.partition(KEPT_APART)[2]
        found: dict[str, Entry] = {}
        for entry in self.bench.entries_of(series):
            kept = not apart or " ".join(part for part in key_of(entry.fact) if part) == apart
            if kept and entry.fact.day <= self.today and not entry.fact.provisional:
                found[entry.fact.topic] = entry
        return tuple(found.values())

    # -- the calendar

    def _due(self) -> Due | None:
        machine, memory = self.criterion.machine, self.criterion.memory
        day = machine.deadline(memory) if machine.timed and self.criterion.serves is None else None
        if day is None:
            return None
        state, clock = self.state, self.state.clock
        here = None
        if clock is not None:
            here = Context(clock, clock, state.own, state.registers, (), 0)
        _, notes = machine.expire(memory, here)
        said = next((note for note in notes if isinstance(note, Finding)), None)
        if said is None:
            return None
        return Due(day, said.state, said.tag, self._called(_awaited(machine)))

    # -- what is missing

    def _missing(self, prospects: tuple[Prospect, ...]) -> Iterator[str]:
        if self.rule.clock is not None and self._lacks_clock():
            phases = " or ".join(sorted(self.rule.clock.phases))
            yield f"no clock: that this course was {phases} is not on record"
            return
        reasons = [
            *self._doubts(),
            *self._without_result(prospects),
            *_unknown(prospects, self.today),
        ]
        yield from dict.fromkeys(reasons)

    def _doubts(self) -> Iterator[str]:
        """Why the last fact of a kind could not be judged."""
        last = {entry.fact.key for entry in self._last_of_each(self.criterion.machine.listens)}
        names = {self.criterion.name, self.criterion.serves}
        for doubt in self.bench.lane.doubts():
            if doubt.fact.key in last and doubt.criterion in names:
                yield doubt.reason

    def _without_result(self, prospects: tuple[Prospect, ...]) -> Iterator[str]:
        """Of what there is no result at all, though it could be judged by now."""
        none = [
            way.series
            for way, one in zip(self.criterion.ways, prospects, strict=True)
            if one.earliest == self.today and not one.looks and not one.follows
            if any(_is_result(self.rule.series[index]) for index in way.series)
        ]
        for series in none:
            if not any(other < series for other in none):
                yield f"no {' or '.join(self._called(series))} at all"


def _awaited(machine: Machine) -> frozenset[int]:
    """The series whose facts may keep the calendar from speaking."""
    if isinstance(machine, Missing):
        return machine.evidence
    if isinstance(machine, Unanswered):
        return frozenset[int]().union(*(one.series for one in machine.answers))
    return machine.listens


def _is_result(series: Series) -> bool:
    """Whether it holds results: that there is none is no answer, as it is of events and doses."""
    return all(topic == "imaging" or analyte(topic) is not None for topic in series.topics)


def _unknown(prospects: tuple[Prospect, ...], today: int) -> Iterator[str]:
    """Why the last result, were it to come again, could not be judged."""
    for look in (look for one in prospects if one.earliest == today for look in one.looks):
        doubtful = [each for each in look.conditions if each.truth == "unknown"]
        if all(each.truth != "false" for each in look.conditions):
            yield from (each.reason for each in doubtful if each.reason is not None)
