"""What a chart shows: values, limits, treatments, the time that is left; and the same in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from schemas.alerts import Role
from schemas.base import as_utc
from services.notifier.inbox.words import day, reading

if TYPE_CHECKING:
    from datetime import date, datetime
    from decimal import Decimal

Bound = Literal["exact", "below", "above"]


@dataclass(frozen=True, slots=True)
class Layout:
    """Where things stand on a chart, in pixels.

    right: where the plot ends; the labels of limits stand beyond it. plot: its height.
    letters: how many letters of a limit's label fit into a line.
    """

    width: float
    right: float
    plot: float
    letters: int
    left: float = 70.0
    top: float = 34.0

    @property
    def bottom(self) -> float:
        """The lower edge of the plot."""
        return self.top + self.plot


WIDE: Final = Layout(width=920, right=742, plot=210, letters=26)
"""With room for the labels of limits."""
FULL: Final = Layout(width=920, right=905, plot=210, letters=26)
"""Without limits: the plot takes the whole width."""
SMALL: Final = Layout(width=560, right=462, plot=120, letters=14)
"""For many charts on one page."""


@dataclass(frozen=True, slots=True)
class Point:
    """One value; `bound` tells a value that is only known to lie below or above it."""

    at: date | datetime
    value: Decimal
    bound: Bound = "exact"
    role: Role | None = None


@dataclass(frozen=True, slots=True)
class Threshold:
    """A limit: `label` says what it is (`at least nadir + 2 ng/mL`).

    soft: a reference limit, drawn more quietly than a limit of a criterion.
    """

    value: Decimal
    label: str
    soft: bool = False


@dataclass(frozen=True, slots=True)
class Period:
    """A course of treatment; `end` is None while it goes on."""

    start: date | datetime
    end: date | datetime | None
    label: str


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that happened on a day: a scan, an operation, an adverse event."""

    at: date | datetime
    label: str


@dataclass(frozen=True, slots=True)
class Span:
    """The time that is left: from when it was known to the last day."""

    start: date | datetime
    end: date | datetime
    label: str


@dataclass(frozen=True, slots=True)
class Projection:
    """When a limit would be reached if the trend went on: an estimate, with its 95 % interval."""

    limit: Decimal
    start: tuple[date | datetime, Decimal]
    at: date
    earliest: date
    latest: date

    @property
    def label(self) -> str:
        """In words."""
        return f"{day(self.at)} ({day(self.earliest)} to {day(self.latest)})"


Scale = Literal["linear", "log"]


@dataclass(frozen=True, slots=True)
class Chart:
    """What is to be drawn. `key` makes the element ids of a page distinct.

    struck: values that were reported once and have been corrected or withdrawn.
    scale: of the values; None: by their range.
    """

    key: str
    title: str
    unit: str = ""
    points: tuple[Point, ...] = ()
    thresholds: tuple[Threshold, ...] = ()
    periods: tuple[Period, ...] = ()
    moments: tuple[Moment, ...] = ()
    span: Span | None = None
    now: datetime | None = None
    limits: tuple[datetime, datetime] | None = None
    layout: Layout = WIDE
    struck: tuple[Point, ...] = ()
    projection: Projection | None = None
    scale: Scale | None = None

    @property
    def roles(self) -> tuple[Role, ...]:
        """The roles that are marked, for the legend."""
        marked = {point.role for point in self.points}
        return tuple(role for role in Role if role in marked)

    @property
    def listed(self) -> list[tuple[Point, bool]]:
        """The values and whether each still holds, the latest first: the chart as a table."""
        told = [(point, True) for point in self.points] + [(point, False) for point in self.struck]
        return sorted(told, key=lambda one: as_utc(one[0].at), reverse=True)

    @property
    def censored(self) -> bool:
        """Whether a value is only known to lie on one side."""
        return any(point.bound != "exact" for point in self.points)


def describe(chart: Chart) -> str:
    """What the chart shows, in words: for those who don't see it."""
    said = [_extent(chart)]
    said += [f"{p.role}: {told(p, chart.unit)} on {day(p.at)}." for p in chart.points if p.role]
    said += [f"Limit: {limit.label}." for limit in chart.thresholds]
    said += [f"Corrected since: {told(p, chart.unit)} on {day(p.at)}." for p in chart.struck]
    said += [_lasted(period) for period in chart.periods]
    said += [f"{moment.label} on {day(moment.at)}." for moment in chart.moments]
    if chart.span is not None:
        said.append(f"{chart.span.label}.")
    if chart.projection is not None:
        said.append(f"If the trend goes on, the next limit is reached {chart.projection.label}.")
    return " ".join(part[:1].upper() + part[1:] for part in said)


def _extent(chart: Chart) -> str:
    if not chart.points:
        return "No numeric values."
    days = sorted(as_utc(point.at) for point in chart.points)
    low, high = (pick(chart.points, key=lambda p: p.value) for pick in (min, max))
    count = "1 value" if len(chart.points) == 1 else f"{len(chart.points)} values"
    extremes = f"lowest {told(low, chart.unit)}, highest {told(high, chart.unit)}"
    return f"{count} from {day(days[0])} to {day(days[-1])}; {extremes}."


def _lasted(period: Period) -> str:
    end = "goes on" if period.end is None else f"until {day(period.end)}"
    return f"Treatment {period.label}: from {day(period.start)}, {end}."


def told(point: Point, unit: str) -> str:
    """A value as it was reported: `<0.01 ng/mL`."""
    return reading(point.bound, point.value, unit)
