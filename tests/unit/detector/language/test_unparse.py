"""There and back: the text of any tree is read as the same tree."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.detector.language.ast import (
    NOWHERE,
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
    Quantity,
    Selection,
)
from services.detector.language.errors import RuleError
from services.detector.language.expressions import parse_expression
from services.detector.language.functions import SERIES_FUNCTIONS
from services.detector.language.unparse import unparse
from services.detector.language.words import DURATION_UNITS, KEYWORDS

UNITS = ("ng/mL", "{copies}/mL", "10*9/L", "%", "[IU]/mL", "mg/(24.h)", "/uL", "uln", "10*3/uL")

plain = st.from_regex(r"[a-z][a-z0-9_]{0,5}(-[a-z0-9]{1,3})?", fullmatch=True).filter(
    lambda word: word not in KEYWORDS
)
identifier = st.from_regex(r"[a-z][a-z0-9_]{0,5}", fullmatch=True).filter(
    lambda word: word not in KEYWORDS
)
codes = plain | st.sampled_from(["Escherichia coli", "or", "recist-1.1", "3TC", 'a "b"', "it's"])
decimals = st.decimals(min_value=-(10**6), max_value=10**6, places=3).filter(
    lambda value: value != 0 or not value.is_signed()
)


def quantities() -> st.SearchStrategy[Quantity]:
    alone = st.builds(Quantity, decimals, st.none() | st.sampled_from(UNITS))
    further = st.lists(alone, max_size=2).map(tuple)
    return st.builds(Quantity, decimals, st.none() | st.sampled_from(UNITS), further)


leaves: st.SearchStrategy[Node] = st.one_of(
    quantities(),
    st.builds(Duration, st.integers(-1000, 1000), st.sampled_from(DURATION_UNITS)),
    st.builds(Param, identifier),
    st.builds(Name, codes),
    st.builds(Attribute, identifier, identifier),
)


def joined(kind: type[And | Or], inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    return st.builds(kind, st.lists(inner, min_size=2, max_size=3).map(tuple))


def selections(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Selection]:
    maybe = st.none() | inner
    periods = ("since", "after", "until", "within", "older_than", "where")
    return st.builds(Selection, identifier, st.none() | identifier, **dict.fromkeys(periods, maybe))


def calls(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Call]:
    past = st.builds(
        lambda name, first, more: Call(name, (first, *more)),
        st.sampled_from(sorted(SERIES_FUNCTIONS)),
        selections(inner),
        # Where a second series is taken, a bare name is one; what it is doesn't show in the text.
        st.lists(inner.filter(lambda node: not isinstance(node, Name | Attribute)), max_size=1),
    )
    other = st.builds(Call, st.just("uln"), st.lists(inner, max_size=2).map(tuple))
    return past | other


def branches(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    return st.one_of(
        joined(And, inner),
        joined(Or, inner),
        st.builds(Not, inner),
        st.builds(Compare, st.sampled_from(["<", "<=", ">", ">=", "=", "!="]), inner, inner),
        st.builds(Arithmetic, st.sampled_from(["+", "-", "*", "/"]), inner, inner),
        st.builds(OneOf, inner, st.lists(codes, min_size=1, max_size=3).map(tuple)),
        st.builds(Has, inner, codes),
        calls(inner),
    )


trees = st.recursive(leaves, branches, max_leaves=12)


@given(trees)
def test_what_is_written_is_read_as_the_same_tree(tree: Node) -> None:
    assert parse_expression(unparse(tree), NOWHERE) == tree


def tried(text: str) -> Node | RuleError:
    try:
        return parse_expression(text, NOWHERE)
    except RuleError as error:
        return error


@given(st.text(alphabet="psa01.dwk()<>=+-*/|$'\"{}[] \nornt_,", max_size=40))
def test_any_text_is_read_or_refused_with_a_place_inside_it(text: str) -> None:
    read = tried(text)
    if isinstance(read, RuleError):
        lines = text.split("\n")
        assert 1 <= read.place.line <= len(lines)
        assert 1 <= read.place.column <= len(lines[read.place.line - 1]) + 1
    else:
        assert parse_expression(unparse(read), NOWHERE) == read


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("( a or b )and  c", "(a or b) and c"),
        ("not(not a)", "not not a"),
        ("(a - b) - c", "a - b - c"),
        ("a - (b - c)", "a - (b - c)"),
        ("nadir( psa where it<1 since clock )", "nadir(psa since clock where it < 1)"),
        ("0.3 mg/dL|26.5 umol/L", "0.3 mg/dL | 26.5 umol/L"),
        ("x in ('a b',c)", 'x in ("a b", c)'),
    ],
)
def test_it_is_written_as_one_would_read_it_aloud(text: str, shown: str) -> None:
    assert unparse(parse_expression(text, NOWHERE)) == shown


def test_a_number_is_written_without_an_exponent() -> None:
    assert unparse(Quantity(Decimal("1E+3"), "{copies}/mL")) == "1000 {copies}/mL"


def test_a_node_of_no_kind_is_a_defect_of_ours() -> None:
    with pytest.raises(TypeError):
        unparse(Node())
