"""Whether each criterion makes sense by itself: its series, its conditions, what it can reach."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.detector.language.names import Scope
from services.detector.language.outcomes import of_criterion
from services.detector.language.spec import (
    Anchor,
    Arm,
    Criterion,
    Grading,
    Leg,
    Missing,
    Pattern,
    Sequence,
    Tiers,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from services.detector.language.ast import Node, Place
    from services.detector.language.inference import Inference
    from services.detector.language.spec import Rule

_NO_FACT = Scope(dated=False)
_MAX_GRADE = 5


def check_criteria(rule: Rule, inference: Inference) -> None:
    """Judge every criterion; mistakes go to the inference."""
    first: set[str] = set()
    for index, criterion in enumerate(rule.criteria):
        judge = _Judge(inference, rule, f"criteria.{index}")
        if criterion.name in first:
            message = f"a second criterion {criterion.name!r}"
            inference.wrong(judge.at("name"), message, "a name of its own")
        first.add(criterion.name)
        judge.check(criterion)


class _Judge:
    """Judges one criterion of a rule."""

    def __init__(self, inference: Inference, rule: Rule, path: str) -> None:
        self.inference = inference
        self.wrong = inference.wrong
        self._rule = rule
        self._path = path

    def at(self, key: str) -> Place:
        """Where a part of the criterion stands."""
        return self._rule.place_of(f"{self._path}.{key}")

    def check(self, criterion: Criterion) -> None:
        """Each shape in its own way."""
        match criterion:
            case Pattern():
                self._pattern(criterion)
            case Tiers():
                self._tiers(criterion)
            case Missing():
                self._missing(criterion)
            case Sequence():
                self._sequence(criterion)
            case Grading():
                self.inference.demand(criterion.version, _NO_FACT, "number")

    def _scope(self, each: tuple[str, ...], key: str) -> Scope:
        """The facts in question; each series has to be one of `reads`."""
        known = [
            name
            for index, name in enumerate(each)
            if self.inference.series(name, self.at(f"{key}.{index}"))
        ]
        return Scope(tuple(known))

    def _conditions(self, scope: Scope, *conditions: Node | None) -> None:
        for condition in conditions:
            if condition is not None:
                self.inference.condition(condition, scope)

    def _times(self, scope: Scope, *times: Node | None) -> None:
        for time in times:
            if time is not None:
                self.inference.time(time, scope)

    def _arms(self, arms: Iterable[Arm], scope: Scope) -> None:
        for arm in arms:
            self.inference.condition(arm.when, scope)
            if arm.grade is not None and not 1 <= arm.grade <= _MAX_GRADE:
                self.wrong(arm.place, "no such grade", f"1 to {_MAX_GRADE}")

    def _pattern(self, pattern: Pattern) -> None:
        scope = self._scope(pattern.each, "each")
        self._conditions(scope, pattern.given, pattern.reset)
        self._arms((*pattern.suspect, *pattern.confirmed, *pattern.tags), scope)
        self._reachable(pattern)
        if pattern.confirm is not None:
            self._times(_NO_FACT, pattern.confirm.not_before)
            self._conditions(scope, pattern.confirm.when)
        self._refutes(pattern, scope)
        if pattern.milestone is not None:
            self._times(_NO_FACT, pattern.milestone.start, pattern.milestone.end)

    def _reachable(self, pattern: Pattern) -> None:
        if not (pattern.suspect or pattern.confirmed):
            self.wrong(pattern.place, "a criterion that can't hold", "'suspect' or 'confirmed'")
        if pattern.confirm and not pattern.suspect:
            self.wrong(self.at("confirm"), "'confirm' with nothing suspected", "'suspect' as well")
        if pattern.tags and not (pattern.confirmed or pattern.confirm):
            self.wrong(self.at("tags"), "'tags' with nothing confirmed", "'confirm' as well")
        self._named(pattern.tags)

    def _named(self, arms: Iterable[Arm]) -> None:
        """A tag, or a tier, is nothing without its name."""
        for arm in arms:
            if arm.tag is None:
                self.wrong(arm.place, "no tag", "the key 'tag'")

    def _refutes(self, pattern: Pattern, scope: Scope) -> None:
        tags = {o.tag for o in of_criterion(pattern) if o.state == "confirmed"}
        for refute in pattern.refute:
            self.inference.condition(refute.when, scope)
            if refute.confirmed_tag is not None and refute.confirmed_tag not in tags:
                message = f"nothing is confirmed as {refute.confirmed_tag!r}"
                self.wrong(self.at("refute"), message, "a tag of this criterion")

    def _tiers(self, tiers: Tiers) -> None:
        scope = self._scope(tiers.each, "each")
        self._conditions(scope, tiers.given)
        if not tiers.each:
            self.wrong(tiers.place, "no series to look at", "the key 'each'")
        self._arms(tiers.arms, scope)
        self._named(tiers.arms)

    def _missing(self, missing: Missing) -> None:
        self._scope(missing.evidence, "missing")
        self._conditions(_NO_FACT, missing.given)
        for index, anchor in enumerate(missing.anchors):
            self._anchor(anchor, f"after.{index}.series")

    def _anchor(self, anchor: Anchor, key: str) -> None:
        if anchor.series is None:
            self.inference.clock_needed.append(anchor.place)
            scope = Scope()
        else:
            scope = self._scope((anchor.series,), key)
        self._conditions(scope, anchor.when)
        self._times(scope, anchor.valid_from, anchor.due)

    def _sequence(self, sequence: Sequence) -> None:
        legs = [("first.each", sequence.first), ("then.each", sequence.then)]
        if sequence.unless is not None:
            nearest = Leg(sequence.unless.each, sequence.unless.when)
            legs.append(("unless.nearest", nearest))
        elif sequence.unless_missing is not None:
            place = self.at("sequence.unless_missing")
            self.wrong(place, "'unless_missing' without 'unless'", "'unless' as well")
        for key, leg in legs:
            self._conditions(self._scope(leg.each, f"sequence.{key}"), leg.when)
