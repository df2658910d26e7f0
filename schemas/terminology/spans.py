"""Comparing values that are known only up to an interval: true, false, or unknown with a reason."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class Ungraded(StrEnum):
    """Why a value has no grade. A term of the table may give a reason of its own."""

    NO_UNIT = "no unit"
    OTHER_UNIT = "unit not of the table"
    NO_UPPER_LIMIT = "no upper limit of normal"
    NO_LOWER_LIMIT = "no lower limit of normal"
    NO_BASELINE = "no baseline"
    BASELINE_UNIT = "baseline in another unit"
    BASELINE_RANGE = "baseline without its own limit of normal"
    NO_SEX = "sex not known"
    ANTICOAGULATED = "not defined under an anticoagulant"
    CENSORED = "censored across a limit"


Truth = bool | Ungraded
"""True, false, or the reason why it is unknown."""


@dataclass(frozen=True, slots=True)
class Span:
    """The numbers that a result may stand for; a plain value is a span of one."""

    low: Decimal
    high: Decimal
    low_in: bool = True
    high_in: bool = True

    def times(self, factor: Decimal, offset: Decimal = Decimal(0)) -> Span:
        """Scale by a positive factor, then shift."""
        low, high = self.low * factor + offset, self.high * factor + offset
        return Span(low, high, self.low_in, self.high_in)


def compare(left: Span, operator: str, right: Span) -> Truth:
    """Compare by `>`, `>=`, `<` or `<=`; unknown where the spans leave both answers open."""
    if operator in {"<", "<="}:
        left, right = right, left
    if operator in {">", "<"}:
        yes, no = _all_above(left, right), left.high <= right.low
    else:
        yes, no = left.low >= right.high, _all_above(right, left)
    return yes if yes or no else Ungraded.CENSORED


def _all_above(left: Span, right: Span) -> bool:
    """Tell whether every number of `left` exceeds every number of `right`."""
    if left.low == right.high:
        return not (left.low_in and right.high_in)
    return left.low > right.high
