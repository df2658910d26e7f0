"""Days, months and instants (catalogue C1)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from services.detector.engine.instants import (
    US_PER_DAY,
    US_PER_SECOND,
    add_months,
    day_of,
    end_of,
    instant,
    moment,
)


@pytest.mark.parametrize(
    ("start", "months", "wanted"),
    [
        ("2020-02-29", 24, "2022-02-28"),  # the catalogue's own example
        ("2020-02-29", 48, "2024-02-29"),
        ("2022-01-31", 1, "2022-02-28"),
        ("2022-01-31", 13, "2023-02-28"),
        ("2022-08-31", 6, "2023-02-28"),
        ("2022-12-15", 1, "2023-01-15"),
        ("2022-03-31", -1, "2022-02-28"),
        ("2022-01-15", -1, "2021-12-15"),
        ("2022-01-15", 0, "2022-01-15"),
    ],
)
def test_calendar_months_are_clamped(start: str, months: int, wanted: str) -> None:
    found = add_months(date.fromisoformat(start).toordinal(), months)
    assert date.fromordinal(found).isoformat() == wanted


def test_six_months_and_one_are_not_seven() -> None:
    start = date(2022, 8, 31).toordinal()
    assert add_months(add_months(start, 6), 1) != add_months(start, 7)


def test_a_bare_date_stands_at_its_first_moment() -> None:
    assert instant(date(1970, 1, 2)) == US_PER_DAY
    assert instant(datetime(1970, 1, 2, tzinfo=UTC)) == US_PER_DAY


def test_an_instant_and_its_moment_are_one() -> None:
    local = datetime(2024, 3, 1, 1, 30, 0, 123456, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    assert moment(instant(local)) == local
    assert date.fromordinal(day_of(instant(local))) == date(2024, 2, 29)


def test_the_last_second_of_a_day_is_still_that_day() -> None:
    today = date(2024, 2, 29).toordinal()
    assert moment(end_of(today)) == datetime(2024, 2, 29, 23, 59, 59, tzinfo=UTC)
    assert day_of(end_of(today)) == today
    assert day_of(end_of(today) + US_PER_SECOND) == today + 1


def test_instants_before_1970_have_days_too() -> None:
    assert date.fromordinal(day_of(instant(date(1955, 5, 5)))) == date(1955, 5, 5)
