"""An expression's text becomes a tree of `ast`, and every node knows where it stands.

    parse_expression("psa >= nadir(psa since clock) + 2 ng/mL", Place("prost.yaml", 14, 12))

Pure: the grammar is packaged data, read once. `unparse` is the way back.
"""

from __future__ import annotations

from functools import cache, partial
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from lark import Lark, Token, UnexpectedInput, UnexpectedToken
from lark.exceptions import VisitError
from lark.visitors import Transformer_NonRecursive, v_args

from schemas.base import parse_number
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
from services.detector.language.functions import FUNCTIONS, SERIES_FUNCTIONS
from services.detector.language.syntax import found_and_expected, place_at
from services.detector.language.walk import depth
from services.detector.language.words import DURATION_UNITS, KEYWORDS

if TYPE_CHECKING:
    from collections.abc import Callable
    from decimal import Decimal

    from lark.tree import Meta

MAX_LENGTH: Final = 2000
"""Characters. The longest published criterion needs about 200."""
MAX_DEPTH: Final = 40
"""Levels of nesting that an expression may have, so that no walk of it can run out of stack."""

Clause = tuple[str, Node, Place]


def parse_expression(text: str, place: Place) -> Node:
    """Read one expression.

    Args:
        text: the expression; it may span lines.
        place: where its first character stands. Further lines begin at column 1.

    Returns:
        The tree. A bare name as first argument of a function of series is a `Selection`.

    Raises:
        RuleError: not an expression; says where, what stands there and what was expected.
    """
    if len(text) > MAX_LENGTH:
        raise RuleError(place, "the expression is too long", f"at most {MAX_LENGTH} characters")
    at = partial(place_at, text, place)
    try:
        node: Node = _Builder(at).transform(_grammar().parse(text))
    except UnexpectedInput as error:
        raise RuleError(at(_position(error, text)), *found_and_expected(error)) from None
    except VisitError as error:
        raise error.orig_exc from None
    if depth(node) > MAX_DEPTH:
        raise RuleError(place, "the expression is too deeply nested", f"{MAX_DEPTH} levels or less")
    return node


@cache
def _grammar() -> Lark:
    text = files(__package__).joinpath("expression.lark").read_text(encoding="utf-8")
    return Lark(text, parser="lalr", lexer="contextual", propagate_positions=True)


def _position(error: UnexpectedInput, text: str) -> int:
    """Offset of the mistake; of a text that ends too early, just after its last word."""
    at_end = isinstance(error, UnexpectedToken) and error.token.type == "$END"
    position: int | None = getattr(error, "pos_in_stream", None)  # lark's own type says None
    return len(text.rstrip()) if at_end or position is None else position


@v_args(inline=True, meta=True)
class _Builder(Transformer_NonRecursive):  # type: ignore[type-arg]
    """One method for each rule of the grammar."""

    def __init__(self, at: Callable[[int], Place]) -> None:
        super().__init__(visit_tokens=False)
        self._at = at

    def _place(self, where: Meta | Token) -> Place:
        offset = where.start_pos
        return self._at(0 if offset is None else offset)

    def start(self, _: Meta, condition: Node) -> Node:
        return condition

    def either(self, meta: Meta, *operands: Node) -> Node:
        return Or(operands, place=self._place(meta))

    def both(self, meta: Meta, *operands: Node) -> Node:
        return And(operands, place=self._place(meta))

    def negated(self, meta: Meta, operand: Node) -> Node:
        return Not(operand, place=self._place(meta))

    def compare(self, meta: Meta, left: Node, op: Token, right: Node) -> Node:
        return Compare(str(op), left, right, place=self._place(meta))

    def one_of(self, meta: Meta, left: Node, *words: Name) -> Node:
        return OneOf(left, tuple(w.name for w in words), place=self._place(meta))

    def has(self, meta: Meta, left: Node, word: Name) -> Node:
        return Has(left, word.name, place=self._place(meta))

    def arithmetic(self, meta: Meta, left: Node, op: Token, right: Node) -> Node:
        return Arithmetic(str(op), left, right, place=self._place(meta))

    def param(self, meta: Meta, token: Token) -> Node:
        return Param(str(token)[1:], place=self._place(meta))

    def attribute(self, meta: Meta, of: Token, name: Token) -> Node:
        return Attribute(self._word(of), str(name), place=self._place(meta))

    def name(self, _: Meta, word: Name) -> Node:
        return word

    def word(self, meta: Meta, token: Token) -> Name:
        quoted = token.type == "QUOTED"
        return Name(str(token)[1:-1] if quoted else self._word(token), place=self._place(meta))

    def _word(self, token: Token) -> str:
        """A keyword where the lexer, going by its context, saw a name."""
        if str(token) in KEYWORDS:
            message = f"unexpected {str(token)!r}"
            raise RuleError(self._place(token), message, "a value; quote a code so called")
        return str(token)

    def number(
        self, meta: Meta, minus: Token | None, digits: Token, unit: Token | None
    ) -> Quantity | Duration:
        place = self._place(meta)
        value = self._decimal(digits) * (-1 if minus else 1)
        if unit is None or str(unit) not in DURATION_UNITS:
            return Quantity(value, str(unit) if unit else None, place=place)
        if value != value.to_integral_value():
            raise RuleError(place, "a duration has no fraction", "a whole number of a smaller unit")
        return Duration(int(value), str(unit), place=place)

    def _decimal(self, digits: Token) -> Decimal:
        try:
            return parse_number(str(digits))
        except ValueError as error:
            raise RuleError(self._place(digits), f"number: {error}") from None

    def quantity(self, _: Meta, first: Node, *others: Node) -> Node:
        if not others:
            return first
        amounts: list[Quantity] = []
        for amount in (first, *others):
            if not isinstance(amount, Quantity):
                raise RuleError(amount.place, "a duration has no alternatives", "a number")
            amounts.append(amount)
        limit = amounts[0]
        return Quantity(limit.value, limit.unit, tuple(amounts[1:]), place=limit.place)

    def call(self, meta: Meta, function: Token, *args: Node | None) -> Node:
        given = tuple(arg for arg in args if arg is not None)
        if function in SERIES_FUNCTIONS and given:
            takes = FUNCTIONS[str(function)].takes
            given = tuple(
                _as_selection(arg) if at < len(takes) and takes[at] == "series" else arg
                for at, arg in enumerate(given)
            )
        return Call(self._word(function), given, place=self._place(meta))

    def selection(self, meta: Meta, of: Token | Attribute, *clauses: Clause) -> Node:
        seen: dict[str, Node] = {}
        for kind, value, place in clauses:
            if kind in seen:
                raise RuleError(place, f"a second {kind.replace('_', ' ')!r}", "one of each")
            seen[kind] = value
        series, attribute = (
            (of.of, of.field) if isinstance(of, Attribute) else (self._word(of), None)
        )
        return Selection(series, attribute, **seen, place=self._place(meta))

    def _clause(self, kind: str, meta: Meta, value: Node) -> Clause:
        return kind, value, self._place(meta)

    def since(self, meta: Meta, value: Node) -> Clause:
        return self._clause("since", meta, value)

    def after(self, meta: Meta, value: Node) -> Clause:
        return self._clause("after", meta, value)

    def until(self, meta: Meta, value: Node) -> Clause:
        return self._clause("until", meta, value)

    def within(self, meta: Meta, value: Node) -> Clause:
        return self._clause("within", meta, value)

    def older_than(self, meta: Meta, value: Node) -> Clause:
        return self._clause("older_than", meta, value)

    def where(self, meta: Meta, value: Node) -> Clause:
        return self._clause("where", meta, value)


def _as_selection(node: Node) -> Node:
    """The bare series of `exists(psa)` or `nadir(scan.sum)`."""
    if isinstance(node, Name):
        return Selection(node.name, place=node.place)
    if isinstance(node, Attribute):
        return Selection(node.of, node.field, place=node.place)
    return node
