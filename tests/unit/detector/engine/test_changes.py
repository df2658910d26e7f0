"""Results beside earlier ones: powers of ten, amounts and none, another code; asked of terms."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from support.lanes import fact

from schemas.alerts import Role
from services.detector.engine.changes import differs, log_change, quantified, unquantified
from services.detector.engine.fact import Fact
from services.detector.engine.fields import the_fact
from services.detector.engine.terms import Context, Term
from services.detector.engine.truth import Unknown, compare

NOWHERE = Unknown("nobody knows")


def result(value: str | None, **said: Any) -> Fact:
    sign = (value or "").rstrip("0123456789.").replace("-", "")
    number = value.removeprefix(sign) if value else None
    return fact("f", 0, number, comparator=sign or None, **said)


def at(here: Fact) -> Context:
    return Context(here, None, None, (), (), 0)


def other(there: Fact | Unknown | None) -> Term:
    cited = ((there, Role.BASELINE),) if isinstance(there, Fact) else ()
    return Term("fact", "there", lambda _: there, cite=lambda *_: cited)


def rise(there: str, here: str, *, falling: bool = False) -> Any:
    term = log_change(other(result(there)), falling=falling, text="t")
    return term.evaluate(at(result(here)))


@pytest.mark.parametrize(
    ("there", "here", "change"),
    [
        ("50", "500", "1"),
        ("500", "50", "-1"),
        ("7", "7", "0"),
        ("0", "0", "0"),
        ("0", "7", "Infinity"),
        ("7", "0", "-Infinity"),
    ],
)
def test_the_change_of_two_exact_values_is_exact(there: str, here: str, change: str) -> None:
    assert rise(there, here) == Decimal(change)
    assert rise(there, here, falling=True) == -Decimal(change)


def test_log10_results_that_differ_by_1_differ_by_exactly_1() -> None:
    there, here = (
        fact("f", 0, log, analyte="hiv_rna", unit="{log_copies}/mL") for log in ("7.20", "6.20")
    )
    assert log_change(other(there), falling=True, text="t").evaluate(at(here)) == 1


def test_a_hair_more_than_tenfold_is_more_than_1() -> None:
    assert rise("100000000000", "1000000000001") > 1


@pytest.mark.parametrize(
    ("there", "here", "falls_by_less_than_1"),
    [
        (">10000000", "2000000", "unknown"),
        (">10000000", "900000", False),
        (">10000000", "1000000", False),  # more than ten millions to one: certainly more than 1
        ("<50", "400", True),
        ("<50", "<50", "unknown"),
        ("100000", ">50000", True),
        ("100", "<50", "unknown"),
        ("100", "<5", False),
        (">=10000000", "1000000", False),
        ("<=100", "10", "unknown"),
    ],
)
def test_of_ranges_what_is_certain_is_decided(
    there: str,
    here: str,
    falls_by_less_than_1: bool | str,  # noqa: FBT001  # a table's column
) -> None:
    said = compare("<", rise(there, here, falling=True), Decimal(1))
    assert ("unknown" if isinstance(said, Unknown) else said) == falls_by_less_than_1


def test_of_what_may_be_nothing_the_change_may_be_anything() -> None:
    for there, here in (("0", "<20"), ("<20", "0")):
        assert isinstance(compare(">", rise(there, here), Decimal(1)), Unknown)
    assert rise(">5", "0") == Decimal("-Infinity")
    assert rise("0", ">5") == Decimal("Infinity")


def test_other_specimens_negative_amounts_and_doubts_are_unknown() -> None:
    here = result("5")
    for there in (result("50", specimen="serum"), result(None, value_code="x"), NOWHERE):
        assert isinstance(
            log_change(other(there), falling=False, text="t").evaluate(at(here)), Unknown
        )
    negative = log_change(other(here), falling=False, text="t").evaluate(at(result("-5")))
    assert isinstance(negative, Unknown)
    assert log_change(other(None), falling=False, text="t").evaluate(at(here)) is None


def test_what_it_was_compared_with_is_the_evidence() -> None:
    there = result("50")
    proof = log_change(other(there), falling=False, text="log_rise(there)").prove(at(result("500")))
    assert (proof.text, proof.result, proof.cited) == (
        "log_rise(there)",
        Decimal(1),
        ((there, Role.BASELINE),),
    )


@pytest.mark.parametrize(
    ("value", "amount"),
    [("1", True), ("0.01", True), ("0", False), ("<20", False), (">20", True), ("<=20", False)],
)
def test_an_amount_or_none(value: str, amount: bool) -> None:  # noqa: FBT001  # a table's column
    here = at(result(value))
    assert quantified(the_fact("it"), "t").evaluate(here) is amount
    assert unquantified(the_fact("it"), "t").evaluate(here) is not amount


def test_of_what_is_not_there_neither_holds_and_of_what_is_not_known_neither_is_known() -> None:
    for term in (quantified, unquantified):
        assert term(other(None), "t").evaluate(at(result("1"))) is False
        assert term(other(NOWHERE), "t").evaluate(at(result("1"))) is NOWHERE
        worded = at(result(None, value_code="haemolysed"))
        assert isinstance(term(the_fact("it"), "t").evaluate(worded), Unknown)


def test_two_codes_differ_only_if_there_are_two() -> None:
    one, two = (result(None, value_code=word) for word in ("1a", "3a"))
    here = at(one)
    assert differs(other(one), other(two), "t").evaluate(here) is True
    assert differs(other(one), other(one), "t").evaluate(here) is False
    assert differs(other(None), other(NOWHERE), "t").evaluate(here) is False
    assert differs(other(one), other(NOWHERE), "t").evaluate(here) is NOWHERE
    assert isinstance(differs(other(one), other(result("5")), "t").evaluate(here), Unknown)
    cited = differs(other(one), other(two), "t").prove(here).cited
    assert cited == ((one, Role.BASELINE), (two, Role.BASELINE))
