"""What an open grade may be at most: all that is known is used, and nothing is assumed."""

from __future__ import annotations

from decimal import Decimal

import pytest

from schemas.terminology.ctcae import Graded, LabValue, grade


def verdicts(analyte: str, value: str, unit: str, **said: str) -> dict[str, Graded]:
    numbers = {name: Decimal(number) for name, number in said.items() if name != "comparator"}
    result = LabValue(Decimal(value), unit, said.get("comparator"), **numbers)
    return {one.direction: one for one in grade(analyte, result, version=5)}


@pytest.mark.parametrize(
    ("value", "least", "most"),
    [("200", 0, 1), ("74", 2, 2), ("49", 3, 3), ("24", 4, 4)],
)
def test_absolute_limits_close_what_a_missing_range_leaves_open(
    value: str, least: int, most: int
) -> None:
    low = verdicts("platelets", value, "10*9/L")["low"]
    assert (low.at_least, low.at_most) == (least, most)


def test_a_grade_that_is_known_is_its_own_bound() -> None:
    low = verdicts("platelets", "100", "10*9/L", low="150", high="400")["low"]
    assert (low.grade, low.at_least, low.at_most) == (1, 1, 1)


def test_a_missing_upper_limit_lies_beyond_the_lower_one() -> None:
    """Haemoglobin of 76 can't be increased; the grade itself stays open, as it was published."""
    high = verdicts("hemoglobin", "76", "g/L", low="120")["high"]
    assert (high.grade, high.at_most) == (None, 0)
    assert verdicts("hemoglobin", "76", "g/L")["high"].at_most == 3
    assert verdicts("hemoglobin", "170", "g/L", low="120")["high"].at_most == 3
    assert verdicts("hemoglobin", "159", "g/L", low="120")["high"].at_most == 2


def test_a_missing_lower_limit_lies_below_the_upper_one() -> None:
    low = verdicts("platelets", "500", "10*9/L", high="400")["low"]
    assert (low.grade, low.at_most) == (None, 0)


def test_a_wrong_unit_leaves_all_open() -> None:
    assert verdicts("alt", "400", "mg/dL")["high"].at_most in {0, 4}


def test_without_a_range_a_ratio_may_be_anything() -> None:
    assert verdicts("alt", "400", "U/L")["high"].at_most == 4
