"""iCalendar files (RFC 5545) as rotas: recurrences, exceptions, overrides and zones included.

An event is a shift of the member whose id is its SUMMARY. Cancelled and transparent events (STATUS
and TRANSP) are no shifts. Recurrences are worked out by the library `recurring-ical-events`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import icalendar
import recurring_ical_events

from services.notifier.roster.rotas import Shift, as_instant
from services.runtime.yamltext import Mistake

if TYPE_CHECKING:
    from collections.abc import Iterator
    from zoneinfo import ZoneInfo


@dataclass(slots=True)
class ICalendar:
    """One calendar. Months once worked out are remembered; that changes no answer."""

    calendar: icalendar.Calendar
    zone: ZoneInfo
    _months: dict[tuple[int, int], tuple[Shift, ...]] = field(default_factory=dict)

    def between(self, begin: datetime, end: datetime) -> Iterator[Shift]:
        """The shifts that overlap a period, each once."""
        seen: set[Shift] = set()
        for month in _months(begin, end):
            for one in self._in(month):
                if one.begin < end and begin < one.end and one not in seen:
                    seen.add(one)
                    yield one

    def _in(self, month: tuple[int, int]) -> tuple[Shift, ...]:
        if month not in self._months:
            begin = datetime(*month, 1, tzinfo=UTC)
            query = recurring_ical_events.of(self.calendar)
            found = query.between(begin, _next_month(begin))
            self._months[month] = tuple(sorted(filter(None, map(self._shift, found))))
        return self._months[month]

    def _shift(self, event: Any) -> Shift | None:
        if not is_duty(event):
            return None
        begin = as_instant(event["DTSTART"].dt, self.zone)
        return Shift(begin, as_instant(event["DTEND"].dt, self.zone), member_of(event))


def read_calendar(
    text: str, file: str, zone: ZoneInfo, members: frozenset[str]
) -> ICalendar | list[Mistake]:
    """Read a calendar whose events name members.

    Returns:
        The calendar; or its mistakes, each at the line that begins the event, or the name in it.
    """
    try:
        calendar = icalendar.Calendar.from_ical(text)
    except (ValueError, IndexError, KeyError):
        return [Mistake(file, 1, 1, "expected an iCalendar file (BEGIN:VCALENDAR)")]
    if not isinstance(calendar, icalendar.Calendar):
        return [Mistake(file, 1, 1, "expected one calendar")]
    places = _event_lines(text)
    events = calendar.walk("VEVENT")
    mistakes = [
        Mistake(file, line, 1, problem)
        for event, line in zip(events, places, strict=True)
        if (problem := _problem(event, members)) is not None
    ]
    if not mistakes and not _works(calendar):
        mistakes.append(Mistake(file, 1, 1, "a recurrence that can't be worked out"))
    return mistakes or ICalendar(calendar, zone)


def is_duty(event: Any) -> bool:
    """Whether an event is a shift."""
    off = str(event.get("STATUS", "")).upper() == "CANCELLED"
    return not off and str(event.get("TRANSP", "")).upper() != "TRANSPARENT"


def member_of(event: Any) -> str:
    """The id that an event names."""
    return str(event.get("SUMMARY", "")).strip()


def _problem(event: Any, members: frozenset[str]) -> str | None:
    if event.errors:
        return f"{event.errors[0][0]}: not as RFC 5545 writes it"
    if "DTSTART" not in event:
        return "an event without DTSTART"
    if "DTEND" not in event and "DURATION" not in event:
        return "an event without DTEND or DURATION"
    if is_duty(event) and member_of(event) not in members:
        return "SUMMARY: expected the id of a member of one of the teams"
    return None


def _works(calendar: icalendar.Calendar) -> bool:
    begin = datetime(2020, 1, 1, tzinfo=UTC)
    try:
        recurring_ical_events.of(calendar).between(begin, begin + timedelta(days=1))
    except Exception:  # noqa: BLE001 - the library's errors have no common base
        return False
    return True


def _event_lines(text: str) -> list[int]:
    lines = enumerate(text.splitlines(), 1)
    return [at for at, line in lines if line.strip().upper() == "BEGIN:VEVENT"]


def _months(begin: datetime, end: datetime) -> Iterator[tuple[int, int]]:
    at = begin.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    while at < end:
        yield at.year, at.month
        at = _next_month(at)


def _next_month(at: datetime) -> datetime:
    return (at.replace(day=1) + timedelta(days=32)).replace(day=1)
