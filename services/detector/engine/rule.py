"""A compiled rule: which facts it sees, in which order, and the step from one state to the next.

Laws of this file: a step depends on nothing but its arguments; a state is an immutable value,
compared by equality, so that a replay may stop where the new state equals the stored one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from services.detector.engine.episode import Phase
from services.detector.engine.finding import Finding, Machine, Note
from services.detector.engine.instants import end_of
from services.detector.engine.membership import told_with_reasons
from services.detector.engine.pattern import Pattern
from services.detector.engine.seats import TIMELESS, Entry, Mark, Seat
from services.detector.engine.terms import Context, Term
from services.detector.engine.watch import watched

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.detector.engine.dormancy import Denial
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
    drug_classes: frozenset[str] = frozenset()


WHOLE_PATIENT = Course(None)


@dataclass(frozen=True, slots=True)
class Series:
    """Facts that a rule reads under one name."""

    name: str
    topics: frozenset[str]
    accepts: Callable[[Fact, Course], bool] | None = None
    since: Term | None = None
    unless: Term | None = None
    only: Term | None = None

    @property
    def filtered(self) -> bool:
        """Whether a fact must be looked at to say if it is seen."""
        return (self.since, self.unless, self.only) != (None, None, None)

    preliminary: bool = False


@dataclass(frozen=True, slots=True)
class Clock:
    """What gives day 0: the first or the last fact of some phases of the course."""

    last: bool
    phases: frozenset[str]


@dataclass(frozen=True, slots=True)
class Ends:
    """What closes the rule."""

    new_line: bool = False
    next_line: bool = False
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
_LOOKED_AT = frozenset({"treatment", "patient"})
_NONE = Mark.NONE  # by names of our own: on the classes, each look-up is a call
_SILENT = Phase.SILENT
_new = tuple.__new__


class Plan(NamedTuple):
    """Who is shown a fact of some series: prepared once, not at every fact.

    machines: each with its number, and with what tells at a glance that it stays as it began
        or silent, if anything does (see `dormancy`).
    """

    filtered: bool
    machines: tuple[tuple[int, Machine, Any, Denial | None], ...]
    registers: tuple[tuple[int, Callable[[Any, Fact, Context], Any]], ...]
    timed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledRule:
    """One rule, ready to run. `card` is what alerts say about it; the engine does not look in.

    `topics` is what it looks facts up by.
    """

    id: str
    card: Any
    series: tuple[Series, ...]
    machines: tuple[Machine, ...]
    registers: tuple[tuple[frozenset[int], Register], ...] = ()
    conditions: frozenset[str] = frozenset()
    modalities: frozenset[str] = frozenset()
    regimens: frozenset[str] = frozenset()
    drug_classes: frozenset[str] = frozenset()
    line: int | None = None
    clock: Clock | None = None
    ends: Ends = field(default_factory=Ends)
    reach_days: int = 0
    graders: tuple[Any, ...] = ()
    figures: tuple[tuple[frozenset[int], Term], ...] = ()
    closer_watch: Term | None = None
    initial: LaneState = field(init=False, compare=False, repr=False)
    topics: frozenset[str] = field(init=False, compare=False, repr=False)
    _plans: dict[tuple[int, ...], Plan] = field(default_factory=dict, compare=False, repr=False)
    _seats: dict[str, Seat | None] = field(default_factory=dict, compare=False, repr=False)
    _shared_seats: dict[Any, Seat] = field(default_factory=dict, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Prepare the state before the first fact."""
        registers = tuple(register.initial for _, register in self.registers)
        memories = tuple(machine.initial for machine in self.machines)
        object.__setattr__(self, "initial", LaneState(None, None, None, registers, memories, None))
        read = frozenset[str]().union(*(series.topics for series in self.series))
        object.__setattr__(self, "topics", read | {"treatment"} if self.per_course else read)

    # -- which courses and which facts

    @property
    def per_course(self) -> bool:
        """Whether every matching course has an instance of its own."""
        return bool(self.conditions or self.modalities or self.regimens or self.drug_classes)

    def concerns(self, course: Course) -> bool:
        """Whether a course has an instance of this rule."""
        if self.line is not None and course.lines and self.line not in course.lines:
            return False
        return all(
            not wanted or not wanted.isdisjoint(has)
            for wanted, has in (
                (self.conditions, course.conditions),
                (self.modalities, course.modalities),
                (self.regimens, course.regimens),
                (self.drug_classes, course.drug_classes),
            )
        )

    def place(self, fact: Fact, course: Course) -> Entry | None:
        """Where a fact stands in this rule's lane of a course; None if it has no place there.

        Facts of one day are taken in this order: the course's own steps, then the series in the
        order in which the rule reads them, then what ends the rule.
        """
        seat = self.seat(fact.topic)
        if seat is not None:
            return Entry(fact, seat)
        series = tuple(
            index
            for index, one in enumerate(self.series)
            if fact.topic in one.topics and (one.accepts is None or one.accepts(fact, course))
        )
        if fact.topic == "patient":
            return Entry(fact, self._shared(series, 0, timeless=True)) if series else None
        if fact.provisional and any(self.series[index].preliminary for index in series):
            fact = fact.as_final()
        rank, mark = self._rank(series)
        if fact.topic == "treatment" and mark is _NONE:
            rank, mark = self._rank_of_treatment(fact, course, rank)
        if not series and mark is _NONE:
            return None
        return Entry(fact, self._shared(series, rank, mark))

    def seat(self, topic: str) -> Seat | None:
        """Where every fact of a topic belongs, whatever it says; None if it must be looked at."""
        if topic not in self._seats:
            open_to = [index for index, one in enumerate(self.series) if topic in one.topics]
            plain = all(self.series[index].accepts is None for index in open_to)
            trusting = any(self.series[index].preliminary for index in open_to)
            looked_at = not plain or not open_to or trusting or topic in _LOOKED_AT
            series = tuple(open_to)
            self._seats[topic] = None if looked_at else Seat(series, *self._rank(series))
        return self._seats[topic]

    def _shared(
        self, series: tuple[int, ...], rank: int, mark: Mark = _NONE, *, timeless: bool = False
    ) -> Seat:
        """One seat for all facts that belong there, whatever had to be looked at to know it."""
        key = (series, rank, mark, timeless)
        if key not in self._shared_seats:
            self._shared_seats[key] = Seat(series, rank, mark, timeless=timeless)
        return self._shared_seats[key]

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
            course.id is not None
            and step.phase == "started"
            and step.condition in course.conditions
            and self._is_another_line(step.line, course)
        ):
            return _END_RANK, Mark.NEW_LINE
        return rank, Mark.NONE

    def _is_another_line(self, line: int | None, course: Course) -> bool:
        """Whether treatment of that line closes the course."""
        if self.ends.new_line:
            return line is None or line not in course.lines
        return self.ends.next_line and line is not None and line > max(course.lines, default=1)

    # -- the fold

    @property
    def timed(self) -> bool:
        """Whether the calendar alone may have something to say."""
        return any(machine.timed for machine in self.machines)

    def step(  # noqa: C901, PLR0912 - run for every fact of every lane, so without a call that can be spared
        self, state: LaneState, entry: Entry, here: Context
    ) -> tuple[LaneState, tuple[Note, ...]]:
        """Take in one more fact.

        Args:
            state: before it.
            entry: the fact at its place.
            here: stands at the fact; what the state says of the course is filled in.

        Returns:
            The new state, and what the rule says at this place.
        """
        # Criteria first, then the registers. By far the commonest case, and so without a call.
        clock, own, closed, registers, memories, deadline = state
        fact, seat = entry
        if seat.mark is not _NONE:
            return self._turn(state, entry, here)
        if closed is not None or deadline is not None:
            day = TIMELESS if seat.timeless else fact.day
            if (closed is not None and day > closed) or (deadline is not None and day > deadline):
                return self._turn(state, entry, here)
        here.clock, here.own, here.registers = clock, own, registers
        here.look = object()
        plan = seat.plan
        if plan is None:
            plan = seat.plan = self._plan(seat.series)
        if plan[0]:
            plan = self._plan(self._admitted(entry, here))
        _, machines, remembering, timed = plan
        notes: tuple[Note, ...] = ()
        changed = False
        for at, machine, initial, denied in machines:
            held = memories[at]
            if denied is not None and (held is initial or held[0] is _SILENT) and denied(fact):
                continue
            memory, more = machine.step(held, here)
            if memory is not held:
                memories = _with(memories, at, memory)
                changed = True
            if more:
                notes += watched(self._grounded(machine, more, here), self.closer_watch, here)
        if remembering and not fact.provisional:
            for at, add in remembering:
                held = registers[at]
                kept = add(held, fact, here)
                if kept is not held:
                    registers = _with(registers, at, kept)
                    changed = True
        if not changed:
            return state, notes
        if timed:
            deadline = self._deadline(memories)
        return _new(LaneState, (clock, own, closed, registers, memories, deadline)), notes

    def _turn(
        self, state: LaneState, entry: Entry, here: Context
    ) -> tuple[LaneState, tuple[Note, ...]]:
        """The course takes a turn at this fact: it, or a deadline, is over, or the clock is set."""
        day, mark = entry.day, entry.mark
        if state.closed is not None and day > state.closed:
            return self._after_the_end(state, entry, here)
        notes: tuple[Note, ...] = ()
        if state.deadline is not None and day > state.deadline:
            state, notes = self._expire(state, day - 1)
        state = self._mark(state, entry, here)
        if entry.series:
            state, more = self.step(state, Entry(entry.fact, entry.seat.unmarked), here)
            notes += more
        if mark in _ENDING:
            state = self._close(state, entry)
        return state, notes

    def _mark(self, state: LaneState, entry: Entry, here: Context) -> LaneState:
        """A step of the course itself: it may set the clock and tell the regimen."""
        if entry.mark is _NONE or entry.mark in _ENDING:
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
        here.clock, here.own, here.registers, here.look = fact, own, registers, None
        memories = tuple(
            machine.start(memory, here)
            for machine, memory in zip(self.machines, state.memories, strict=True)
        )
        return state._replace(memories=memories, deadline=self._deadline(memories))

    def _plan(self, series: tuple[int, ...]) -> Plan:
        plan = self._plans.get(series)
        if plan is None:
            machines = tuple(
                (at, machine, machine.initial, machine.denial(series))
                for at, machine in enumerate(self.machines)
                if not machine.listens.isdisjoint(series)
            )
            plan = self._plans[series] = Plan(
                filtered=any(self.series[index].filtered for index in series),
                machines=machines,
                registers=tuple(
                    (at, register.add)
                    for at, (reads, register) in enumerate(self.registers)
                    if not reads.isdisjoint(series)
                ),
                timed=any(machine.timed for _, machine, _, _ in machines),
            )
        return plan

    def _admitted(self, entry: Entry, context: Context) -> tuple[int, ...]:
        """The series in which this fact is seen at all."""
        return tuple(index for index in entry.series if self._sees(self.series[index], context))

    def shown(self, entry: Entry, context: Context) -> tuple[int, ...]:
        """The series in which a fact is seen, by what is known before it."""
        return self._admitted(entry, context) if entry.series else ()

    def _sees(self, series: Series, context: Context) -> bool:
        if series.since is not None:
            since = series.since.evaluate(context)
            if since is None or context.fact.day < since:
                return False
        if series.only is not None and series.only.evaluate(context) is not True:
            return False
        return series.unless is None or series.unless.evaluate(context) is not True

    def _grounded(
        self, machine: Machine, notes: tuple[Note, ...], here: Context
    ) -> tuple[Note, ...]:
        """What makes a cited fact one of the series judged is part of the evidence."""
        only = [(at, self.series[at].only) for at in sorted(machine.listens)]
        asked = {at: term for at, term in only if term is not None}
        return told_with_reasons(notes, asked, here) if asked else notes

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
                    clock, own, _, registers, _, _ = state
                    # No fact is in question, but the clock, if there is one.
                    here = Context(clock, clock, own, registers, (), 0)  # type: ignore[arg-type]
                    context = None if clock is None else here
                    memories[at], more = machine.expire(memories[at], context)
                    notes += watched(more, self.closer_watch, here)
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
        self, state: LaneState, entry: Entry, here: Context
    ) -> tuple[LaneState, tuple[Note, ...]]:
        """Only a pending suspicion that may be confirmed across lines is still followed."""
        notes: tuple[Note, ...] = ()
        memories = list(state.memories)
        here.clock, here.own, here.registers = state.clock, state.own, state.registers
        here.look = None
        for at, machine in enumerate(self.machines):
            if (
                isinstance(machine, Pattern)
                and machine.crosses_lines
                and memories[at].phase is Phase.SUSPECTED
                and not machine.listens.isdisjoint(entry.series)
                and self._admitted(entry, here)
            ):
                memories[at], more = machine.step(memories[at], here)
                notes += watched(self._grounded(machine, more, here), self.closer_watch, here)
        if not notes:
            return state, ()
        return state._replace(memories=tuple(memories)), notes

    def passed(self, state: LaneState, now: int) -> LaneState:
        """The state once every deadline is told that has passed by an instant."""
        while state.deadline is not None and end_of(state.deadline) <= now:
            state, _ = self._expire(state, state.deadline)
        return state

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


def _with(parts: tuple[Any, ...], at: int, part: Any) -> tuple[Any, ...]:
    """The same parts, but for one."""
    return (part,) if len(parts) == 1 else (*parts[:at], part, *parts[at + 1 :])


_ENDING = frozenset({Mark.END, Mark.NEW_LINE, Mark.DEATH})
