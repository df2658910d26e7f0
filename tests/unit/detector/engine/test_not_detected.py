"""Not detected is nothing, whether or not a source writes the 0 beside it."""

from __future__ import annotations

from decimal import Decimal

import pytest
from support.lanes import fact


@pytest.mark.parametrize("word", ["not detected", "Target not detected", "TND", "undetected"])
def test_the_word_alone_is_zero(word: str) -> None:
    found = fact("f", 0, None, value_code=word)
    assert (found.value, found.reference) == (Decimal(0), Decimal(0))


@pytest.mark.parametrize("word", ["detected", "ND", "haemolysed"])
def test_another_word_is_no_number(word: str) -> None:
    assert fact("f", 0, None, value_code=word).value is None


def test_of_what_has_no_amount_it_stays_a_word() -> None:
    assert fact("f", 0, None, analyte="biopsy", value_code="not detected").value is None
