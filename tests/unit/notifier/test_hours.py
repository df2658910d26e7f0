"""Local time on ordinary and on odd nights: Zurich, Lord Howe Island, a day that was skipped."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifier.hours.local import instant_of, next_local
from services.notifier.hours.quiet import QuietHours

ZURICH = ZoneInfo("Europe/Zurich")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")
APIA = ZoneInfo("Pacific/Apia")
SPRING, AUTUMN = date(2026, 3, 29), date(2026, 10, 25)
NIGHT = QuietHours(time(22), time(7))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("day", "at", "zone", "expected"),
    [
        (date(2026, 1, 5), time(7, 30), ZURICH, "2026-01-05T06:30"),
        (date(2026, 7, 5), time(7, 30), ZURICH, "2026-07-05T05:30"),
        (SPRING, time(1, 59), ZURICH, "2026-03-29T00:59"),
        (SPRING, time(2, 0), ZURICH, "2026-03-29T01:00"),
        (SPRING, time(2, 30), ZURICH, "2026-03-29T01:00"),
        (SPRING, time(3, 0), ZURICH, "2026-03-29T01:00"),
        (AUTUMN, time(2, 30), ZURICH, "2026-10-25T00:30"),
        (AUTUMN, time(3, 0), ZURICH, "2026-10-25T02:00"),
        # Half an hour: forward at 2:00 on 4 October, back at 2:00 on 5 April.
        (date(2026, 10, 4), time(2, 15), LORD_HOWE, "2026-10-03T15:30"),
        (date(2026, 10, 4), time(2, 30), LORD_HOWE, "2026-10-03T15:30"),
        (date(2026, 4, 5), time(1, 45), LORD_HOWE, "2026-04-04T14:45"),
        (date(2026, 4, 5), time(2, 0), LORD_HOWE, "2026-04-04T15:30"),
        # Samoa went from 29 to 31 December 2011.
        (date(2011, 12, 30), time(12), APIA, "2011-12-30T10:00"),
    ],
)
def test_the_instant_of_a_local_time(day: date, at: time, zone: ZoneInfo, expected: str) -> None:
    assert instant_of(day, at, zone) == utc(expected)


@pytest.mark.parametrize(
    ("evening", "hours"), [(date(2026, 6, 1), 9), (date(2026, 3, 28), 8), (date(2026, 10, 24), 10)]
)
def test_a_night_has_the_hours_that_it_has(evening: date, hours: int) -> None:
    begin = instant_of(evening, time(22), ZURICH)
    end = NIGHT.until(begin, ZURICH)
    assert end is not None
    assert end - begin == timedelta(hours=hours)


def test_the_first_moment_is_quiet_and_the_last_is_not() -> None:
    begin, end = utc("2026-06-01T20:00"), utc("2026-06-02T05:00")
    tick = timedelta(microseconds=1)
    assert NIGHT.until(begin, ZURICH) == end == NIGHT.until(end - tick, ZURICH)
    assert NIGHT.until(begin - tick, ZURICH) is None
    assert NIGHT.until(end, ZURICH) is None


def test_quiet_hours_may_lie_in_a_day() -> None:
    noon = QuietHours(time(12), time(14))
    assert noon.until(utc("2026-06-01T10:30"), ZURICH) == utc("2026-06-01T12:00")
    assert noon.until(utc("2026-06-01T09:30"), ZURICH) is None


def test_quiet_hours_that_end_in_a_repeated_hour_end_once() -> None:
    early = QuietHours(time(22), time(2, 30))
    assert early.until(utc("2026-10-25T00:15"), ZURICH) == utc("2026-10-25T00:30")
    assert early.until(utc("2026-10-25T01:15"), ZURICH) is None, "2:15 for the second time"


def test_quiet_hours_that_end_in_a_skipped_hour_end_with_the_switch() -> None:
    early = QuietHours(time(22), time(2, 30))
    assert early.until(utc("2026-03-29T00:30"), ZURICH) == utc("2026-03-29T01:00")


def test_quiet_hours_are_the_recipients_own() -> None:
    at = utc("2026-06-01T21:00")
    assert NIGHT.until(at, ZURICH) is not None
    assert NIGHT.until(at, ZoneInfo("America/New_York")) is None


ZONES = st.sampled_from([ZURICH, LORD_HOWE, ZoneInfo("America/St_Johns"), ZoneInfo("UTC")])
INSTANTS = st.datetimes(datetime(2025, 1, 1), datetime(2028, 1, 1)).map(  # noqa: DTZ001 - made UTC
    lambda at: at.replace(tzinfo=UTC)
)
TIMES = st.builds(time, st.integers(0, 23), st.sampled_from([0, 15, 30, 45]))


@given(INSTANTS, TIMES, TIMES, ZONES)
def test_the_end_of_quiet_hours_is_not_quiet_and_less_than_a_day_and_a_bit_away(
    at: datetime, begin: time, end: time, zone: ZoneInfo
) -> None:
    quiet = QuietHours(begin, end)
    until = quiet.until(at, zone)
    if until is not None and begin != end:
        assert at < until <= at + timedelta(hours=25)
        assert quiet.until(until, zone) is None


@given(INSTANTS, TIMES, ZONES)
def test_a_local_time_is_met_once_in_every_day(at: datetime, due: time, zone: ZoneInfo) -> None:
    first = next_local(due, zone, at)
    second = next_local(due, zone, first)
    assert at < first <= at + timedelta(hours=26)
    days = second.astimezone(zone).date() - first.astimezone(zone).date()
    assert days == timedelta(days=1)
