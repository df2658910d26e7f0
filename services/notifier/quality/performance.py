"""How each rule does: how often it was right, and how long each part of the way took."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from services.notifier.quality.intervals import Intervals, intervals
from services.notifier.quality.ppv import tally_of, wilson

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import timedelta

    from schemas.actions import Disposition
    from services.notifier.cases.case import Marks
    from services.notifier.quality.ppv import Interval, Tally


class Median(NamedTuple):
    """The middle of some lengths of time, and of how many."""

    of: int
    time: timedelta


class Performance(NamedTuple):
    """One rule.

    Attributes:
        alerts: that were ever raised, each once for every episode of a case.
        tally: its dispositions.
        interval: of the predictive value, 95 % (Wilson); None without any judged.
        interrupts: whether it may.
        medians: by the names of `Intervals`; a name that no alert reached is not there.
    """

    rule: str
    alerts: int
    tally: Tally
    interval: Interval | None
    interrupts: bool
    medians: dict[str, Median]


_NAMES: Final = Intervals._fields


def performances(
    marks: Iterable[tuple[str, Marks]],
    given: Mapping[str, Mapping[Disposition, int]],
    demoted: Collection[str],
) -> list[Performance]:
    """Every rule that raised an alert, got a disposition, or was demoted; by their ids.

    Args:
        marks: of every alert: its rule, and when it reached what.
        given: how often each disposition was given, by rule.
        demoted: rules that may not interrupt.
    """
    found: dict[str, list[Intervals]] = {}
    for rule, one in marks:
        found.setdefault(rule, []).append(intervals(one))
    names = sorted({*found, *given, *demoted})
    return [
        _performance(each, found.get(each, []), given.get(each, {}), interrupts=each not in demoted)
        for each in names
    ]


def _performance(
    rule: str, ways: list[Intervals], given: Mapping[Disposition, int], *, interrupts: bool
) -> Performance:
    counted = tally_of(given)
    return Performance(
        rule=rule,
        alerts=len(ways),
        tally=counted,
        interval=wilson(counted.true, counted.judged),
        interrupts=interrupts,
        medians=_medians(ways),
    )


def _medians(ways: list[Intervals]) -> dict[str, Median]:
    columns = {name: [getattr(one, name) for one in ways] for name in _NAMES}
    known = {
        name: sorted(one for one in column if one is not None) for name, column in columns.items()
    }
    return {name: Median(len(times), _middle(times)) for name, times in known.items() if times}


def _middle(times: list[timedelta]) -> timedelta:
    half = len(times) // 2
    return times[half] if len(times) % 2 else (times[half - 1] + times[half]) / 2
