"""The parts of a rule in the engine's terms: conditions, numbers, days, arms, places of series.

Parameters and `let` names are written out on the way.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from services.detector.engine import finding, times
from services.detector.language.lowering.arguments import days
from services.detector.language.lowering.forms import FORMS
from services.detector.language.lowering.rule import Lowering
from services.detector.language.substitution import Substitution

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.detector.engine.terms import Term
    from services.detector.language import spec
    from services.detector.language.ast import Compare, Node
    from services.detector.language.lowering.rule import About


class Parts:
    """The parts of one rule; what they ask of the past gathers in `lowering`."""

    def __init__(self, rule: spec.Rule, watch: Callable[[Compare, Term], Term] | None) -> None:
        """Take the rule; `watch` may put a term of its own in place of every comparison."""
        self.rule = rule
        self.written = Substitution(rule)
        self.by_name = {one.name: self._written_out(one) for one in rule.series}
        moves = rule.clock is not None and rule.clock[0] == "last"
        self.lowering = Lowering(self.by_name, FORMS, watch, clock_moves=moves)

    def _written_out(self, one: spec.Series) -> spec.Series:
        since, only, unless = map(self.written, (one.since, one.only, one.unless))
        return replace(one, since=since, only=only, unless=unless)

    def seats(self, names: tuple[str, ...]) -> frozenset[int]:
        """The places of some series among those of the rule."""
        return frozenset().union(*map(self.lowering.seat, names))

    def condition(self, node: Node, about: About) -> Term:
        """A condition about facts of some series."""
        return self.lowering.condition(self.written(node), about)

    def condition_if_any(self, node: Node | None, about: About) -> Term | None:
        """A condition, where the rule has one."""
        return None if node is None else self.condition(node, about)

    def number_if_any(self, node: Node | None, about: About) -> Term | None:
        """A number, where the rule has one."""
        return None if node is None else self.lowering.number(self.written(node), about)

    def day(self, node: Node, about: About) -> Term:
        """A time as one day, the last that it may mean."""
        return times.last_day(self.lowering.time(self.written(node), about))

    def day_if_any(self, node: Node | None, about: About) -> Term | None:
        """A day, where the rule has one."""
        return None if node is None else self.day(node, about)

    def days_if_any(self, node: Node | None) -> int | None:
        """A duration in whole days, where the rule has one."""
        return None if node is None else days(self.written(node))

    def days(self, node: Node | None) -> int:
        """A duration in whole days; 0 where the rule has none."""
        return self.days_if_any(node) or 0

    def arms(self, arms: tuple[spec.Arm, ...], about: About) -> tuple[finding.Arm, ...]:
        """The ways in which a criterion can hold."""
        return tuple(self._arm(arm, about) for arm in arms)

    def _arm(self, arm: spec.Arm, about: About) -> finding.Arm:
        return finding.Arm(
            self.condition(arm.when, about),
            arm.tag,
            arm.grade,
            arm.severity,
            self.number_if_any(arm.value, about),
        )
