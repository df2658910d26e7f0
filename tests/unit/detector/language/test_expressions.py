"""From text to tree: what each form becomes, where it stands, what is said when it is wrong."""

from __future__ import annotations

from decimal import Decimal

import pytest

from services.detector.language.ast import (
    And,
    Arithmetic,
    Attribute,
    Call,
    Compare,
    Duration,
    Has,
    Name,
    Node,
    Not,
    OneOf,
    Or,
    Param,
    Place,
    Quantity,
    Selection,
)
from services.detector.language.errors import RuleError
from services.detector.language.expressions import MAX_DEPTH, MAX_LENGTH, parse_expression
from services.detector.language.walk import depth, walk

HERE = Place("x.yaml", 7, 11)


def number(text: str, unit: str | None = None) -> Quantity:
    return Quantity(Decimal(text), unit)


CLOCK, PSA, IT = Name("clock"), Name("psa"), Name("it")

FORMS: list[tuple[str, Node]] = [
    ("1.25", number("1.25")),
    ("-5 mm", number("-5", "mm")),
    ("2 ng/mL", number("2", "ng/mL")),
    ("2ng/mL", number("2", "ng/mL")),
    ("1000 {copies}/mL", number("1000", "{copies}/mL")),
    ("0.5 10*9/L", number("0.5", "10*9/L")),
    ("350 /uL", number("350", "/uL")),
    ("10 %", number("10", "%")),
    ("60 mg/(24.h)", number("60", "mg/(24.h)")),
    ("14 [IU]/mL", number("14", "[IU]/mL")),
    ("60 mL/min/{1.73_m2}", number("60", "mL/min/{1.73_m2}")),
    ("3 uln", number("3", "uln")),
    ("0.3 mg/dL | 26.5 umol/L", Quantity(Decimal("0.3"), "mg/dL", (number("26.5", "umol/L"),))),
    ("30 d", Duration(30, "d")),
    ("48h", Duration(48, "h")),
    ("$rise", Param("rise")),
    ("primary-refractory", Name("primary-refractory")),
    ('"Escherichia coli"', Name("Escherichia coli")),
    ("pet.response", Attribute("pet", "response")),
    (
        "clock + 3 mo - 15 d",
        Arithmetic("-", Arithmetic("+", CLOCK, Duration(3, "mo")), Duration(15, "d")),
    ),
    (
        "psa >= 1.25 * low + 2 ng/mL",
        Compare(
            ">=",
            PSA,
            Arithmetic("+", Arithmetic("*", number("1.25"), Name("low")), number("2", "ng/mL")),
        ),
    ),
    ("2 * low / base", Arithmetic("/", Arithmetic("*", number("2"), Name("low")), Name("base"))),
    ("pet.response in (NMR, PMD)", OneOf(Attribute("pet", "response"), ("NMR", "PMD"))),
    ("scan.new_lesions has unequivocal", Has(Attribute("scan", "new_lesions"), "unequivocal")),
    ("not a = b", Not(Compare("=", Name("a"), Name("b")))),
    ("a and b or c", Or((And((Name("a"), Name("b"))), Name("c")))),
    ("a and (b or c)", And((Name("a"), Or((Name("b"), Name("c")))))),
    ("3 and x", And((number("3"), Name("x")))),
    ("orange or android", Or((Name("orange"), Name("android")))),
    ("exists(psa)", Call("exists", (Selection("psa"),))),
    ("below_limit(it, 0.2 ng/mL)", Call("below_limit", (IT, number("0.2", "ng/mL")))),
    ("rises(psa, 3)", Call("rises", (Selection("psa"), number("3")))),
    (
        "date(last(dose)) + 7 d",
        Arithmetic("+", Call("date", (Call("last", (Selection("dose"),)),)), Duration(7, "d")),
    ),
    ("nadir(scan.sum since clock)", Call("nadir", (Selection("scan", "sum", since=CLOCK),))),
    (
        "median(k within 365 d older than 7 d)",
        Call("median", (Selection("k", within=Duration(365, "d"), older_than=Duration(7, "d")),)),
    ),
    (
        "count(psa after clock until date where it < 0.1 ng/mL or x)",
        Call(
            "count",
            (
                Selection(
                    "psa",
                    after=CLOCK,
                    until=Name("date"),
                    where=Or((Compare("<", IT, number("0.1", "ng/mL")), Name("x"))),
                ),
            ),
        ),
    ),
]


@pytest.mark.parametrize(("text", "tree"), FORMS, ids=[text for text, _ in FORMS])
def test_each_form_of_the_document_becomes_its_node(text: str, tree: Node) -> None:
    assert parse_expression(text, HERE) == tree


def test_a_number_keeps_the_digits_that_were_published() -> None:
    limit = parse_expression("0.20 ng/mL", HERE)

    assert isinstance(limit, Quantity)
    assert str(limit.value) == "0.20"


def test_every_node_knows_where_it_stands() -> None:
    tree = parse_expression("psa >=\n   nadir(psa since clock)\n", HERE)

    found = [(type(node).__name__, node.place.line, node.place.column) for node in walk(tree)]
    assert found == [
        ("Compare", 7, 11),
        ("Name", 7, 11),
        ("Call", 8, 4),
        ("Selection", 8, 10),
        ("Name", 8, 20),
    ]


MISTAKES = [
    ("", "x.yaml:7:11: the expression ends too early (expected a value)"),
    ("psa >= ", "x.yaml:7:17: the expression ends too early (expected a value)"),
    ("psa > > 3", "x.yaml:7:17: unexpected '>' (expected a value)"),
    ("psa == 3", "x.yaml:7:16: unexpected '=' (expected a value)"),
    ("a < b < c", "x.yaml:7:17: unexpected '<' (expected an operator or the end)"),
    ("psa > 3 # x", "x.yaml:7:19: unexpected '#' (expected an operator, a unit or the end)"),
    (
        "nadir(psa since clock since clock)",
        "x.yaml:7:33: a second 'since' (expected one of each)",
    ),
    ("a in (4, 5)", "x.yaml:7:17: unexpected '4' (expected a word)"),
    ("psa = or", "x.yaml:7:17: unexpected 'or' (expected a value; quote a code so called)"),
    (
        "1.5 d",
        "x.yaml:7:11: a duration has no fraction (expected a whole number of a smaller unit)",
    ),
    ("5 ng/mL | 3 d", "x.yaml:7:21: a duration has no alternatives (expected a number)"),
    (
        "1234567890123456789012",
        "x.yaml:7:11: number: more than 18 digits, or beyond 10**±18",
    ),
]


@pytest.mark.parametrize(("text", "message"), MISTAKES, ids=[text for text, _ in MISTAKES])
def test_a_mistake_is_told_with_its_place_and_what_was_expected(text: str, message: str) -> None:
    with pytest.raises(RuleError) as caught:
        parse_expression(text, HERE)
    assert str(caught.value) == message


def test_nothing_is_too_long_or_too_deep_to_be_refused_politely() -> None:
    for text in ("x" * (MAX_LENGTH + 1), "not " * 400 + "x", "(" * 900, "1+" * 900 + "1"):
        with pytest.raises(RuleError):
            parse_expression(text, HERE)


def test_the_depth_that_is_promised_is_read() -> None:
    assert depth(parse_expression("not " * (MAX_DEPTH - 1) + "x", HERE)) == MAX_DEPTH
