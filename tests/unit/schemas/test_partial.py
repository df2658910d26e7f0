"""Dates known only to the month or the year: read, written, never filled in."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from pydantic import ValidationError

from schemas.base import as_utc, parse_effective_time
from schemas.events import EVENT
from schemas.partial import PartialDate, read_partial


def test_a_month_and_a_year_are_all_of_their_days() -> None:
    leap, year = PartialDate(2024, 2), PartialDate(2023)
    assert (leap.first, leap.last) == (date(2024, 2, 1), date(2024, 2, 29))
    assert (year.first, year.last) == (date(2023, 1, 1), date(2023, 12, 31))


@pytest.mark.parametrize("text", ["2023", "2023-05", "2023-12"])
def test_it_is_written_as_it_was_read(text: str) -> None:
    assert read_partial(text).isoformat() == str(read_partial(text)) == text


@pytest.mark.parametrize("text", ["2023-13", "2023-00", "2023-5", "23", "2023-", "1849", "2200-01"])
def test_what_is_no_month_is_refused_without_quoting_it(text: str) -> None:
    with pytest.raises(ValueError, match=r"expected|outside") as refused:
        parse_effective_time(text)
    assert text not in str(refused.value)


def test_a_whole_date_stays_what_it_was() -> None:
    assert parse_effective_time("2023-05-10") == date(2023, 5, 10)
    moment = parse_effective_time("2023-05-10T08:00:00Z")
    assert moment == datetime(2023, 5, 10, 8, tzinfo=UTC)


def test_among_other_times_it_stands_at_its_first_moment() -> None:
    assert as_utc(PartialDate(2023, 5)) == datetime(2023, 5, 1, tzinfo=UTC)


def test_an_event_carries_it_there_and_back() -> None:
    event = EVENT.validate_python(_fields(effective_at="2023-05"))
    assert event.effective_at == PartialDate(2023, 5)
    assert EVENT.validate_json(event.to_json()) == event


@pytest.mark.parametrize("field", ["issued_at", "deceased_at"])
def test_other_times_of_an_event_need_their_day(field: str) -> None:
    with pytest.raises(ValidationError):
        EVENT.validate_python(_fields(effective_at="2023-05-10") | {field: "2023-05"})


def _fields(effective_at: str) -> dict[str, str]:
    return {
        "type": "patient",
        "event_id": "E1",
        "patient_id": "HOSP|1",
        "source": "LAB",
        "effective_at": effective_at,
    }
