"""Three values: Kleene's logic, intervals (catalogue C4), exact numbers (C3)."""

from __future__ import annotations

from decimal import Decimal
from itertools import product

import pytest
from support.lanes import context_of, fact

from services.detector.engine.logic import all_of, any_of, negated
from services.detector.engine.terms import Term
from services.detector.engine.truth import (
    Range,
    Truth,
    Unknown,
    Value,
    calculate,
    compare,
    comparison,
    negate,
)

MAYBE = Unknown("who knows")
HERE = context_of(fact("a"))
ORDER = {False: 0, None: 1, True: 2}
"""Kleene's logic: and is the least, or the greatest, with the unknown in the middle."""


def said(value: Truth) -> bool | None:
    return None if isinstance(value, Unknown) else value


def term(value: bool | None) -> Term:  # noqa: FBT001
    truth: Truth = MAYBE if value is None else value
    return Term("truth", "t", lambda _: truth)


@pytest.mark.parametrize("values", tuple(product((True, False, None), repeat=3)))
def test_and_is_the_least_and_or_the_greatest(values: tuple[bool | None, ...]) -> None:
    terms = [term(value) for value in values]
    ranks = [ORDER[value] for value in values]
    for joined, rank in ((all_of(terms, "and"), min(ranks)), (any_of(terms, "or"), max(ranks))):
        assert ORDER[said(joined.evaluate(HERE))] == rank
        proven = joined.prove(HERE).result
        assert (said(proven) if isinstance(proven, bool | Unknown) else proven) == said(
            joined.evaluate(HERE)
        )


@pytest.mark.parametrize(("value", "wanted"), [(True, False), (False, True), (None, None)])
def test_not(value: bool | None, wanted: bool | None) -> None:  # noqa: FBT001
    assert said(negated(term(value), "not").evaluate(HERE)) is wanted
    assert said(negate(MAYBE if value is None else value)) is wanted


def test_an_unknown_refuses_to_be_taken_for_no() -> None:
    with pytest.raises(TypeError, match="neither true nor false"):
        bool(MAYBE)


D = Decimal
BELOW, UP_TO = Range(D(0), D("0.2")), Range(D(0), D("0.2"), high_included=True)
ABOVE, FROM = Range(D(750), None, low_included=False), Range(D(750), None)


@pytest.mark.parametrize(
    ("value", "op", "limit", "wanted"),
    [
        # `<0.2` is [0, 0.2): surely below 0.2 and all above it, never at or above 0.2
        (BELOW, "<", "0.2", True),
        (BELOW, "<=", "0.2", True),
        (BELOW, ">=", "0.2", False),
        (BELOW, ">", "0.2", False),
        (BELOW, "=", "0.2", False),
        (BELOW, "!=", "0.2", True),
        # ... but whether it is below 0.1 can't be known (catalogue E3: an old assay)
        (BELOW, "<", "0.1", None),
        (BELOW, ">=", "0.1", None),
        (BELOW, "=", "0.1", None),
        (BELOW, "!=", "0.1", None),
        (BELOW, ">=", "0", True),
        (BELOW, ">", "0", None),
        (BELOW, "<", "0", False),
        # `<=0.2` holds its limit
        (UP_TO, "<=", "0.2", True),
        (UP_TO, "<", "0.2", None),
        (UP_TO, ">=", "0.2", None),
        (UP_TO, ">", "0.2", False),
        (UP_TO, "=", "0.2", None),
        (UP_TO, "=", "0.3", False),
        # `>750` satisfies limits up to and including 750
        (ABOVE, ">", "750", True),
        (ABOVE, ">=", "750", True),
        (ABOVE, "<=", "750", False),
        (ABOVE, "<", "750", False),
        (ABOVE, ">", "751", None),
        (ABOVE, "<", "751", None),
        (ABOVE, "=", "750", False),
        # `>=750` holds its limit
        (FROM, ">=", "750", True),
        (FROM, ">", "750", None),
        (FROM, "<", "750", False),
        (FROM, "<=", "750", None),
        (Range(None, D(0)), "<", "1", True),
        (Range(None, D(0)), ">=", "-1", None),
    ],
)
def test_an_interval_against_a_limit(
    value: Range,
    op: str,
    limit: str,
    wanted: bool | None,  # noqa: FBT001
) -> None:
    assert said(compare(op, value, D(limit))) is wanted
    mirror = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}.get(op, op)
    assert said(compare(mirror, D(limit), value)) is wanted


def test_two_intervals_are_not_compared() -> None:
    assert isinstance(compare("<", BELOW, ABOVE), Unknown)


@pytest.mark.parametrize("op", ["<", "<=", ">", ">=", "=", "!="])
def test_what_is_missing_is_no_and_what_cannot_be_known_is_unknown(op: str) -> None:
    assert compare(op, None, D(1)) is False
    assert compare(op, D(1), None) is False
    assert compare(op, MAYBE, D(1)) is MAYBE
    assert compare(op, D(1), MAYBE) is MAYBE
    assert compare(op, MAYBE, None) is MAYBE
    assert comparison(op)(D(1), D(1)) is (op in {"<=", ">=", "="})


@pytest.mark.parametrize(
    ("op", "left", "right", "wanted"),
    [
        ("+", D("0.1"), D("0.2"), D("0.3")),  # a float would say 0.30000000000000004
        ("-", D("0.3"), D("0.1"), D("0.2")),
        ("*", D("27.0"), D("1.2"), D("32.4")),  # exactly +20 % (catalogue C3)
        ("/", D(1), D(4), D("0.25")),
        ("+", None, D(1), None),
        ("+", D(1), None, None),
        ("*", MAYBE, D(1), MAYBE),
        ("*", D(1), MAYBE, MAYBE),
    ],
)
def test_arithmetic(op: str, left: Value, right: Value, wanted: Value) -> None:
    assert calculate(op, left, right) == wanted


def test_arithmetic_that_has_no_answer_is_unknown() -> None:
    assert isinstance(calculate("/", D(1), D(0)), Unknown)
    assert isinstance(calculate("*", D(2), BELOW), Unknown)
    assert isinstance(calculate("*", BELOW, D(2)), Unknown)
