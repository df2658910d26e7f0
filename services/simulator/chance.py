"""Dice that fall the same way on every machine.

Law of this file: every draw is an integer made from `Random.random()`, whose sequence Python
guarantees for a seed, and every value is computed in decimals. No binary logarithm or Gaussian,
whose last digit differs between C libraries, ever touches a result.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import ROUND_HALF_EVEN, Context, Decimal
from random import Random
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

T = TypeVar("T")

CONTEXT = Context(prec=28, rounding=ROUND_HALF_EVEN)
"""Our own, so that no caller's decimal settings can change a cohort."""
_STEPS = 1_000_000


class Chance:
    """Random draws for one patient."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng

    @classmethod
    def seeded(cls, *parts: object) -> Chance:
        """Dice whose sequence depends only on these parts, e.g. the seed and a patient's number."""
        return cls(Random("/".join(str(part) for part in parts)))

    def below(self, limit: int) -> int:
        """A whole number from 0 to `limit` - 1."""
        return int(self._rng.random() * limit)

    def between(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both included."""
        return low + self.below(high - low + 1)

    def happens(self, per_mille: int) -> bool:
        """Whether something comes to pass that does so `per_mille` times in a thousand."""
        return self.below(1000) < per_mille

    def pick(self, items: Sequence[T]) -> T:
        """One of these, each as likely."""
        return items[self.below(len(items))]

    def shuffled(self, items: Sequence[T]) -> list[T]:
        """These in random order (Fisher and Yates)."""
        deck = list(items)
        for last in range(len(deck) - 1, 0, -1):
            other = self.below(last + 1)
            deck[last], deck[other] = deck[other], deck[last]
        return deck

    def value(self, low: str, high: str, step: str) -> Decimal:
        """A value from `low` to `high` in multiples of `step`, the laboratory's last digit."""
        size = Decimal(step)
        return Decimal(low) + size * self.below(int((Decimal(high) - Decimal(low)) / size) + 1)

    def bell(self) -> Decimal:
        """About a standard normal draw, within ±6: twelve uniform draws less six."""
        total = sum(self.below(_STEPS) for _ in range(12))
        return CONTEXT.subtract(CONTEXT.divide(Decimal(total), Decimal(_STEPS)), Decimal(6))

    def noisy(self, value: Decimal, percent: str, step: str, limit: str = "2") -> Decimal:
        """`value` with biological and analytical scatter, rounded as the laboratory would.

        Args:
            value: the true value.
            percent: coefficient of variation.
            step: smallest step that is reported, e.g. `0.01`.
            limit: most standard deviations away, so that no draw crosses a planted threshold.
        """
        bound = Decimal(limit)
        draw = max(-bound, min(bound, self.bell()))
        factor = Decimal(1) + draw * Decimal(percent) / 100
        return rounded(CONTEXT.multiply(value, factor), step)

    def span(self, low: timedelta, high: timedelta) -> timedelta:
        """A length of time between these, to the minute, more often short than long."""
        minutes = int((high - low) / timedelta(minutes=1))
        return low + timedelta(minutes=min(self.below(minutes + 1), self.below(minutes + 1)))


def rounded(value: Decimal, step: str) -> Decimal:
    """`value` with as many decimals as `step` has; trailing zeros are kept."""
    return value.quantize(Decimal(step), rounding=ROUND_HALF_EVEN, context=CONTEXT)


def grown(value: Decimal, days: int, doubling_days: int) -> Decimal:
    """Exponential growth: `value` after `days`, doubling every `doubling_days`."""
    return CONTEXT.multiply(
        value, CONTEXT.power(Decimal(2), CONTEXT.divide(Decimal(days), Decimal(doubling_days)))
    )
