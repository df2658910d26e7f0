"""A compiled rule: which facts it sees, in which order, and the step from one state to the next.

Laws of this file: a step depends on nothing but its arguments; a state is an immutable value,
compared by equality, so that a replay may stop where the new state equals the stored one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from services.detector.engine.finding import Finding, Machine, Note
from services.detector.engine.instants import end_of
from services.detector.engine.lane import Entry, Mark
from services.detector.engine.pattern import Pattern, Phase
from services.detector.engine.terms import Context, Term

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from services.detector.engine.fact import Fact
    from services.detector.engine.registers import Register


@dataclass(frozen=True, slots=True)
class Course:
    """A course of treatment, as its own facts describe it. `id` is None for the whole patient."""

    id: str | None
    conditions: frozenset[str] = frozenset()
    modalities: frozenset[str] = frozenset()
    regimens: frozenset[str] = frozenset()
    lines: frozenset[int] = frozenset()


WHOLE_PATIENT = Course(None)


@dataclass(frozen=True, slots=True)
class Series:
    """Facts that a rule reads under one name."""

    name: str
    topics: frozenset[str]
    accepts: Callable[[Fact, Course], bool] | None = None
    since: Term | None = None
    unless: Term | None = None


@dataclass(frozen=True, slots=True)
class Clock:
    """What gives day 0: the first or the last fact of some phases of the course."""

    last: bool
    phases: frozenset[str]


@dataclass(frozen=True, slots=True)
class Ends:
    """What closes the rule."""

    new_line: bool = False
    phases: frozenset[str] = frozenset()
    series: frozenset[int] = frozenset()


class LaneState(NamedTuple):
    """All that a rule remembers of a lane at one place. `deadline`: the next day due."""

    clock: Fact | None
    own: Fact | None
    closed: int | None
    registers: tuple[Any, ...]
    memories: tuple[Any, ...]
    deadline: int | None


_END_RANK = 1_000
_NONE = Mark.NONE  # by a name of our own: on the class, each look-up is a call
_new = tuple.__new__


class Seat(NamedTuple):
    """Where all facts of a topic belong in a lane, if nothing but the topic decides it."""

    series: tuple[int, ...]
    rank: int
    mark: Mark


class Plan(NamedTuple):
    """Who is shown a fact of some series: prepared once, not at every fact."""

    filtered: bool
    machines: tuple[tuple[int, Machine], ...]
    registers: tuple[tuple[int, Register], ...]
    timed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledRule:
    """One rule, ready to run. `card` is what alerts say about it; the engine does not look in."""

    id: str
    card: Any
    series: tuple[Series, ...]
    machines: tuple[Machine, ...]
    registers: tuple[tuple[frozenset[int], Register], ...] = ()
    conditions: frozenset[str] = frozenset()
    modalities: frozenset[str] = frozenset()
    regimens: frozenset[str] = frozenset()
    clock: Clock | None = None
    ends: Ends = field(default_factory=Ends)
    reach_days: int = 0
    graders: tuple[Any, ...] = ()
    _plans: dict[tuple[int, ...], Plan] = field(default_factory=dict, compare=False, repr=False)
    _seats: dict[str, Seat | None] = field(default_factory=dict, compare=False, repr=False)

    # -- which courses and which facts

    @property
    def per_course(self) -> bool:
        """Whether every matching course has an instance of its own."""
        return bool(self.conditions or self.modalities or self.regimens)

    def concerns(self, course: Course) -> bool:
        """Whether a course has an instance of this rule."""
        return all(
            not wanted or not wanted.isdisjoint(has)
            for wanted, has in (
                (self.conditions, course.conditions),
                (self.modalities, course.modalities),
                (self.regimens, course.regimens),
            )
        )

    @property
    def topics(self) -> frozenset[str]:
        """What the rule looks facts up by."""
        found = frozenset[str]().union(*(series.topics for series in self.series))
        return found | {"treatment"} if self.per_course else found

    def place(self, fact: Fact, course: Course) -> Entry | None:
        """Where a fact stands in this rule's lane of a course; None if it has no place there.

        Facts of one day are taken in this order: the course's own steps, then the series in the
        order in which the rule reads them, then what ends the rule.
        """
        seat = self.seat(fact.topic)
        if seat is not None:
            return seated(fact, seat)
        series = tuple(
            index
            for index, one in enumerate(self.series)
            if fact.topic in one.topics and (one.accepts is None or one.accepts(fact, course))
        )
        rank, mark = self._rank(series)
        if fact.topic == "treatment" and mark is _NONE:
            rank, mark = self._rank_of_treatment(fact, course, rank)
        if not series and mark is _NONE:
            return None
        return seated(fact, Seat(series, rank, mark))

    def seat(self, topic: str) -> Seat | None:
        """Where every fact of a topic belongs, whatever it says; None if it must be looked at."""
        if topic not in self._seats:
            open_to = [index for index, one in enumerate(self.series) if topic in one.topics]
            plain = all(self.series[index].accepts is None for index in open_to)
            looked_at = not plain or not open_to or topic == "treatment"
            series = tuple(open_to)
            self._seats[topic] = None if looked_at else Seat(series, *self._rank(series))
        return self._seats[topic]

    def _rank(self, series: tuple[int, ...]) -> tuple[int, Mark]:
        if not self.ends.series.isdisjoint(series):
            return _END_RANK, Mark.END
        return (series[0] + 1 if series else 0), _NONE

    def _rank_of_treatment(self, fact: Fact, course: Course, rank: int) -> tuple[int, Mark]:
        step = fact.event
        if course.id is not None and step.course_id == course.id:
            if step.phase in self.ends.phases:
                return _END_RANK, Mark.END
            is_clock = self.clock is not None and step.phase in self.clock.phases
            return 0, Mark.CLOCK if is_clock else Mark.OWN
        if (
            self.ends.new_line
            and course.id is not None
            and step.phase == "started"
            and step.condition in course.conditions
            and not (step.line is not None and step.line in course.lines)
        ):
            return _END_RANK, Mark.NEW_LINE
        return rank, Mark.NONE

    # -- the fold

    @property
    def timed(self) -> bool:
        """Whether the calendar alone may have something to say."""
        return any(machine.timed for machine in self.machines)

    @property
    def initial(self) -> LaneState:
        """Before the first fact."""
        return LaneState(
            clock=None,
            own=None,
            closed=None,
            registers=tuple(register.initial for _, register in self.registers),
            memories=tuple(machine.initial for machine in self.machines),
            deadline=None,
        )

    def step(
        self, state: LaneState, entry: Entry, history: Sequence[Entry], index: int
    ) -> tuple[LaneState, tuple[Note, ...]]:
        """Take in the fact at `history[index]`.

        Returns:
            The new state, and what the rule says at this place.
        """
        day = entry.place[0]
        closed, deadline = state.closed, state.deadline
        if closed is not None and day > closed:
            return self._after_the_end(state, entry, history, index)
        mark, expired = entry.mark, deadline is not None and day > deadline
        if mark is _NONE and not expired:
            return self._judge(state, entry, history, index)
        notes: tuple[Note, ...] = ()
        if expired:
            state, notes = self._expire(state, day - 1)
        if mark is not _NONE:
            state = self._mark(state, entry, history, index)
        if entry.series:
            state, more = self._judge(state, entry, history, index)
            if more:
                notes = notes + more if notes else more
        if mark is not _NONE and mark in _ENDING:
            state = self._close(state, entry)
        return state, notes

    def _context(
        self, state: LaneState, fact: Fact, history: Sequence[Entry], index: int
    ) -> Context:
        return Context(fact, state.clock, state.own, state.registers, history, index)

    def _mark(
        self, state: LaneState, entry: Entry, history: Sequence[Entry], index: int
    ) -> LaneState:
        """A step of the course itself: it may set the clock and tell the regimen."""
        if entry.mark in _ENDING:
            return state
        fact = entry.fact
        own = fact if fact.event.regimen or fact.event.drug_classes or not state.own else state.own
        state = state._replace(own=own)
        if entry.mark is not Mark.CLOCK or self.clock is None:
            return state
        if state.clock is not None and not self.clock.last:
            return state
        registers = tuple(
            register.restart(memory)
            for (_, register), memory in zip(self.registers, state.registers, strict=True)
        )
        state = state._replace(clock=fact, registers=registers)
        context = self._context(state, fact, history, index)
        memories = tuple(
            machine.start(memory, context)
            for machine, memory in zip(self.machines, state.memories, strict=True)
        )
        return state._replace(memories=memories, deadline=self._deadline(memories))

    def _judge(
        self, state: LaneState, entry: Entry, history: Sequence[Entry], index: int
    ) -> tuple[LaneState, tuple[Note, ...]]:
        """Show a fact to the criteria that listen to it, then let the registers remember it."""
        clock, own, closed, registers, memories, deadline = state
        fact = entry.fact
        context = Context(fact, clock, own, registers, history, index)
        plan = self._plans.get(entry.series) or self._plan(entry.series)
        if plan.filtered:
            plan = self._plan(self._admitted(entry, context))
        _, machines, remembering, timed = plan
        notes: tuple[Note, ...] = ()
        changed = False
        for at, machine in machines:
            held = memories[at]
            memory, more = machine.step(held, context)
            if memory is not held:
                memories = _with(memories, at, memory)
                changed = True
            if more:
                notes += more
        if remembering and not fact.provisional:
            for at, register in remembering:
                held = registers[at]
                kept = register.add(held, fact, context)
                if kept is not held:
                    registers = _with(registers, at, kept)
                    changed = True
        if not changed:
            return state, notes
        if timed:
            deadline = self._deadline(memories)
        return _new(LaneState, (clock, own, closed, registers, memories, deadline)), notes

    def _plan(self, series: tuple[int, ...]) -> Plan:
        plan = self._plans.get(series)
        if plan is None:
            machines = tuple(
                (at, machine)
                for at, machine in enumerate(self.machines)
                if not machine.listens.isdisjoint(series)
            )
            plan = self._plans[series] = Plan(
                filtered=any(
                    self.series[index].since is not None or self.series[index].unless is not None
                    for index in series
                ),
                machines=machines,
                registers=tuple(
                    (at, register)
                    for at, (reads, register) in enumerate(self.registers)
                    if not reads.isdisjoint(series)
                ),
                timed=any(machine.timed for _, machine in machines),
            )
        return plan

    def _admitted(self, entry: Entry, context: Context) -> tuple[int, ...]:
        """The series in which this fact is seen at all."""
        return tuple(index for index in entry.series if self._sees(self.series[index], context))

    def _sees(self, series: Series, context: Context) -> bool:
        if series.since is not None:
            since = series.since.evaluate(context)
            if since is None or context.fact.day < since:
                return False
        return series.unless is None or series.unless.evaluate(context) is not True

    # -- deadlines and the end

    def _deadline(self, memories: tuple[Any, ...]) -> int | None:
        days = [
            day
            for machine, memory in zip(self.machines, memories, strict=True)
            if machine.timed and (day := machine.deadline(memory)) is not None
        ]
        return min(days, default=None)

    def _expire(self, state: LaneState, until: int) -> tuple[LaneState, tuple[Note, ...]]:
        """Let every deadline pass whose day is `until` or earlier, in the order of their days."""
        notes: tuple[Note, ...] = ()
        memories = list(state.memories)
        while (deadline := self._deadline(tuple(memories))) is not None and deadline <= until:
            for at, machine in enumerate(self.machines):
                if machine.timed and machine.deadline(memories[at]) == deadline:
                    context = None
                    if state.clock is not None:
                        context = self._context(state, state.clock, (), 0)
                    memories[at], more = machine.expire(memories[at], context)
                    notes += more
        new = tuple(memories)
        return state._replace(memories=new, deadline=self._deadline(new)), notes

    def _close(self, state: LaneState, entry: Entry) -> LaneState:
        """The rule ends with this day, unless it has not begun yet."""
        clock = state.clock
        begun = clock is not None and (
            entry.mark is not Mark.NEW_LINE or entry.fact.day > clock.day
        )
        if not begun and entry.mark is not Mark.DEATH and self.per_course:
            return state
        return state._replace(closed=entry.fact.day, deadline=None)

    def _after_the_end(
        self, state: LaneState, entry: Entry, history: Sequence[Entry], index: int
    ) -> tuple[LaneState, tuple[Note, ...]]:
        """Only a pending suspicion that may be confirmed across lines is still followed."""
        notes: tuple[Note, ...] = ()
        memories = list(state.memories)
        context = self._context(state, entry.fact, history, index)
        for at, machine in enumerate(self.machines):
            if (
                isinstance(machine, Pattern)
                and machine.crosses_lines
                and memories[at].phase is Phase.SUSPECTED
                and not machine.listens.isdisjoint(entry.series)
                and self._admitted(entry, context)
            ):
                memories[at], more = machine.step(memories[at], context)
                notes += more
        if not notes:
            return state, ()
        return state._replace(memories=tuple(memories)), notes

    def due(self, state: LaneState, now: int) -> tuple[tuple[Finding, ...], int | None]:
        """What the calendar alone adds after the last fact.

        Returns:
            The findings of deadlines that have passed by `now`, and the instant of the next one.
        """
        findings: list[Finding] = []
        while state.deadline is not None and end_of(state.deadline) <= now:
            state, notes = self._expire(state, state.deadline)
            findings += [note for note in notes if isinstance(note, Finding)]
        return tuple(findings), None if state.deadline is None else end_of(state.deadline)


def seated(fact: Fact, seat: Seat) -> Entry:
    """A fact at its place."""
    series, rank, mark = seat
    source, event_id = fact.key
    return _new(Entry, ((fact.day, rank, fact.at, source, event_id), fact, series, mark))


def _with(parts: tuple[Any, ...], at: int, part: Any) -> tuple[Any, ...]:
    """The same parts, but for one."""
    return (part,) if len(parts) == 1 else (*parts[:at], part, *parts[at + 1 :])


_ENDING = frozenset({Mark.END, Mark.NEW_LINE, Mark.DEATH})
