"""What stands between a function's parentheses: durations, shares, counts, periods, facts.

The checker has refused what makes no sense; what is refused here would be its oversight.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.detector.engine.instants import add_months
from services.detector.language.ast import Call, Duration, Node, Quantity, Selection
from services.detector.language.errors import RuleError, RuleErrors
from services.detector.language.unparse import unparse

if TYPE_CHECKING:
    from collections.abc import Callable
    from decimal import Decimal

    from schemas.terminology.analytes import Analyte
    from services.detector.engine.terms import Term
    from services.detector.language.lowering.rule import About, Lowering


@dataclass(frozen=True, slots=True)
class Asked:
    """A function as a rule asks it.

    Attributes:
        lowering: the rule.
        call: the function with its arguments, which are counted from 0.
        about: the series whose facts can be `it`.
        of: the analyte in whose canonical unit a number is wanted.
    """

    lowering: Lowering
    call: Call
    about: About
    of: Analyte | None = None

    @property
    def text(self) -> str:
        """The call as it is written."""
        return unparse(self.call)

    @property
    def args(self) -> tuple[Node, ...]:
        """What stands between the parentheses."""
        return self.call.args

    def fact(self, which: int = 0) -> Term:
        """A fact."""
        return self.lowering.fact(self.args[which], self.about)

    def selection(self, which: int = 0) -> Selection:
        """Facts of a series before the one in question."""
        return selection(self.args[which])

    def count(self, which: int) -> int:
        """A whole number without a unit."""
        return int(quantity(self.args[which]).value)

    def days(self, which: int) -> int:
        """A duration in whole days."""
        return days(self.args[which])


def wrong(node: Node, message: str) -> RuleErrors:
    """A mistake at the place of an expression."""
    return RuleErrors([RuleError(node.place, message)])


def selection(node: Node) -> Selection:
    """Facts of a series before the one in question.

    Raises:
        RuleErrors: it is something else.
    """
    if isinstance(node, Selection):
        return node
    raise wrong(node, "a series is needed here")


def quantity(node: Node) -> Quantity:
    """A number as it is written.

    Raises:
        RuleErrors: it is something else.
    """
    if isinstance(node, Quantity):
        return node
    raise wrong(node, "a number with its unit is needed here")


def share(node: Node) -> Decimal:
    """A share, written in percent or as a factor."""
    part = quantity(node)
    return part.value / 100 if part.unit == "%" else part.value


def days(duration: Node) -> int:
    """A duration in whole days.

    Raises:
        RuleErrors: it is in hours, or in calendar months, which are no fixed number of days.
    """
    if isinstance(duration, Duration) and duration.unit in {"d", "wk"}:
        return duration.amount * (7 if duration.unit == "wk" else 1)
    raise wrong(duration, "a duration in days or weeks is needed here")


def shift(duration: Duration, sign: int = 1) -> Callable[[int], int]:
    """How a day moves by a duration: calendar months are clamped to the month's end."""
    if duration.unit in {"mo", "y"}:
        months = sign * duration.amount * (12 if duration.unit == "y" else 1)
        return lambda day: add_months(day, months)
    moved = sign * days(duration)
    return lambda day: day + moved
