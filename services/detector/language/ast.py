"""What an expression of the rule language is, once parsed. Pure values; every node knows its place.

The meaning of each node is in `docs/rule-language.md`; the grammar is `expression.lark`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Place:
    """Where a piece of text stands: 1-based line and column in a file."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


NOWHERE = Place("<expression>", 1, 1)


@dataclass(frozen=True, slots=True)
class Node:
    """Base of all nodes. Two nodes are equal when they say the same, wherever they stand."""

    place: Place = field(default=NOWHERE, compare=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Quantity(Node):
    """A number with its unit: `2 ng/mL`, `1.25`, `3 uln`, `0.3 mg/dL | 26.5 umol/L`.

    `alternatives` hold the same limit as published for other reporting units; the one in the
    unit that the laboratory reported is taken.
    """

    value: Decimal
    unit: str | None = None  # None: a pure number; "uln"/"lln": multiples of the reference limit
    alternatives: tuple[Quantity, ...] = ()


@dataclass(frozen=True, slots=True)
class Duration(Node):
    """`7 d`, `4 wk`, `6 mo`, `48 h`, `1 y`. Months and years are calendar months, clamped."""

    amount: int
    unit: str  # "min", "h", "d", "wk", "mo", "y"
    # The parameter that gave it, where the frame wants a duration: `confirm: {after: $gap}`.
    param: str | None = field(default=None, compare=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Param(Node):
    """`$name`: a parameter of the rule, which a site may override."""

    name: str


@dataclass(frozen=True, slots=True)
class Name(Node):
    """A bare word: `it`, `day`, `date`, `clock`, a series, a `let` name, or a code (`PMR`)."""

    name: str


@dataclass(frozen=True, slots=True)
class Attribute(Node):
    """`pet.response`, `course.regimen`."""

    of: str
    field: str


@dataclass(frozen=True, slots=True)
class Selection(Node):
    """Facts of a series that come before the fact in question, narrowed by a period and a test.

    since/after/until: relative to a time (`since clock`, `after clock + 42 d`, `until clock`).
    within: no more than this long before the fact in question (`within 7 d`).
    older_than: more than this long before it (`older than 7 d`).
    where: a condition in which `it` is the selected fact.
    """

    series: str
    attribute: str | None = None
    since: Node | None = None
    after: Node | None = None
    until: Node | None = None
    within: Node | None = None
    older_than: Node | None = None
    where: Node | None = None


@dataclass(frozen=True, slots=True)
class Call(Node):
    """A function: of a selection (`nadir(psa since clock)`) or of values (`add(clock, 6 mo)`)."""

    function: str
    args: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Arithmetic(Node):
    """`+ - * /` on quantities; `time + duration`."""

    op: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Compare(Node):
    """`< <= > >= = !=`: three-valued."""

    op: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class OneOf(Node):
    """`pet.response in (NMR, PMD)`."""

    left: Node
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Has(Node):
    """`scan.new_lesions has unequivocal`: a list holds a word."""

    left: Node
    word: str


@dataclass(frozen=True, slots=True)
class Not(Node):
    """Three-valued negation."""

    operand: Node


@dataclass(frozen=True, slots=True)
class And(Node):
    """Three-valued conjunction."""

    operands: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Or(Node):
    """Three-valued disjunction."""

    operands: tuple[Node, ...]
