"""Scales and ticks of a chart: where a value or a day stands, and which of them are labelled.

Pixels are binary floats; the clinical values that they stand for stay exact decimals.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from schemas.base import as_utc
from services.notifier.inbox.words import month, number, raised

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from services.notifier.inbox.charts.picture import Scale

LOG_FROM: Final = 50
"""A range of values wider than this factor is drawn on a logarithmic scale."""
_APART: Final = 75
"""Pixels that the label of a tick needs."""
_ONE, _ROOM = Decimal(1), Decimal("1.05")
_LONG_LABEL: Final = Decimal(1_000_000)


@dataclass(frozen=True, slots=True)
class TimeAxis:
    """Days to pixels, from left to right."""

    start: datetime
    end: datetime
    left: float
    right: float

    def place(self, at: date | datetime) -> float:
        """Where an instant stands, in pixels; outside the axis at its edge."""
        share = (as_utc(at) - self.start) / (self.end - self.start)
        return self.left + min(1.0, max(0.0, share)) * (self.right - self.left)

    def holds(self, at: date | datetime) -> bool:
        """Whether an instant lies on the axis."""
        return self.start <= as_utc(at) <= self.end

    def ticks(self) -> list[tuple[datetime, str]]:
        """Instants worth a label: days of a short axis, else first days of months."""
        few = (self.right - self.left) / _APART
        days = (self.end - self.start).days
        step = next((step for step in (1, 2, 5, 10) if days / step <= few), None)
        if step is not None:
            return list(_days(self.start, self.end, step))
        months = next((m for m in (1, 2, 3, 6, 12, 24, 60) if days / 30.4 / m <= few), 120)
        return list(_months(self.start, self.end, months))


def _days(start: datetime, end: datetime, step: int) -> Iterator[tuple[datetime, str]]:
    at = datetime(start.year, start.month, start.day, tzinfo=UTC) + timedelta(days=1)
    year: int | None = None
    while at <= end:
        label = f"{at.day} {month(at)}"
        yield at, label if at.year == year else f"{label} {at.year}"
        year = at.year
        at += timedelta(days=step)


def _months(start: datetime, end: datetime, step: int) -> Iterator[tuple[datetime, str]]:
    """First days of months, counted from January so that years begin on a tick."""
    count = math.ceil((start.year * 12 + start.month) / step) * step
    while True:
        at = datetime(count // 12, count % 12 + 1, 1, tzinfo=UTC)
        if at > end:
            return
        if at >= start:
            yield at, f"{month(at)} {at.year}"
        count += step


@dataclass(frozen=True, slots=True)
class ValueAxis:
    """Values to pixels, from the bottom up; linear or logarithmic."""

    low: Decimal
    high: Decimal
    bottom: float
    top: float
    log: bool
    step: Decimal = Decimal(1)

    def place(self, value: Decimal) -> float:
        """Where a value stands, in pixels. What a logarithm can't show stands at the bottom."""
        if self.log and value <= 0:
            return self.bottom
        low, high, here = (_level(v, log=self.log) for v in (self.low, self.high, value))
        share = min(1.0, max(0.0, (here - low) / (high - low)))
        return self.bottom + share * (self.top - self.bottom)

    def shows(self, value: Decimal) -> bool:
        """Whether the value itself can be shown: a logarithmic scale has no zero."""
        return value > 0 or not self.log

    def ticks(self) -> list[tuple[Decimal, str]]:
        """Values worth a label, on round numbers."""
        return _decades(self.low, self.high) if self.log else _rounds(self)


def _level(value: Decimal, *, log: bool) -> float:
    return float(value.log10()) if log else float(value)


def wants_log(values: Sequence[Decimal]) -> bool:
    """Whether the range asks for a logarithmic scale: viral loads and transcript ratios do."""
    positive = [value for value in values if value > 0]
    if len(positive) < 2 or any(value < 0 for value in values):  # noqa: PLR2004 (a range has two ends)
        return False
    return max(positive) / min(positive) > LOG_FROM


def value_axis(
    values: Sequence[Decimal], bottom: float, top: float, scale: Scale | None = None
) -> ValueAxis:
    """The axis that holds all values, ended on round numbers.

    A logarithmic scale that was asked for is not given to values of which none is above zero.
    """
    asked = wants_log(values) if scale is None else scale == "log"
    if asked and any(value > 0 for value in values):
        positive = [value for value in values if value > 0]
        return ValueAxis(
            _power_below(min(positive)), _power_above(max(positive)), bottom, top, log=True
        )
    lowest, highest = min(*values, Decimal(0)) if values else Decimal(0), max(values, default=_ONE)
    if highest <= lowest:
        highest = lowest + 1
    step = _step(highest - lowest)
    if all(value == value.to_integral_value() for value in values):
        step = max(step, _ONE)  # grades and scores have nothing in between
    low = (lowest / step).to_integral_value("ROUND_FLOOR") * step
    high = (highest * _ROOM / step).to_integral_value("ROUND_CEILING") * step
    return ValueAxis(low, high, bottom, top, log=False, step=step)


def _power_below(value: Decimal) -> Decimal:
    """The next lower power of ten, so that no value stands on the edge."""
    power = Decimal(10) ** value.adjusted()
    return power / 10 if value == power else power


def _power_above(value: Decimal) -> Decimal:
    """The next power of ten, or three of the one below if that already leaves room."""
    power = Decimal(10) ** value.adjusted()
    return power * 3 if value <= power * 2 else power * 10


def _step(span: Decimal) -> Decimal:
    """1, 2 or 5 times a power of ten, so that there are at most six of them."""
    unit = Decimal(10) ** (span.adjusted() - 1)
    return next(unit * many for many in (1, 2, 5, 10, 20, 50, 100) if span / (unit * many) <= 6)  # noqa: PLR2004


def _rounds(axis: ValueAxis) -> list[tuple[Decimal, str]]:
    values = [axis.low + n * axis.step for n in range(int((axis.high - axis.low) / axis.step) + 1)]
    return [(value, _label(value)) for value in values]


def _decades(low: Decimal, high: Decimal) -> list[tuple[Decimal, str]]:
    values = [Decimal(10) ** n for n in range(low.adjusted(), high.adjusted() + 1)]
    return [(value, _label(value)) for value in values if low <= value <= high]


def _label(value: Decimal) -> str:
    """A number for an axis; long ones as a power of ten."""
    if value >= _LONG_LABEL and value == Decimal(10) ** value.adjusted():
        return f"10{raised(str(value.adjusted()))}"
    return number(value.normalize() if value else Decimal(0))
