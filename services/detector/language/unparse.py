"""A tree of `ast` as text again: `parse_expression(unparse(node)) == node`.

Explanations quote conditions in this form, whatever the layout in the rule's file.
"""

from __future__ import annotations

from typing import Final

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
    Quantity,
    Selection,
)
from services.detector.language.words import KEYWORDS, PLAIN_WORD

_OR, _AND, _NOT, _COMPARISON, _SUM, _PRODUCT, _ATOM = range(7)

_PERIODS: Final = (
    ("since", "since"),
    ("after", "after"),
    ("until", "until"),
    ("within", "within"),
    ("older_than", "older than"),
)


def unparse(node: Node) -> str:
    """Write an expression in one line, with no more parentheses than needed.

    Raises:
        TypeError: a kind of node that the language doesn't have.
    """
    return _text(node, _OR)


def _text(node: Node, least: int) -> str:
    """Text of a node where the grammar takes nothing looser than `least`."""
    level, text = _written(node)
    return text if level >= least else f"({text})"


def _written(node: Node) -> tuple[int, str]:
    match node:
        case Or(operands):
            return _OR, " or ".join(_text(o, _AND) for o in operands)
        case And(operands):
            return _AND, " and ".join(_text(o, _NOT) for o in operands)
        case Not(operand):
            return _NOT, f"not {_text(operand, _NOT)}"
        case Compare(op, left, right):
            return _COMPARISON, f"{_text(left, _SUM)} {op} {_text(right, _SUM)}"
        case OneOf(left, words):
            return _COMPARISON, f"{_text(left, _SUM)} in ({', '.join(map(_word, words))})"
        case Has(left, word):
            return _COMPARISON, f"{_text(left, _SUM)} has {_word(word)}"
        case Arithmetic(op, left, right):
            level = _SUM if op in "+-" else _PRODUCT
            return level, f"{_text(left, level)} {op} {_text(right, level + 1)}"
        case _:
            return _ATOM, _atom(node)


def _atom(node: Node) -> str:
    match node:
        case Quantity():
            return _quantity(node)
        case Duration(amount, unit):
            return f"{amount} {unit}"
        case Param(name):
            return f"${name}"
        case Name(name):
            return _word(name)
        case Attribute(of, field):
            return f"{of}.{field}"
        case Call(function, args):
            return f"{function}({', '.join(_text(a, _OR) for a in args)})"
        case Selection():
            return _selection(node)
        case _:
            raise TypeError(f"not an expression: {type(node).__name__}")


def _quantity(node: Quantity) -> str:
    unit = f" {node.unit}" if node.unit else ""
    return " | ".join([f"{node.value:f}{unit}", *map(_quantity, node.alternatives)])


def _selection(node: Selection) -> str:
    parts = [node.series if node.attribute is None else f"{node.series}.{node.attribute}"]
    for field, keyword in _PERIODS:
        value = getattr(node, field)
        if value is not None:
            parts.append(f"{keyword} {_text(value, _SUM)}")
    if node.where is not None:
        parts.append(f"where {_text(node.where, _OR)}")
    return " ".join(parts)


def _word(word: str) -> str:
    if PLAIN_WORD.fullmatch(word) and word not in KEYWORDS:
        return word
    return f"'{word}'" if '"' in word else f'"{word}"'
