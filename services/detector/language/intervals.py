"""Periods that can never be fulfilled: an end before its beginning, a negative length.

Months are counted as a range of days, so that only what is impossible in every year is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from services.detector.language.ast import Arithmetic, Call, Duration, Name, Node, Param, Selection
from services.detector.language.errors import RuleError
from services.detector.language.spec import Anchor, Confirm, Milestone
from services.detector.language.unparse import unparse
from services.detector.language.walk import parts, walk

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from services.detector.language.spec import Rule


_DISTANCES: Final = (
    *("after", "more_than", "within", "gap", "rearm", "baseline_within"),
    "duration",
)


@dataclass(frozen=True, slots=True)
class Stretch:
    """A time as days after another one: `clock + 6 mo` is 179 to 185 days after `clock`."""

    base: str
    least: int
    most: int

    def moved(self, by: tuple[int, int], sign: int) -> Stretch:
        """Later (+1) or earlier (-1) by a range of days."""
        least, most = by if sign > 0 else (-by[1], -by[0])
        return Stretch(self.base, self.least + least, self.most + most)

    def surely_before(self, other: Stretch) -> bool:
        """Whether it comes first in every calendar."""
        return self.base == other.base and self.most < other.least


def days(duration: Duration) -> tuple[int, int]:
    """Least and most days of a duration."""
    n = duration.amount
    match duration.unit:
        case "min":
            return n // 1440, -(-n // 1440)
        case "h":
            return n // 24, -(-n // 24)
        case "wk":
            return 7 * n, 7 * n
        case "mo":
            # 400 years have 146,097 days; one month differs from the mean by three at most.
            return (n * 146097 // 4800 - 3, n * 146097 // 4800 + 4) if n else (0, 0)
        case "y":
            return 365 * n, 366 * n
        case _:
            return n, n


def impossible(rule: Rule) -> Iterator[RuleError]:
    """Every period of a rule that nothing can ever fall into."""
    params = {p.name: p.value for p in rule.params}
    for part in parts(rule.criteria):
        yield from _not_in_days(part)
        match part:
            case Confirm():
                yield from _confirm(part)
            case Milestone(start=start, end=end):
                yield from _backwards(start, end, "the milestone ends before it begins", params)
                if part.due is not None:
                    yield from _backwards(end, part.due, "due before the milestone ends", params)
            case Anchor(valid_from=Node() as start, due=due):
                yield from _backwards(start, due, "due before it can be fulfilled", params)
            case _:
                pass
    for node in expressions(rule):
        if isinstance(node, Selection):
            yield from _selection(node, params)
        elif isinstance(node, Duration) and node.amount < 0:
            yield RuleError(node.place, "a negative duration", "a minus before it instead")


def _not_in_days(part: object) -> Iterator[RuleError]:
    """The distances of a criterion are whole days: a month is no fixed number of them."""
    for name in _DISTANCES if not isinstance(part, Node) else ():
        length = getattr(part, name, None)
        if isinstance(length, Duration) and length.unit not in ("d", "wk"):
            yield RuleError(length.place, f"{name!r} in {length.unit!r}", "d or wk")


def expressions(rule: Rule) -> Iterator[Node]:
    """Every node of every expression and duration of a rule."""
    for part in parts(rule):
        if isinstance(part, Node):
            yield from walk(part)


def _confirm(confirm: Confirm) -> Iterator[RuleError]:
    if confirm.after and confirm.more_than:
        yield RuleError(confirm.more_than.place, "'after' and 'more_than' together", "one of them")
    if confirm.within is None:
        return
    longest = days(confirm.within)[1]
    if confirm.after and longest < days(confirm.after)[0]:
        yield RuleError(confirm.within.place, "'within' is shorter than 'after'", "a longer one")
    if confirm.more_than and longest <= days(confirm.more_than)[0]:
        yield RuleError(confirm.within.place, "'within' is not above 'more_than'", "a longer one")


def _backwards(
    start: Node, end: Node, message: str, params: Mapping[str, Node]
) -> Iterator[RuleError]:
    first, last = _stretch(start, params), _stretch(end, params)
    if first and last and last.surely_before(first):
        yield RuleError(end.place, message, f"not before {unparse(start)}")


def _selection(node: Selection, params: Mapping[str, Node]) -> Iterator[RuleError]:
    begin = node.since or node.after
    if begin and node.until:
        yield from _backwards(begin, node.until, "a period that ends before it begins", params)
    within, older = _length(node.within, params), _length(node.older_than, params)
    if node.within and within and older and within[1] <= older[0]:
        yield RuleError(node.within.place, "'within' is not above 'older than'", "a longer one")


def _length(node: Node | None, params: Mapping[str, Node]) -> tuple[int, int] | None:
    value = params.get(node.name) if isinstance(node, Param) else node
    return days(value) if isinstance(value, Duration) else None


def _stretch(node: Node, params: Mapping[str, Node]) -> Stretch | None:
    if isinstance(node, Name | Call):
        return Stretch(unparse(node), 0, 0)
    if not isinstance(node, Arithmetic) or node.op not in "+-":
        return None
    start, by = _stretch(node.left, params), _length(node.right, params)
    return start.moved(by, 1 if node.op == "+" else -1) if start and by else None
