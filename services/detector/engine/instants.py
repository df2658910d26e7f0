"""Time arithmetic without a clock (catalogue C1).

A day is its proleptic ordinal (`date.toordinal`), an instant is microseconds since 1970 in UTC.
Intervals in days are whole-day differences; months are calendar months, clamped.
"""

from __future__ import annotations

import calendar
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from schemas.partial import PartialDate

US_PER_SECOND = 1_000_000
US_PER_MINUTE = 60 * US_PER_SECOND
US_PER_HOUR = 60 * US_PER_MINUTE
US_PER_DAY = 24 * US_PER_HOUR
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY = _EPOCH.toordinal()
_MICROSECOND = timedelta(microseconds=1)


class Span(NamedTuple):
    """A day of which only is known between which two, both included, it lies."""

    first: int
    last: int


When = int | Span
"""A day, or what is known of it."""


def days_of(when: date | datetime | PartialDate) -> When:
    """The day of a clinical time as its source writes it; of a month or year, all of its days."""
    if isinstance(when, PartialDate):
        return Span(when.first.toordinal(), when.last.toordinal())
    return when.toordinal()


def earliest(when: When) -> int:
    """The first day that it may be."""
    return when.first if isinstance(when, Span) else when


def latest(when: When) -> int:
    """The last day that it may be."""
    return when.last if isinstance(when, Span) else when


def instant(when: date | datetime) -> int:
    """Microseconds since 1970, UTC. A bare date stands at its first moment."""
    days = when.toordinal() - _EPOCH_DAY
    if not isinstance(when, datetime):
        return days * US_PER_DAY
    if when.tzinfo is not UTC:
        return (when - _EPOCH) // _MICROSECOND
    # By far the commonest case, and three times as fast as a subtraction of date-times.
    seconds = days * 86_400 + when.hour * 3_600 + when.minute * 60 + when.second
    return seconds * US_PER_SECOND + when.microsecond


def moment(microseconds: int) -> datetime:
    """The aware UTC date-time of an instant."""
    return _EPOCH + timedelta(microseconds=microseconds)


def day_of(microseconds: int) -> int:
    """The UTC day of an instant."""
    return microseconds // US_PER_DAY + _EPOCH_DAY


def end_of(day: int) -> int:
    """The last second of a day: what is known by then counts as known on that day."""
    return (day - _EPOCH_DAY + 1) * US_PER_DAY - US_PER_SECOND


def add_months(day: int, months: int) -> int:
    """A day so many calendar months away, clamped to the month's end.

    2020-02-29 + 24 months = 2022-02-28 (catalogue C1).
    """
    start = date.fromordinal(day)
    index = start.year * 12 + start.month - 1 + months
    year, month = divmod(index, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(start.day, last)).toordinal()
