"""The positive predictive value of a rule, from dispositions, and what follows from it.

Source:
    The interval is that of E. B. Wilson, "Probable inference, the law of succession, and
    statistical inference", J Am Stat Assoc 1927;22:209-212 (H). Floor and number of dispositions
    are the notifier's design (CHOICE); published triggers reach 58 to 70 % (Murphy, BMJ Qual Saf
    2014, C).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from typing import TYPE_CHECKING, Final, NamedTuple

from schemas.actions import Counts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from schemas.actions import Disposition

Z_95: Final = Decimal("1.959963984540054")
"""Two-sided 95 % of the normal distribution."""
FLOOR: Final = Decimal("0.5")
ENOUGH: Final = 30
_PLACES: Final = Decimal("0.0001")


class Interval(NamedTuple):
    """From and to, as proportions."""

    low: Decimal
    high: Decimal


@dataclass(frozen=True, slots=True)
class Tally:
    """Dispositions of a rule, by how they count."""

    true: int = 0
    false: int = 0
    apart: int = 0
    neutral: int = 0

    @property
    def judged(self) -> int:
        """How many say whether the alert was right."""
        return self.true + self.false

    @property
    def ppv(self) -> Decimal | None:
        """The share of right ones, to four places; None without any judged."""
        return (Decimal(self.true) / self.judged).quantize(_PLACES) if self.judged else None


def tally(dispositions: Iterable[Disposition]) -> Tally:
    """Count dispositions."""
    return tally_of(Counter(dispositions))


def tally_of(given: Mapping[Disposition, int]) -> Tally:
    """Count dispositions of which it is known how often each was given."""
    counted: Counter[Counts] = Counter()
    for one, times in given.items():
        counted[one.counts] += times
    return Tally(**{str(each): counted[each] for each in Counts})


def wilson(right: int, of: int, z: Decimal = Z_95) -> Interval | None:
    """The Wilson score interval of a proportion, to four places; None of nothing.

    Raises:
        ValueError: more right than there are, or less than none.
    """
    if not 0 <= right <= of:
        raise ValueError("right: expected a number from 0 to `of`")
    if of == 0:
        return None
    with localcontext() as context:
        context.prec, context.rounding = 28, ROUND_HALF_EVEN
        share, number = Decimal(right) / of, Decimal(of)
        whole = 1 + z * z / number
        middle = (share + z * z / (2 * number)) / whole
        spread = z * (share * (1 - share) / number + z * z / (4 * number * number)).sqrt() / whole
        low = Decimal(0) if right == 0 else middle - spread
        high = Decimal(1) if right == of else middle + spread
    return Interval(low.quantize(_PLACES), high.quantize(_PLACES))


class Standing(NamedTuple):
    """Whether a rule may interrupt, and the line that goes into the audit trail.

    Attributes:
        rule: its id.
        interrupts: whether it may; if not, its alerts begin with a digest.
        changed: whether that is new, and ops and the clinical lead are to be told.
        why: the numbers.
        at: when it was decided.
    """

    rule: str
    interrupts: bool
    changed: bool
    why: str
    at: datetime


def judge(
    rule: str, recent: Sequence[Disposition], at: datetime, *, interrupts: bool = True
) -> Standing:
    """Decide whether a rule may go on interrupting.

    A rule loses that when fewer than half of its last 30 judged alerts were right. It does not get
    it back by itself: a person decides that, with a corrected rule.

    Args:
        rule: its id.
        recent: its dispositions, the latest last.
        at: when it is decided.
        interrupts: whether it does now.
    """
    judged = [one for one in recent if one.counts in (Counts.TRUE, Counts.FALSE)]
    last = tally(judged[-ENOUGH:])
    if last.ppv is None or last.judged < ENOUGH:
        why = f"{last.judged} judged dispositions, of {ENOUGH} that are needed"
        return Standing(rule, interrupts, changed=False, why=why, at=at)
    share = wilson(last.true, last.judged)
    told = f"{last.true} of the last {last.judged} were right"
    why = told if share is None else f"{told} (95 % interval {share.low} to {share.high})"
    keeps = interrupts and Decimal(last.true) / last.judged >= FLOOR
    return Standing(rule, keeps, changed=keeps != interrupts, why=why, at=at)
