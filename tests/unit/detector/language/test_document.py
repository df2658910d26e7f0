"""YAML is text with places; what no rule needs is refused."""

from __future__ import annotations

import pytest

from services.detector.language.ast import Place
from services.detector.language.document import (
    MAX_CHARACTERS,
    Items,
    Mapping,
    Scalar,
    read_document,
)
from services.detector.language.errors import RuleError


def value_of(text: str) -> Scalar:
    document = read_document(text, "x.yaml")
    assert isinstance(document, Mapping)
    value = document.get("a")
    assert isinstance(value, Scalar)
    return value


@pytest.mark.parametrize("word", ["0.20", "1e3", "no", "null", "2024-01-01", "0x10", "1_000", "~"])
def test_no_type_is_guessed(word: str) -> None:
    assert value_of(f"a: {word}\n").text == word


@pytest.mark.parametrize(
    ("text", "source", "line", "column"),
    [
        ("a: psa > 3\n", "psa > 3", 1, 4),
        ('a: "psa > 3"\n', "psa > 3", 1, 5),
        ("a: 'psa > 3'\n", "psa > 3", 1, 5),
        ("a: &x psa > 3\n", "psa > 3", 1, 7),
        ("a: psa >\n   3\n", "psa >\n   3", 1, 4),
        ("a: >-\n  psa >\n  3\n", "  psa >\n  3\n", 2, 1),
        ("# é\na:   psa\n", "psa", 2, 6),
    ],
)
def test_the_source_and_its_place_are_those_of_the_file(
    text: str, source: str, line: int, column: int
) -> None:
    value = value_of(text)

    assert value.source == source
    assert value.source_place == Place("x.yaml", line, column)


def test_an_alias_is_what_it_stands_for() -> None:
    document = read_document("a: &x [1, 2]\nb: *x\n", "x.yaml")

    assert isinstance(document, Mapping)
    assert isinstance(document.get("b"), Items)
    assert document.get("b") == document.get("a")


LAUGHS = (
    "a: &a ["
    + ", ".join("x" * 9)
    + "]\n"
    + "".join(
        f"{new}: &{new} [{', '.join(['*' + old] * 9)}]\n"
        for old, new in zip("abcdef", "bcdefg", strict=True)
    )
)

REFUSED = [
    ("", "x.yaml:1:1: the file is empty (expected a rule)"),
    ("a: 1\nb: 2\na: 3\n", "x.yaml:3:1: key 'a' again, first in line 1"),
    ("a: {b: 1, b: 2}\n", "x.yaml:1:11: key 'b' again, first in line 1"),
    ("a: 1\n---\nb: 2\n", "x.yaml:2:1: a second document (expected one rule in a file)"),
    ("a: !!int 3\n", "x.yaml:1:4: a YAML tag (expected plain text, a list or a mapping)"),
    ("a: *b\n", "x.yaml:1:4: nothing is called '&b' before this alias"),
    ("a: &a [*a]\n", "x.yaml:1:8: nothing is called '&a' before this alias"),
    ("[1]: 2\n", "x.yaml:1:1: a key that is not a word (expected a word)"),
    ("a: [1, 2\nb: 3\n", "x.yaml:2:2: not YAML: expected ',' or ']', but got ':'"),
    ("a: b: c\n", "x.yaml:1:5: not YAML: mapping values are not allowed here"),
    ("a: \x00\n", "x.yaml:1:1: not YAML: special characters are not allowed"),
    (LAUGHS, "x.yaml:5:4: the file says too much (expected at most 20000 values)"),
    ("[" * 500, "x.yaml:1:31: too deeply nested (expected at most 30 levels)"),
    (
        "#" * (MAX_CHARACTERS + 1),
        f"x.yaml:1:1: the file is too large (expected at most {MAX_CHARACTERS} characters)",
    ),
]


@pytest.mark.parametrize(("text", "message"), REFUSED, ids=[m for _, m in REFUSED])
def test_what_no_rule_needs_is_refused_with_its_place(text: str, message: str) -> None:
    with pytest.raises(RuleError) as caught:
        read_document(text, "x.yaml")
    assert str(caught.value) == message
