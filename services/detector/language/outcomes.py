"""Which states and tags a rule can give: what its severities and sentences may speak of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from services.detector.language.spec import (
    Grading,
    Missing,
    Pattern,
    Sequence,
    Tiers,
    Unanswered,
    Unreported,
)

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
    said = [one for one in rule.criteria if one.name not in rule.serving]
    found = [outcome for criterion in said for outcome in of_criterion(criterion)]
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
            suspected = [Outcome("suspected", arm.tag, arm.severity) for arm in criterion.suspect]
            refuted = [] if criterion.refute is None else [Outcome("refuted")]
            return (*suspected, *(Outcome(state, a.tag, a.severity) for a in arms), *refuted)
        case Missing(anchors=anchors):
            overdue = [Outcome("overdue", a.tag, a.severity) for a in anchors]
            return (*overdue, *(Outcome("cleared", a.tag) for a in anchors))
        case Unanswered(due=due):
            overdue = [Outcome("overdue", one.tag, one.severity) for one in due]
            return (*overdue, *(Outcome("cleared", one.tag) for one in due))
        case Unreported(tag=tag):
            return (Outcome("overdue", tag), Outcome("cleared", tag))
        case Sequence(unless_missing=tag):
            said = (Outcome("suspected"), Outcome("confirmed"), Outcome("refuted"))
            return (*said, Outcome("suspected", tag), Outcome("confirmed", tag)) if tag else said
        case Grading():
            return ()


def _of_pattern(pattern: Pattern) -> Iterator[Outcome]:
    for arm in () if pattern.untold else pattern.suspect:
        yield Outcome("suspected", arm.tag, arm.severity)
    if pattern.confirm and pattern.suspect:
        for arm in pattern.suspect:
            yield Outcome("confirmed", pattern.confirm.tag or arm.tag)
    for arm in (*pattern.confirmed, *pattern.tags):
        yield Outcome("confirmed", arm.tag, arm.severity)
    for arm in pattern.info:
        yield Outcome("info", arm.tag)
    for stay in pattern.stays:
        for arm in pattern.suspect:
            yield Outcome("confirmed", stay.tag or arm.tag, stay.severity)
    yield from _of_refutation(pattern)
    if pattern.milestone and pattern.milestone.missing:
        for tag in filter(None, (pattern.milestone.missing, pattern.milestone.unusable)):
            yield Outcome("overdue", tag)
            yield Outcome("cleared", tag)


def _of_refutation(pattern: Pattern) -> Iterator[Outcome]:
    """Without `refute`, a suspicion that can be confirmed is refuted by what doesn't qualify."""
    for refute in pattern.refute:
        said = Outcome("refuted", refute.tag)
        yield said if refute.info is None else Outcome("info", refute.info)
    if pattern.confirm and not pattern.refute and not pattern.never_refuted:
        yield Outcome("refuted")
    elif pattern.confirm and pattern.confirm.within:
        yield Outcome("refuted")  # lapsed
