"""Which states and tags a rule can give: what its severities and sentences may speak of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from services.detector.language.spec import Grading, Missing, Pattern, Sequence, Tiers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from services.detector.language.spec import Criterion, Rule

STANDING: Final = frozenset({"suspected", "confirmed", "overdue", "window"})
"""States of an alert that someone has to look at; the others take one back."""
DEFAULT: Final = "default"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One way in which a criterion can end up in the journal."""

    state: str
    tag: str | None = None
    severity: str | None = None

    def covered_by(self, keys: set[str]) -> bool:
        """Whether a mapping by tag, state or `default` says something about it."""
        return bool({self.tag, self.state, DEFAULT} & keys)


def outcomes(rule: Rule) -> tuple[Outcome, ...]:
    """Everything that a rule can say. A correction can retract any of it."""
    found = [outcome for criterion in rule.criteria for outcome in of_criterion(criterion)]
    return tuple(dict.fromkeys([*found, Outcome("retracted")] if found else ()))


def words_of(rule: Rule) -> set[str]:
    """The states and tags by which a mapping of this rule may be keyed."""
    said = outcomes(rule)
    return {o.state for o in said} | {o.tag for o in said if o.tag} | {DEFAULT}


def of_criterion(criterion: Criterion) -> tuple[Outcome, ...]:
    """What one criterion can give."""
    match criterion:
        case Pattern():
            return tuple(_of_pattern(criterion))
        case Tiers(state=state, arms=arms):
            return tuple(Outcome(state, arm.tag, arm.severity) for arm in arms)
        case Missing(anchors=anchors):
            overdue = [Outcome("overdue", a.tag, a.severity) for a in anchors]
            return (*overdue, *(Outcome("cleared", a.tag) for a in anchors))
        case Sequence(unless_missing=tag):
            said = (Outcome("suspected"), Outcome("confirmed"), Outcome("refuted"))
            return (*said, Outcome("suspected", tag), Outcome("confirmed", tag)) if tag else said
        case Grading():
            return ()


def _of_pattern(pattern: Pattern) -> Iterator[Outcome]:
    for arm in pattern.suspect:
        yield Outcome("suspected", arm.tag, arm.severity)
    if pattern.confirm and pattern.suspect:
        for arm in pattern.suspect:
            yield Outcome("confirmed", pattern.confirm.tag or arm.tag)
    for arm in (*pattern.confirmed, *pattern.tags):
        yield Outcome("confirmed", arm.tag, arm.severity)
    yield from _of_refutation(pattern)
    if pattern.milestone and pattern.milestone.missing:
        yield Outcome("overdue", pattern.milestone.missing)
        yield Outcome("cleared", pattern.milestone.missing)


def _of_refutation(pattern: Pattern) -> Iterator[Outcome]:
    """Without `refute`, a suspicion that can be confirmed is refuted by what doesn't qualify."""
    for refute in pattern.refute:
        yield Outcome("refuted", refute.tag)
    if pattern.confirm and not pattern.refute and not pattern.never_refuted:
        yield Outcome("refuted")
    elif pattern.confirm and pattern.confirm.within:
        yield Outcome("refuted")  # lapsed
