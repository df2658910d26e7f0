"""Words: no date can be misread, no unit reads like source code, no time left is off by one."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from schemas.alerts import Kind, Role, Severity, State
from services.notifier.inbox import words

NOW = datetime(2024, 6, 29, 23, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("HIV RNA 26000 {copies}/mL", "HIV RNA 26000 copies/mL"),
        ("96.0 [arb'U]/mL", "96.0 U/mL"),
        ("0.42 10*9/L", "0.42 \u00d710⁹/L"),
        ("80 mL/min/{1.73_m2}", "80 mL/min/1.73 m²"),
        ("50 ug/L", "50 µg/L"),
        ("320 /uL", "320 /µL"),
        ("3.41 {log_copies}/mL", "3.41 log₁₀ copies/mL"),
        ("a lung lesion of 3 mm", "a lung lesion of 3 mm"),
    ],
)
def test_units_as_people_write_them(text: str, read: str) -> None:
    assert words.readable(text) == read


def test_days_in_a_sentence_are_written_out() -> None:
    assert words.prose("PSA of 2024-06-29, not 2024-13-45") == "PSA of 29 Jun 2024, not 2024-13-45"


@pytest.mark.parametrize(
    ("until", "days", "said"),
    [
        (date(2024, 6, 29), 0, "today"),
        (date(2024, 6, 30), 1, "1 day left"),
        (date(2024, 7, 11), 12, "12 days left"),
        (date(2024, 6, 26), -3, "3 days past"),
        (datetime(2024, 6, 30, 0, 10, tzinfo=UTC), 1, "1 day left"),
        (None, None, "no date"),
    ],
)
def test_the_time_that_is_left(until: date | None, days: int | None, said: str) -> None:
    assert words.left(until, NOW) == days
    assert words.left_words(days) == said


def test_a_bare_date_gets_no_hour() -> None:
    assert words.moment(date(2024, 6, 29)) == "29 Jun 2024"
    assert words.moment(NOW) == "29 Jun 2024, 23:30 UTC"


def test_numbers_keep_the_digits_that_the_laboratory_gave() -> None:
    assert words.number(Decimal("6.40")) == "6.40"
    assert words.number(Decimal("1E+5")) == "100\u202f000"


@pytest.mark.parametrize(
    ("text", "brief"),
    [
        ("7585.775750291837687537667467", "≈ 7585.78"),
        ("0.625", "0.625"),
        ("100000", "100000"),
        ("<0.01", "<0.01"),
        ("unit not known", "unit not known"),
    ],
)
def test_a_worked_out_number_is_shown_without_digits_that_nobody_measured(
    text: str, brief: str
) -> None:
    assert words.brief(text) == brief


def test_everything_has_a_word() -> None:
    assert set(words.SEVERITIES) == set(Severity)
    assert set(words.STATES) == set(State)
    assert set(words.KINDS) == set(Kind)
    assert set(words.ROLES) == set(Role)
    assert set(words.CONFIDENCE) == {"H", "C", "CHOICE", "E"}
