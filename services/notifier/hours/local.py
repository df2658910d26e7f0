"""Local times and instants.

A local time that does not exist, because clocks go forward over it, stands for the instant at which
they do. One that exists twice stands for its first occurrence.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

_SECOND = timedelta(seconds=1)


def instant_of(day: date, at: time, zone: ZoneInfo) -> datetime:
    """The instant of a local time, in UTC."""
    local = datetime.combine(day, at.replace(fold=0), tzinfo=zone)
    instant = local.astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None):
        return instant
    return _switch(instant, local.replace(fold=1).astimezone(UTC), zone)


def _switch(one: datetime, other: datetime, zone: ZoneInfo) -> datetime:
    """The instant between two at which the clocks go forward, to the second."""
    before, after = min(one, other), max(one, other)
    old = before.astimezone(zone).utcoffset()
    while after - before > _SECOND:
        middle = before + (after - before) // 2
        middle -= timedelta(microseconds=middle.microsecond)
        middle = max(middle, before + _SECOND)
        before, after = (
            (middle, after) if middle.astimezone(zone).utcoffset() == old else (before, middle)
        )
    return after


def next_local(at: time, zone: ZoneInfo, after: datetime) -> datetime:
    """The first instant later than `after` at which the local time is `at`, in UTC.

    A time that exists twice in a night is met once.
    """
    day = after.astimezone(zone).date()
    days = (day + timedelta(days=each) for each in (-1, 0, 1, 2))
    return next(found for each in days if (found := instant_of(each, at, zone)) > after)
