"""Result texts and reference ranges, as laboratories print them."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.events import Comparator
from schemas.terminology.results import Kind, Range, Result, parse_range, parse_result, upper_limit

# u.parse of the catalogue and ours: text, kind, number, detected
PARSED: list[tuple[str, Kind, str | None, bool | None]] = [
    ("<20", Kind.LEFT, "20", None),  # C3-1
    ("<20 detected", Kind.LEFT, "20", True),  # C3-2
    ("DETECTED <20", Kind.LEFT, "20", True),
    ("Detected, <20", Kind.LEFT, "20", True),
    ("Target not detected", Kind.NOT_DETECTED, "0", False),  # C3-4
    ("TND", Kind.NOT_DETECTED, "0", False),  # C3-5
    ("Not detected", Kind.NOT_DETECTED, "0", False),
    ("Undetected", Kind.NOT_DETECTED, "0", False),
    ("Not detected (<20)", Kind.NOT_DETECTED, "0", False),
    ("<20 not detected", Kind.NOT_DETECTED, "0", False),
    ("1,250", Kind.EXACT, "1250", True),  # C3-7
    ("1,234,567.5", Kind.EXACT, "1234567.5", True),
    ("1.30E+02", Kind.EXACT, "130", True),  # C3-9
    ("  7.0 ", Kind.EXACT, "7.0", True),
    (">10000000", Kind.RIGHT, "10000000", True),
    (">= 1000", Kind.RIGHT, "1000", True),
    ("<= 20", Kind.LEFT, "20", None),
    ("\N{LESS-THAN OR EQUAL TO}20", Kind.LEFT, "20", None),
    ("< 1.30 log", Kind.LEFT, "1.30", None),
    ("<1.3 log (<20)", Kind.LEFT, "1.3", None),
    (">7.00 log10", Kind.RIGHT, "7.00", True),
    ("0", Kind.EXACT, "0", None),
    ("-16.8", Kind.EXACT, "-16.8", None),
    ("2+", Kind.INVALID, None, None),  # C3-10
    ("hemolyzed", Kind.INVALID, None, None),  # C3-11
    ("trace", Kind.INVALID, None, None),
    ("scanty", Kind.INVALID, None, None),
    ("positive", Kind.INVALID, None, None),
    ("QNS", Kind.INVALID, None, None),
    ("see note", Kind.INVALID, None, None),
    ("", Kind.INVALID, None, None),
    ("ND", Kind.INVALID, None, None),
    ("detected", Kind.INVALID, None, None),
    ("1,25", Kind.INVALID, None, None),
    ("1.250,5", Kind.INVALID, None, None),
    ("0,250", Kind.INVALID, None, None),
    ("1 250", Kind.INVALID, None, None),
    ("1 250/uL", Kind.INVALID, None, None),
    ("1 100", Kind.INVALID, None, None),
    ("1 1", Kind.INVALID, None, None),
    ("12 - 14", Kind.INVALID, None, None),
    ("NaN", Kind.INVALID, None, None),
    ("Infinity", Kind.INVALID, None, None),
    ("1e99", Kind.INVALID, None, None),
    ("123456789012345678901234567890", Kind.INVALID, None, None),
    ("<", Kind.INVALID, None, None),
    ("20 (was 25)", Kind.INVALID, None, None),
    ("5" * 81, Kind.INVALID, None, None),
]


@pytest.mark.parametrize(("text", "kind", "number", "detected"), PARSED)
def test_result_texts(text: str, kind: Kind, number: str | None, detected: bool | None) -> None:  # noqa: FBT001
    got = parse_result(text)
    assert got.kind is kind
    assert got.number == (None if number is None else Decimal(number))
    assert got.detected is detected


@pytest.mark.parametrize(
    ("text", "unit", "logarithmic"),
    [
        ("<20 copies/mL", "{copies}/mL", False),
        ("3.40 log copies/mL", "{log_copies}/mL", True),
        ("<1.30 log [IU]/mL", "{log_IU}/mL", True),
        ("2.1 log IU/mL", "{log_IU}/mL", True),
        ("1.4 mg/dL", "mg/dL", False),
        ("<1.30 log", None, True),
        ("12", None, False),
        ("4.2 10*3/uL", "10*3/uL", False),
        ("4.2 x10^9/L", "10*9/L", False),
    ],
)
def test_units_behind_the_number(text: str, unit: str | None, logarithmic: bool) -> None:  # noqa: FBT001
    got = parse_result(text)
    assert (got.unit, got.logarithmic) == (unit, logarithmic)


def test_the_comparator_is_kept() -> None:
    assert parse_result("<20").comparator is Comparator.LESS
    assert parse_result("<=20").comparator is Comparator.LESS_OR_EQUAL
    assert parse_result(">=20 detected").comparator is Comparator.GREATER_OR_EQUAL
    assert parse_result("20").comparator is None


# u.compare of the catalogue and ours
COMPARED: list[tuple[str, str, str, bool | None]] = [
    ("<20", "<", "50", True),  # C3-13
    ("<20", "<", "20", True),
    ("<20", "<", "10", None),  # C3-15
    ("<20", ">=", "20", False),  # C3-16
    ("<20", "<=", "0", None),
    ("<20", ">=", "0", True),
    ("<20", "<", "0", False),
    ("TND", "<", "1", True),
    ("TND", ">", "0", False),
    (">10000000", ">", "1000", True),
    (">10000000", ">", "10000000", True),  # C3-19
    (">10000000", ">", "20000000", None),  # C3-20
    (">=100", ">", "100", None),
    (">=100", ">=", "100", True),
    (">100", "<=", "100", False),
    ("<=20", ">=", "20", None),  # C3-21
    ("<=20", ">", "20", False),
    ("20", ">=", "20", True),
    ("20", ">", "20", False),
    ("20", "<", "20", False),
    ("20", "<=", "20", True),
    ("<1.30 log", "<", "-1", None),
    ("2+", "<", "5", None),
]


@pytest.mark.parametrize(("text", "operator", "limit", "expected"), COMPARED)
def test_comparisons_have_three_answers(
    text: str,
    operator: str,
    limit: str,
    expected: bool | None,  # noqa: FBT001
) -> None:
    assert parse_result(text).compare(operator, Decimal(limit)) is expected


@given(
    st.sampled_from(["", "<", "<=", ">", ">="]),
    st.integers(0, 20),
    st.sampled_from(["<", "<=", ">", ">="]),
    st.integers(-1, 21),
)
def test_an_answer_holds_for_every_value_that_the_text_allows(
    sign: str, number: int, operator: str, limit: int
) -> None:
    """The oracle: try all quarter steps that the text allows; mixed answers are unknown."""
    tests = {"<": Decimal.__lt__, "<=": Decimal.__le__, ">": Decimal.__gt__, ">=": Decimal.__ge__}
    steps = [Decimal(n) / 4 for n in range(101)]
    allowed = [x for x in steps if (tests[sign](x, Decimal(number)) if sign else x == number)]
    answers = {tests[operator](x, Decimal(limit)) for x in allowed}
    got = parse_result(f"{sign}{number}").compare(operator, Decimal(limit))
    if allowed:  # `<0` allows nothing
        assert got is (answers.pop() if len(answers) == 1 else None)


@given(st.text(max_size=100))
def test_no_text_makes_the_reader_stumble(text: str) -> None:
    got = parse_result(text)
    assert isinstance(got, Result)
    assert (got.kind is Kind.INVALID) == (got.number is None)
    parse_range(text, "male")


@given(st.decimals(min_value=0, max_value=10**9, places=3))
def test_a_printed_number_comes_back(value: Decimal) -> None:
    assert parse_result(str(value)).number == value
    assert parse_result(f"{value:,}").number == value


# ranges: text, sex, low, high
RANGES: list[tuple[str | None, str | None, str | None, str | None]] = [
    ("10-40", None, "10", "40"),
    ("10 - 40", None, "10", "40"),
    ("10 to 40", None, "10", "40"),
    ("10\N{EN DASH}40", None, "10", "40"),
    ("(10-40)", None, "10", "40"),
    ("10-40 U/L", None, "10", "40"),
    ("-2-3", None, "-2", "3"),
    ("0.0 - 1.2", None, "0.0", "1.2"),  # C5-8
    ("<40", None, None, "40"),  # C5-2
    ("<=40", None, None, "40"),
    (">60", None, "60", None),
    (">=60 mL/min/1.73m2", None, "60", None),
    ("M: 10-50 F: 10-35", "male", "10", "50"),
    ("M: 10-50 F: 10-35", "female", "10", "35"),
    ("Male: <50; Female: <35", "female", None, "35"),
    ("1,000-2,500", None, "1000", "2500"),
]


@pytest.mark.parametrize(("text", "sex", "low", "high"), RANGES)
def test_reference_ranges(
    text: str | None, sex: str | None, low: str | None, high: str | None
) -> None:
    expected = Range(Decimal(low) if low else None, Decimal(high) if high else None)
    assert parse_range(text, sex) == expected


@pytest.mark.parametrize(
    ("text", "sex"),
    [
        (None, None),
        ("", None),
        ("Negative", None),  # C5-9
        ("M: 10-50 F: 10-35", None),  # C5-5
        ("M: 10-50 F: 10-35", "other"),
        ("adults M: 10-50", "male"),
        ("40-10", None),
        ("10-40-50", None),
        ("10-40 (fasting)", None),
        ("40", None),
        ("1,5-2,5", None),
        ("9" * 90, None),
    ],
)
def test_what_is_no_range(text: str | None, sex: str | None) -> None:
    assert parse_range(text, sex) is None


@pytest.mark.parametrize(
    ("text", "sex", "configured", "expected"),
    [
        ("<40", None, None, "40"),  # C5-2
        ("M: 10-50 F: 10-35", None, None, None),  # C5-5
        (None, "male", {"male": Decimal(50), "female": Decimal(35)}, "50"),  # C5-6
        (None, None, None, None),  # C5-7
        (None, None, {"male": Decimal(50)}, None),
        (None, "female", {"male": Decimal(50)}, None),
        ("0.0 - 1.2", None, None, "1.2"),  # C5-8
        ("Negative", None, None, None),  # C5-9
        ("10-40", "male", {"male": Decimal(50)}, "40"),
        (">60", "male", {"male": Decimal(50)}, None),
    ],
)
def test_upper_limits(
    text: str | None,
    sex: str | None,
    configured: dict[str, Decimal] | None,
    expected: str | None,
) -> None:
    got = upper_limit(text, sex=sex, configured=configured)
    assert got == (None if expected is None else Decimal(expected))
