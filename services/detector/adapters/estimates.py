"""Figures of small samples with their uncertainty: proportions, quantiles, a median's interval."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from math import comb
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from fractions import Fraction

_Z = Decimal("1.959964")
"""97.5th percentile of the normal distribution: two-sided 95 % intervals."""
_ONE_IN = 20
"""A 95 % interval may miss once in so many."""
_THOUSANDTH = Decimal("0.001")


@dataclass(frozen=True, slots=True)
class Share:
    """`hits` of `total`, with its 95 % interval (Wilson); nothing of nothing has neither."""

    hits: int
    total: int

    @property
    def value(self) -> Decimal | None:
        """The proportion, to three decimals."""
        if not self.total:
            return None
        return (Decimal(self.hits) / self.total).quantize(_THOUSANDTH)

    @property
    def interval(self) -> tuple[Decimal, Decimal] | None:
        """Wilson's score interval, which stays within 0 and 1 and holds for small numbers.

        Source:
            Wilson EB. Probable inference, the law of succession, and statistical inference.
            J Am Stat Assoc 1927;22:209-212.
        """
        if not self.total:
            return None
        n, p = Decimal(self.total), Decimal(self.hits) / self.total
        scale = 1 + _Z * _Z / n
        middle = (p + _Z * _Z / (2 * n)) / scale
        half = _Z * (p * (1 - p) / n + _Z * _Z / (4 * n * n)).sqrt() / scale
        low, high = max(Decimal(0), middle - half), min(Decimal(1), middle + half)
        return low.quantize(_THOUSANDTH), high.quantize(_THOUSANDTH)


def quantile(ordered: Sequence[int], part: Fraction) -> Decimal | None:
    """The value below which that part lies, between neighbours in proportion.

    Args:
        ordered: sorted.
        part: 0 to 1.

    Source:
        Hyndman RJ, Fan Y. Sample quantiles in statistical packages. Am Stat 1996;50:361-365,
        definition 7.
    """
    if not ordered:
        return None
    place = part * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    exact = ordered[below] + (place - below) * (ordered[above] - ordered[below])
    return Decimal(exact.numerator) / exact.denominator


def median_interval(ordered: Sequence[int]) -> tuple[int, int] | None:
    """An interval of at least 95 % for the median, whatever the distribution.

    The narrowest pair of values equally far from both ends that holds the median often enough:
    how many of n values lie below it is binomial with 1/2. Fewer than six have no such pair.

    Args:
        ordered: sorted.

    Source:
        Conover WJ. Practical Nonparametric Statistics, 3rd ed. 1999, section 3.2.
    """
    n, rank, beyond = len(ordered), 0, 1
    # `beyond`: ways, of 2**n, in which `rank` values or fewer lie below the median.
    while 2 * beyond * _ONE_IN <= 2**n:
        rank += 1
        beyond += comb(n, rank)
    return (ordered[rank - 1], ordered[n - rank]) if rank else None
