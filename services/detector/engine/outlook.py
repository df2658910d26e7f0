"""Why not yet: the ways in which a criterion may still come to say something, and from which day.

Nothing here is a second meaning of a rule: a way holds the very terms by which its machine decides.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from schemas.alerts import State
from services.detector.engine.comparable import MachineApart
from services.detector.engine.episode import Episode, Phase
from services.detector.engine.escalation import Escalation
from services.detector.engine.finding import Arm
from services.detector.engine.instants import latest
from services.detector.engine.lasting import Lasting
from services.detector.engine.pattern import Pattern
from services.detector.engine.sequence import Sequence
from services.detector.engine.tiers import Tiers
from services.detector.engine.unanswered import Unanswered
from services.detector.engine.undecided import Undecided

if TYPE_CHECKING:
    from collections.abc import Iterator

    from services.detector.engine.confirmation import Confirmation
    from services.detector.engine.fact import Fact
    from services.detector.engine.finding import Machine
    from services.detector.engine.terms import Term

REPORTED = "already reported; silent until it is taken back"
JUDGED = "its milestone has passed, and is judged only once"
IN_TURN = "once the first of the two has come"
HIGHEST = "the highest level has been reported"
NO_DEADLINE = "no deadline runs"


@dataclass(frozen=True, slots=True)
class Way:
    """One way in which one more fact may make a criterion say something.

    Attributes:
        state, tag: what it would say.
        series: of which the fact must be one.
        terms: what must be true of it.
        day: before this day (ordinal) no fact counts; 0 if none is too early.
        reason: why so, or what else has to come first.
        starts: times before which no fact counts.
        ends: a time after which none does.
        until: the last day as of which it is a way at all; afterwards `renewed` are instead.
        first, least: ways of which one has to come first, at least so many days before.
    """

    state: State
    tag: str | None
    series: frozenset[int]
    terms: tuple[Term, ...]
    day: int = 0
    reason: str | None = None
    starts: tuple[Term, ...] = ()
    ends: Term | None = None
    until: int | None = None
    renewed: tuple[Way, ...] = ()
    first: tuple[Way, ...] = ()
    least: int = 0


@dataclass(frozen=True, slots=True)
class Criterion:
    """A criterion at one moment.

    Attributes:
        name: as the journal has it, with what it was kept apart by.
        machine, memory: the machine and what it remembers.
        ways: what one more fact may make of it.
        over: why there is no way; None if there is one.
        serves: the criterion that waits for this one to be confirmed; alerts then nobody itself.
    """

    name: str
    machine: Machine
    memory: Any
    ways: tuple[Way, ...]
    over: str | None = None
    serves: str | None = None


def criteria(machine: Machine, memory: Any, name: str | None = None) -> Iterator[Criterion]:
    """What a machine and its memory come to, one for each life in the journal."""
    name = machine.name if name is None else name
    if isinstance(machine, MachineApart):
        for part in machine.parts(memory) or (machine.unused(),):
            yield from criteria(part[1], part[2], part[0])
    elif isinstance(machine, Undecided):
        yield from criteria(machine.machine, memory, name)
    elif isinstance(machine, Unanswered):
        yield Criterion(name, machine, memory, (), None if memory.wait else NO_DEADLINE)
        for one, held in zip(machine.within, memory.within, strict=True):
            for inner in criteria(one, held):
                yield replace(inner, serves=name)
    else:
        ways, over = _ways(machine, memory)
        yield Criterion(name, machine, memory, ways, over)


def _ways(machine: Machine, memory: Any) -> tuple[tuple[Way, ...], str | None]:
    """The ways of a plain machine; what only the calendar says has none."""
    if isinstance(machine, Lasting):
        return _of_pattern(machine.pattern, memory.episode)
    if isinstance(machine, Pattern):
        return _of_pattern(machine, memory)
    if isinstance(machine, Tiers | Escalation):
        return _of_levels(machine, memory)
    if isinstance(machine, Sequence):
        return _of_sequence(machine, memory)
    return (), NO_DEADLINE if machine.deadline(memory) is None else None


# ---------------------------------------------------------------- one kind of machine each


def _of_pattern(machine: Pattern, memory: Episode) -> tuple[tuple[Way, ...], str | None]:
    if memory.phase is Phase.CONFIRMED:
        return (), REPORTED
    if memory.phase is Phase.SUSPECTED:
        return _following(machine, memory), None
    if machine.milestone is not None and memory.judged:
        return (), JUDGED
    ways = _opening(machine)
    return ways + _in_two_steps(machine, ways), None


def _opening(machine: Pattern) -> tuple[Way, ...]:
    """Nothing stands: what would open an episode."""
    arms = (
        (State.CONFIRMED, machine.confirmed),
        (State.SUSPECTED, machine.suspect),
        (State.INFO, machine.info),
    )
    ways = tuple(_way(machine, state, arm) for state, some in arms for arm in some)
    if machine.milestone is None:
        return ways
    starts, ends = (machine.milestone.start,), machine.milestone.end
    return tuple(replace(way, starts=starts, ends=ends) for way in ways)


def _in_two_steps(machine: Pattern, ways: tuple[Way, ...]) -> tuple[Way, ...]:
    """What would confirm a suspicion that is still to come."""
    first = tuple(way for way in ways if way.state is State.SUSPECTED)
    confirm = machine.confirm
    if confirm is None or not first:
        return ()
    least = confirm.after + confirm.strictly
    return tuple(
        replace(
            way,
            reason=f"a suspicion first, {least} d before" if least else "a suspicion first",
            first=first,
            least=least,
        )
        for tag in dict.fromkeys(confirm.tag or way.tag for way in first)
        for way in _confirming(machine, tag)
    )


def _following(machine: Pattern, memory: Episode) -> tuple[Way, ...]:
    """A suspicion stands: what would confirm it."""
    at_once = () if machine.milestone is not None else machine.confirmed
    ways = tuple(_way(machine, State.CONFIRMED, arm) for arm in at_once)
    confirm, first = machine.confirm, memory.first
    if confirm is None or first is None:
        return ways
    least = confirm.after + confirm.strictly
    day, reason = latest(first.when) + least, f"{least} d after the first" if least else None
    until, renewed = _last_day(confirm, memory, first), _renewed(machine, confirm, memory)
    later = _confirming(machine, confirm.tag or memory.tag)
    bounded = (replace(way, day=day, reason=reason, until=until, renewed=renewed) for way in later)
    return (*bounded, *ways)


def _last_day(confirm: Confirmation, memory: Episode, first: Fact) -> int | None:
    """Until when a suspicion can be confirmed: it lapses, or nothing more links the run to it.

    A run may still grow beyond its gap by the facts to come, so this bounds no day of theirs.
    """
    lapses = [] if confirm.within is None else [latest(first.when) + confirm.within]
    breaks = [] if confirm.gap is None else [memory.run[-1].day + confirm.gap]
    return min(lapses + breaks, default=None)


def _renewed(machine: Pattern, confirm: Confirmation, memory: Episode) -> tuple[Way, ...]:
    """After that: a suspicion that has lapsed opens anew, a broken run begins anew unsaid."""
    if machine.milestone is not None and memory.judged:
        return ()
    opening = tuple(way for way in _opening(machine) if way.state is not State.CONFIRMED)
    said = opening if confirm.within is not None else ()
    return said + _in_two_steps(machine, opening)


def _confirming(machine: Pattern, tag: str | None) -> tuple[Way, ...]:
    """The ways in which a later fact confirms a suspicion, but for the time between them."""
    confirm = machine.confirm
    if confirm is None:
        return ()
    asked = (confirm.when,) if confirm.when is not None else tuple(a.when for a in machine.suspect)
    starts = () if confirm.not_before is None else (confirm.not_before,)
    ways = (_way(machine, State.CONFIRMED, Arm(when, tag)) for when in asked)
    return tuple(replace(way, starts=starts) for way in ways)


def _way(machine: Pattern | Tiers | Escalation, state: State, arm: Arm) -> Way:
    terms = (arm.when,) if machine.given is None else (machine.given, arm.when)
    return Way(state, arm.tag, machine.listens, terms)


def _of_levels(machine: Tiers | Escalation, memory: Any) -> tuple[tuple[Way, ...], str | None]:
    ways = tuple(_way(machine, state, arm) for state, arm in machine.above(memory))
    return ways, None if ways else HIGHEST


def _of_sequence(machine: Sequence, memory: Any) -> tuple[tuple[Way, ...], str | None]:
    if memory.confirmed:
        return (), REPORTED
    first, then = machine.legs
    second = Way(State.CONFIRMED, None, then.series, (then.when,))
    if memory.first is not None:
        return (second,), None
    begin = Way(State.SUSPECTED, None, first.series, (first.when,))
    return (begin, replace(second, reason=IN_TURN)), None
