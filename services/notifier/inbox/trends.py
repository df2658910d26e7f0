"""When a rising quantity would reach its next level, if it went on as it did. Pure and exact.

A straight line is fitted to the logarithms, by least squares, from the lowest value on; a level is
reached where the line crosses it. That is how PSA doubling times are worked out (Pound 1999, JAMA
281:1591; C). The interval is Fieller's for the crossing of a fitted line (Fieller 1954, J R Stat
Soc B 16:175; C), with Student's t. Where it has no end, or lies too far ahead, nothing is said.
An estimate of ours (E): no rule judges by it, and nobody is alerted because of it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal, localcontext
from typing import TYPE_CHECKING, Final

from schemas.base import as_utc
from services.notifier.inbox.charts.picture import Projection, Threshold

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from services.notifier.inbox.charts.picture import Chart, Point

LEAST: Final = 4
"""Values below which no line is fitted (CHOICE)."""
FURTHEST: Final = timedelta(days=730)
"""How far ahead of the last value a level is looked for (CHOICE)."""
_DAY: Final = timedelta(days=1)
_QUANTILES: Final = """
12.706 4.303 3.182 2.776 2.571 2.447 2.365 2.306 2.262 2.228 2.201 2.179 2.160 2.145 2.131
2.120 2.110 2.101 2.093 2.086 2.080 2.074 2.069 2.064 2.060 2.056 2.052 2.048 2.045 2.042
"""
_T: Final = tuple(Decimal(text) for text in _QUANTILES.split())
"""Student's t, two-sided 95 %, for 1 to 30 degrees of freedom; for more the last is wide enough."""


@dataclass(frozen=True, slots=True)
class _Line:
    """A fitted line: means, slope, spread of the days, and how far values lie off, as variance."""

    day: Decimal
    level: Decimal
    slope: Decimal
    spread: Decimal
    variance: Decimal
    count: int

    @property
    def _t2(self) -> Decimal:
        return _T[min(self.count - 2, len(_T)) - 1] ** 2 * self.variance

    def crossing(self, level: Decimal) -> tuple[Decimal, Decimal, Decimal] | None:
        """Where it crosses a level: the day, and the ends of its interval; None without ends."""
        rise = level - self.level
        steep = self.slope**2 - self._t2 / self.spread
        if self.slope <= 0 or steep <= 0:
            return None
        inside = (self.slope * rise) ** 2 - steep * (rise**2 - self._t2 / self.count)
        root = max(inside, Decimal(0)).sqrt()
        ends = ((self.slope * rise + side * root) / steep + self.day for side in (-1, 1))
        low, high = ends
        return rise / self.slope + self.day, low, high


def looked_ahead(chart: Chart, levels: Sequence[Threshold]) -> Chart:
    """The chart with the next level that the trend reaches, and when; as it is if none is."""
    points = _since_lowest(chart.points)
    if len(points) < LEAST or points[-1].bound != "exact":
        return chart
    last = points[-1]
    for level in sorted(levels, key=lambda one: one.value):
        if level.value > last.value:
            seen = _projection(points, level.value)
            if seen is not None:
                return _with(chart, level, seen)
    return chart


def _since_lowest(points: Sequence[Point]) -> list[Point]:
    """Exact values from the lowest on, by time."""
    ordered = sorted(points, key=lambda one: as_utc(one.at))
    exact = [one for one in ordered if one.bound == "exact" and one.value > 0]
    if not exact:
        return []
    start = exact.index(min(exact, key=lambda one: one.value))
    return exact[start:] if ordered[-1] is exact[-1] else []


def _projection(points: Sequence[Point], level: Decimal) -> Projection | None:
    begin, last = as_utc(points[0].at), as_utc(points[-1].at)
    with localcontext() as context:
        context.prec = 28
        line = _fitted(points, begin)
        found = None if line is None else line.crossing(level.log10())
    if found is None:
        return None
    at, low, high = (_date(begin, days) for days in found)
    if at is None or low is None or high is None or not last < at <= last + FURTHEST:
        return None
    earliest = max(low, last).date()
    start = (points[-1].at, points[-1].value)
    return Projection(level, start, at.date(), earliest, high.date())


def _date(begin: datetime, days: Decimal) -> datetime | None:
    """A day of the line; None beyond what anybody would look at."""
    far = abs(days) > 10 * FURTHEST.days
    return None if far else begin + int(days.to_integral_value()) * _DAY


def _fitted(points: Sequence[Point], begin: datetime) -> _Line | None:
    """The line through days and logarithms; None if all are of one day."""
    days = [Decimal((as_utc(one.at) - begin) // _DAY) for one in points]
    logs = [one.value.log10() for one in points]
    count = len(points)
    day, level = sum(days) / Decimal(count), sum(logs) / Decimal(count)
    spread = sum(((one - day) ** 2 for one in days), Decimal(0))
    if spread == 0:
        return None
    pairs = list(zip(days, logs, strict=True))
    slope = sum(((x - day) * (y - level) for x, y in pairs), Decimal(0)) / spread
    off = sum(((y - level - slope * (x - day)) ** 2 for x, y in pairs), Decimal(0))
    return _Line(day, level, slope, spread, off / (count - 2), count)


def _with(chart: Chart, level: Threshold, seen: Projection) -> Chart:
    """The axis grows to hold the interval, by at most half of what it shows."""
    limits = chart.limits
    if limits is not None:
        room = (limits[1] - limits[0]) / 2
        end = min(as_utc(seen.latest) + timedelta(days=10), limits[1] + room)
        limits = (limits[0], max(limits[1], end))
    thresholds = (*chart.thresholds, replace(level, soft=True))
    return replace(chart, thresholds=thresholds, projection=seen, limits=limits)
