"""Looking back over the lane: the facts of some series in a period before the fact in question."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.detector.engine.instants import US_PER_DAY, earliest, latest
from services.detector.engine.terms import Context
from services.detector.engine.truth import Truth, Unknown

if TYPE_CHECKING:
    from services.detector.engine.fact import Fact

Admits = Callable[[Context], Truth]


@dataclass(frozen=True, slots=True)
class Period:
    """How far back a term looks. Reaches are in days, or in microseconds for limits in hours."""

    within_days: int | None = None
    within_us: int | None = None
    older_days: int | None = None

    @property
    def reach_days(self) -> int:
        """The longest look back in whole days: suffix replay must go at least so far on."""
        if self.within_us is not None:
            return -(-self.within_us // US_PER_DAY) + 1
        return self.within_days or 0

    def holds(self, fact: Fact, earlier: Fact) -> Truth:
        """Whether an earlier fact lies in the period before `fact`."""
        if self.older_days is not None and fact.day - earlier.day <= self.older_days:
            return False
        if self.within_us is None:
            return True
        if not earlier.precise:
            return self._of_some_hour(fact, earlier, self.within_us)
        # The lane takes the series of a day one after another, so "before" may be later by hours.
        return abs(fact.at - earlier.at) <= self.within_us

    @staticmethod
    def _of_some_hour(fact: Fact, earlier: Fact, within: int) -> Truth:
        """A fact without its hour is surely outside, surely inside, or neither."""
        days = latest(earlier.when) - earliest(earlier.when) + 1
        first, end = fact.at - earlier.at, fact.at - earlier.at - days * US_PER_DAY
        if end >= within or first < -within:
            return False
        if first <= within and end >= -within:
            return True
        return Unknown("the hour of an earlier sample is not known")


def look_back(
    context: Context, series: frozenset[int], period: Period, admits: Admits | None
) -> Iterator[Fact | Unknown]:
    """The facts of some series in a period before the fact in question, newest first.

    Yields an `Unknown` where hours are asked of a date, or where `admits` can't tell.
    """
    fact = context.fact
    if period.within_us is not None and not fact.precise:
        yield Unknown("the hour of the sample is not known")
        return
    floor = fact.day - period.reach_days
    for index in range(context.before - 1, -1, -1):
        entry = context.history[index]
        found = entry.fact
        if found.day < floor:
            return
        if series.isdisjoint(entry.seat.series) or found.provisional:
            continue
        inside = period.holds(fact, found)
        if inside is True and admits is not None:
            inside = admits(context.back_at(index))
        if inside is True:
            yield found
        elif inside is not False:
            yield inside
