"""The past of a fact: looked up in a bounded period, or remembered in a register."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from services.detector.engine import comparisons, logic, times, uncertainty
from services.detector.engine.baselines import NadirWithBaseline
from services.detector.engine.comparable import RegisterApart
from services.detector.engine.instants import US_PER_HOUR, US_PER_MINUTE
from services.detector.engine.lookback import Admits, Period
from services.detector.engine.past import Past
from services.detector.engine.registers import First, Latest, Register
from services.detector.engine.remembered import register
from services.detector.engine.runs import Runs
from services.detector.language.ast import Duration, Name, Node, Selection
from services.detector.language.lowering.arguments import days, wrong
from services.detector.language.walk import walk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schemas.alerts import Role
    from services.detector.engine.terms import Term
    from services.detector.language.lowering.rule import Lowering
    from services.detector.language.spec import Series

_MICROSECONDS = {"min": US_PER_MINUTE, "h": US_PER_HOUR}
"""Units of a look back that needs the hour."""

Make = Callable[..., Register]
"""Makes a register of what it admits and of `follows_clock`."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be remembered of a selection.

    Attributes:
        name: of the question; equal questions share one register.
        make: makes the register.
        kind: of the term that reads it.
        role: of the fact that it gives, as evidence.
        extra: on what the question hangs besides the selection.
    """

    name: str
    make: Make
    kind: str
    role: Role
    extra: tuple[Any, ...] = ()


def remembered(lowering: Lowering, chosen: Selection, wanted: Wanted, text: str) -> Term:
    """What a register keeps of a selection."""

    def make() -> Register:
        return _register(lowering, chosen, wanted.make)

    key = (wanted.name, chosen, wanted.extra)
    index = lowering.registers.keep(key, lowering.seat(chosen.series), make)
    kept = lowering.registers.made[index][1]
    own = kept.own if isinstance(kept, RegisterApart) else None
    certain = isinstance(kept, First | Latest) and kept.certain
    return register(index, kept.read, wanted.kind, wanted.role, text, own, certain=certain)


def _register(lowering: Lowering, chosen: Selection, make: Make) -> Register:
    # What a series shows from the clock on must be forgotten when the clock moves.
    follows = _follows_clock(chosen) or _asks_clock(lowering.series[chosen.series].since)
    made: Register = make(admits(lowering, chosen), follows_clock=follows)
    apart = lowering.series[chosen.series].apart or isinstance(made, NadirWithBaseline)
    return RegisterApart(made) if apart else made


def looked_up(lowering: Lowering, chosen: Selection) -> Past:
    """A period before the fact in question.

    Raises:
        RuleErrors: the selection doesn't say how far back to look.
    """
    period = _period(chosen)
    shown = lowering.series[chosen.series]
    further, lowering.reach_days = lowering.reach_days, 0
    admitted = admits(lowering, chosen, shown)
    # A condition inside the period may look back by itself, from where it stands.
    lowering.reach_days = max(further, period.reach_days + lowering.reach_days)
    return Past(lowering.seat(chosen.series), period, admitted, shown.apart)


def _period(chosen: Selection) -> Period:
    within, older = chosen.within, chosen.older_than
    if within is None:
        raise wrong(chosen, "'older than' needs 'within' as well: how far back to look")
    older_days = None if older is None else days(older)
    if isinstance(within, Duration) and within.unit in _MICROSECONDS:
        reach = within.amount * _MICROSECONDS[within.unit]
        return Period(within_us=reach, older_days=older_days)
    return Period(within_days=days(within), older_days=older_days)


def runs_of(lowering: Lowering, chosen: Selection) -> Runs:
    """Facts that follow one another and have something in common.

    Raises:
        RuleErrors: the selection doesn't say what.
    """
    past, where = looked_up(lowering, replace(chosen, where=None)), chosen.where
    if where is None:
        raise wrong(chosen, "a run needs 'where': what its facts have in common")
    fulfil = lowering.condition(where, (chosen.series,)).evaluate
    return Runs(past.series, past.period, fulfil)


def admits(lowering: Lowering, chosen: Selection, shown: Series | None = None) -> Admits | None:
    """Which facts of the series a selection takes; None for all.

    A register is given only what the series shows; a look back has to leave out for itself what
    `shown` doesn't show.
    """
    parts = [*_limits(lowering, chosen, shown), *_shown(lowering, chosen.series, shown)]
    if chosen.where is not None:
        parts.append(lowering.condition(chosen.where, (chosen.series,)))
    if not parts:
        return None
    return parts[0].evaluate if len(parts) == 1 else logic.all_of(parts, "").evaluate


def _limits(lowering: Lowering, chosen: Selection, shown: Series | None) -> Iterator[Term]:
    """From when and until when, by the calendar."""
    begin = None if shown is None else shown.since
    ends = ((begin, ">="), (chosen.since, ">="), (chosen.after, ">"), (chosen.until, "<="))
    for node, op in ends:
        if node is not None:
            end = lowering.time(node, (chosen.series,))
            yield comparisons.ordered(op, times.fact_day(), end, "")


def _shown(lowering: Lowering, name: str, shown: Series | None) -> Iterator[Term]:
    """What a series shows of all that its kind has."""
    if shown is not None and shown.unless is not None:
        yield uncertainty.not_surely(lowering.condition(shown.unless, (name,)))
    if shown is not None and shown.only is not None:
        yield uncertainty.surely(lowering.condition(shown.only, (name,)))


def _follows_clock(chosen: Selection) -> bool:
    """Whether what a selection takes hangs on where the clock stands."""
    return any(map(_asks_clock, (chosen.since, chosen.after, chosen.until, chosen.where)))


def _asks_clock(node: Node | None) -> bool:
    return node is not None and any(
        isinstance(part, Name) and part.name in {"clock", "day"} for part in walk(node)
    )
