"""Rotas: who has a duty at an instant, and when nobody has. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple, Protocol

from services.notifier.hours.local import instant_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from zoneinfo import ZoneInfo

    from services.notifier.roster.model import Swap, WeeklyShift

_MOMENT = timedelta(seconds=1)


class Shift(NamedTuple):
    """A member's duty from an instant until before another, both UTC."""

    begin: datetime
    end: datetime
    member: str


class Calendar(Protocol):
    """Anything that knows shifts."""

    def between(self, begin: datetime, end: datetime) -> Iterable[Shift]:
        """The shifts that overlap a period."""
        ...


@dataclass(frozen=True, slots=True)
class Always:
    """One member, at any hour."""

    member: str

    def between(self, begin: datetime, end: datetime) -> Iterator[Shift]:
        """One shift."""
        yield Shift(begin - _MOMENT, end + _MOMENT, self.member)


@dataclass(frozen=True, slots=True)
class Weekly:
    """The same shifts every week, by local time."""

    shifts: tuple[WeeklyShift, ...]
    zone: ZoneInfo

    def between(self, begin: datetime, end: datetime) -> Iterator[Shift]:
        """The shifts that overlap a period."""
        day = begin.astimezone(self.zone).date() - timedelta(days=1)
        while day <= end.astimezone(self.zone).date():
            yield from (one for one in self._of(day) if one.begin < end and begin < one.end)
            day += timedelta(days=1)

    def _of(self, day: date) -> Iterator[Shift]:
        for one in self.shifts:
            if day.weekday() in one.days:
                last = day + timedelta(days=one.end <= one.begin)
                until = instant_of(last, one.end, self.zone)
                yield Shift(instant_of(day, one.begin, self.zone), until, one.member)


@dataclass(frozen=True, slots=True)
class Rota:
    """A calendar with the swaps that go before it."""

    calendar: Calendar
    swaps: tuple[Swap, ...]
    zone: ZoneInfo

    def member_at(self, at: datetime) -> str | None:
        """Who has the duty; None when nobody has.

        A swap goes first; of shifts that overlap at a change, the one that began last.
        """
        until = at + _MOMENT
        for shifts in (self._swapped(at, until), self.calendar.between(at, until)):
            now = [one for one in shifts if one.begin <= at < one.end]
            if now:
                return max(now).member
        return None

    def gaps(self, begin: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
        """The parts of a period in which nobody has the duty."""
        shifts = [*self._swapped(begin, end), *self.calendar.between(begin, end)]
        covered = begin
        for one in sorted(shifts):
            if one.begin > covered:
                yield covered, min(one.begin, end)
            covered = max(covered, one.end)
            if covered >= end:
                return
        yield covered, end

    def changes(self, begin: datetime, end: datetime) -> Iterator[tuple[datetime, str, str]]:
        """When the duty passes from one member to another: the instant, from, to."""
        shifts = [*self._swapped(begin, end), *self.calendar.between(begin, end)]
        edges = {edge for one in shifts for edge in (one.begin, one.end)}
        for at in sorted(edge for edge in edges if begin < edge <= end):
            before, after = self.member_at(at - _MOMENT), self.member_at(at)
            if before is not None and after is not None and before != after:
                yield at, before, after

    def _swapped(self, begin: datetime, end: datetime) -> Iterator[Shift]:
        for one in self.swaps:
            first = instant_of(one.begin.date(), one.begin.time(), self.zone)
            last = instant_of(one.end.date(), one.end.time(), self.zone)
            if first < end and begin < last:
                yield Shift(first, last, one.member)


def as_instant(value: date, zone: ZoneInfo) -> datetime:
    """A calendar's time as an instant; without an hour the day's first, without a zone `zone`'s."""
    if not isinstance(value, datetime):
        return instant_of(value, datetime.min.time(), zone)
    if value.tzinfo is None:
        return instant_of(value.date(), value.time(), zone)
    return value.astimezone(UTC)
