"""Every function of the rule language is lowered where its kind is, and nothing else is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from services.detector.language.functions import FUNCTIONS, Function
from services.detector.language.lowering.conditions import TRUTHS
from services.detector.language.lowering.facts import FACTS
from services.detector.language.lowering.numbers import NUMBERS
from services.detector.language.lowering.times import TIMES
from services.detector.language.lowering.words import WORDS

if TYPE_CHECKING:
    from collections.abc import Mapping

_TABLES: Final[dict[str, Mapping[str, object]]] = {
    "truth": TRUTHS,
    "fact": FACTS,
    "word": WORDS,
    "time": TIMES,
}


def _table(gives: str) -> set[str]:
    return set(_TABLES.get(gives, NUMBERS))


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=lambda function: function.name)
def test_a_function_is_in_the_table_of_what_it_gives(function: Function) -> None:
    assert function.name in _table(function.gives)


def test_no_table_has_a_function_that_the_language_does_not_know() -> None:
    tables = (TRUTHS, NUMBERS, FACTS, WORDS, TIMES)
    assert {name for table in tables for name in table} == set(FUNCTIONS)
