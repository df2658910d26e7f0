"""Three-valued truth, and values that are only partly known.

A condition is `True`, `False` or an `Unknown` with its reason. Law: code that decides says
`is True` or `is False`; an `Unknown` is neither and may never be taken for "no".
"""

from __future__ import annotations

import operator
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Unknown:
    """Neither true nor false, and why. Also stands for a number that can't be known."""

    reason: str

    def __bool__(self) -> bool:
        """Refuse to be taken for a yes or a no.

        Raises:
            TypeError: always; the caller forgot the third value.
        """
        raise TypeError("an unknown is neither true nor false")


Truth = bool | Unknown


@dataclass(frozen=True, slots=True)
class Range:
    """A number known only to lie between two limits (`<20` is [0, 20); catalogue C4).

    `None` for a limit means unbounded.
    """

    low: Decimal | None
    high: Decimal | None
    low_included: bool = True
    high_included: bool = False


Value = Decimal | Range | Unknown | None
"""What a numeric term gives. `None`: there is no such value (the nadir of nothing)."""

_EXACT: dict[str, Callable[[Decimal, Decimal], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
    "!=": operator.ne,
}
_MIRROR = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "=", "!=": "!="}


def comparison(op: str) -> Callable[[Decimal, Decimal], bool]:
    """The exact comparison of two decimals that `op` names."""
    return _EXACT[op]


def compare(op: str, left: Value, right: Value) -> Truth:
    """Compare two values, three-valued.

    Returns:
        False when either side does not exist: a first value is never a rise. Unknown when either
        side can't be known, or when a range lies on both sides of the other value.
    """
    if isinstance(left, Unknown):
        return left
    if isinstance(right, Unknown):
        return right
    if left is None or right is None:
        return False
    if isinstance(left, Decimal):
        if isinstance(right, Decimal):
            return _EXACT[op](left, right)
        return _against(right, _MIRROR[op], left)
    if isinstance(right, Decimal):
        return _against(left, op, right)
    return Unknown("two values that are only known as ranges")


def _against(value: Range, op: str, limit: Decimal) -> Truth:
    if op == "!=":
        return negate(_against(value, "=", limit))
    if op == "=":
        inside = not (_below(value, limit, strictly=True) or _above(value, limit, strictly=True))
        return Unknown("reported only as above or below a limit") if inside else False
    if op in {"<", "<="}:
        if _below(value, limit, strictly=op == "<"):
            return True
        if _above(value, limit, strictly=op == "<="):
            return False
    else:
        if _above(value, limit, strictly=op == ">"):
            return True
        if _below(value, limit, strictly=op == ">="):
            return False
    return Unknown("reported only as above or below a limit")


def _below(value: Range, limit: Decimal, *, strictly: bool) -> bool:
    """Whether all of the range is below (or at) the limit."""
    if value.high is None:
        return False
    return value.high < limit or (value.high == limit and not (strictly and value.high_included))


def _above(value: Range, limit: Decimal, *, strictly: bool) -> bool:
    """Whether all of the range is above (or at) the limit."""
    if value.low is None:
        return False
    return value.low > limit or (value.low == limit and not (strictly and value.low_included))


def negate(value: Truth) -> Truth:
    """Three-valued not."""
    return value if isinstance(value, Unknown) else not value


def calculate(op: str, left: Value, right: Value) -> Value:
    """Exact arithmetic; with a missing or unknown part the result is missing or unknown."""
    if isinstance(left, Unknown):
        return left
    if isinstance(right, Unknown):
        return right
    if left is None or right is None:
        return None
    if isinstance(left, Range) or isinstance(right, Range):
        return Unknown("arithmetic on a value that is only known as a range")
    if op == "+":
        return left + right
    if op == "-":
        return left - right
    if op == "*":
        return left * right
    return left / right if right else Unknown("division by zero")
