"""Exact decimals: what is read, what is refused, and that the short way reads as the long one."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation, localcontext

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from schemas.base import MAX_DIGITS, MAX_EXPONENT, parse_number

NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?")


def by_all_checks(value: object) -> Decimal:
    """As every number was read before plain ones had a shorter way."""
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        raise ValueError("expected a decimal number")  # noqa: TRY004
    if isinstance(value, float):
        lost = "a binary float has lost the laboratory's digits; send text or a decimal"
        raise ValueError(lost)  # noqa: TRY004
    text = str(value)
    if len(text) > 4 * MAX_DIGITS or not NUMBER.fullmatch(text):
        raise ValueError("expected a decimal number")
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise ValueError("expected a decimal number") from None
    if len(number.as_tuple().digits) > MAX_DIGITS or abs(number.adjusted()) > MAX_EXPONENT:
        raise ValueError(f"more than {MAX_DIGITS} digits, or beyond 10**±{MAX_EXPONENT}")
    return number


def outcome(read: object, value: object) -> object:
    """Sign, digits and exponent, for 1.0 is not 1.00; or what is said against it."""
    assert callable(read)
    try:
        return read(value).as_tuple()
    except ValueError as error:
        return str(error)


digits = st.text("0123456789", min_size=0, max_size=20)
written = st.builds("".join, st.tuples(st.sampled_from(["", "-", "+"]), digits))
written |= st.builds(lambda whole, part: f"{whole}.{part}", written, digits)
written |= st.builds(lambda text, power: f"{text}e{power}", written, st.integers(-1100, 1100))
anything = st.one_of(
    written,
    st.text("0123456789.-+eE \n,_٣²", max_size=24),
    st.text(max_size=6),
    st.integers(),
    st.floats(),
    st.booleans(),
    st.none(),
    st.decimals(),
)


@settings(max_examples=1_500)
@given(anything)
@example("0" * 9)
@example("-0.000000000")
@example("123456789.123456789")
@example("1234567890.123456789")
@example("7\n")
@example("٣")
def test_the_short_way_reads_as_the_long_one(value: object) -> None:
    assert outcome(parse_number, value) == outcome(by_all_checks, value)


def test_it_is_exact_whatever_the_precision_of_the_day() -> None:
    with localcontext(prec=3):
        assert str(parse_number("123456789.123456789")) == "123456789.123456789"


@pytest.mark.parametrize("text", ["1,5", "", " 1", "0x1", "1e19", "NaN", "Infinity", "1_000"])
def test_what_is_no_number_of_a_laboratory_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"expected a decimal number|more than 18 digits"):
        parse_number(text)
