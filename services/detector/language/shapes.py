"""Whether each criterion makes sense by itself: its series, its conditions, what it can reach."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from services.detector.language.errors import unknown
from services.detector.language.intervals import days as days_of
from services.detector.language.names import Scope
from services.detector.language.outcomes import of_criterion
from services.detector.language.spec import (
    Anchor,
    Arm,
    Criterion,
    Grading,
    Leg,
    Milestone,
    Missing,
    Pattern,
    Sequence,
    Tiers,
    Unanswered,
    Unreported,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from services.detector.language.ast import Node, Place
    from services.detector.language.inference import Inference
    from services.detector.language.spec import Rule

ANY = "any"
"""What `refute` names instead of a tag: whatever it was confirmed as."""
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
            case Unanswered():
                self._unanswered(criterion)
            case Unreported():
                self._times(self._scope(criterion.each, "unreported"), criterion.due)
            case Sequence():
                self._sequence(criterion)
            case Grading():
                self._grading(criterion)

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

    def _value(self, value: Node | None, scope: Scope) -> None:
        if value is not None:
            self.inference.demand(value, scope, "number", "days")

    def _arms(self, arms: Iterable[Arm], scope: Scope) -> None:
        for arm in arms:
            self.inference.condition(arm.when, scope)
            self._value(arm.value, scope)
            if arm.grade is not None and not 1 <= arm.grade <= _MAX_GRADE:
                self.wrong(arm.place, "no such grade", f"1 to {_MAX_GRADE}")

    def _pattern(self, pattern: Pattern) -> None:
        scope = self._scope(pattern.each, "each")
        tags = {o.tag for o in of_criterion(pattern) if o.tag is not None}
        standing = replace(scope, suspects=frozenset(tags))
        self._conditions(scope, pattern.given)
        self._conditions(standing, pattern.reset)
        self._arms((*pattern.suspect, *pattern.confirmed, *pattern.info), scope)
        self._arms((*pattern.tags, *pattern.action, *pattern.graver), standing)
        self._conditions(scope, *(one.when for one in pattern.undecided))
        self._apart(pattern)
        self._value(pattern.value, scope)
        self._reachable(pattern)
        self._lasting(pattern, scope)
        if pattern.confirm is not None:
            self._times(_NO_FACT, pattern.confirm.not_before)
            self._conditions(standing, pattern.confirm.when)
        self._refutes(pattern, standing)
        if pattern.milestone is not None:
            self._milestone(pattern.milestone)

    def _grading(self, grading: Grading) -> None:
        """CTCAE has versions whose grades differ; of DAIDS there is one."""
        if grading.version is not None:
            self.inference.demand(grading.version, _NO_FACT, "number")
        if (grading.version is None) is (grading.table == "ctcae"):
            message = f"{grading.table} and its version"
            self.wrong(self.at("grade"), message, "'version' of ctcae, none of daids")

    def _milestone(self, milestone: Milestone) -> None:
        self._times(_NO_FACT, milestone.start, milestone.end, milestone.due)
        asked = {"due": milestone.due, "unusable": milestone.unusable, "late": milestone.late}
        for key, said in asked.items():
            if said and milestone.missing is None:
                place = self.at(f"milestone.{key}")
                self.wrong(place, f"{key!r} of a milestone that nobody misses", "'missing' as well")

    def _reachable(self, pattern: Pattern) -> None:
        if not (pattern.suspect or pattern.confirmed or pattern.info):
            self.wrong(pattern.place, "a criterion that can't hold", "'suspect' or 'confirmed'")
        if pattern.confirm and not pattern.suspect:
            self.wrong(self.at("confirm"), "'confirm' with nothing suspected", "'suspect' as well")
        if pattern.tags and not (pattern.confirmed or pattern.confirm):
            self.wrong(self.at("tags"), "'tags' with nothing confirmed", "'confirm' as well")
        if pattern.action and not (pattern.confirmed or pattern.confirm):
            self.wrong(self.at("action"), "'action' with nothing confirmed", "'confirm' as well")
        self._named((*pattern.tags, *pattern.action))
        for arm in pattern.graver:
            if arm.severity is None or arm.tag is not None or arm.grade is not None:
                self.wrong(arm.place, "not a severity", "the keys 'when' and 'severity'")
        for arm in pattern.info:
            if arm.severity is not None:
                self.wrong(arm.place, "information with a severity", "it is always advisory")

    def _lasting(self, pattern: Pattern, scope: Scope) -> None:
        """The calendar confirms what is suspected, and nothing else may do so in its stead."""
        for stay in pattern.stays:
            self._times(scope, stay.since)
            self._conditions(scope, stay.when)
        if pattern.stays and not pattern.suspect:
            self.wrong(self.at("stays"), "'stays' with nothing suspected", "'suspect' as well")
        if pattern.stays and (pattern.milestone or pattern.confirm):
            message = "'stays' beside another way to be confirmed"
            self.wrong(self.at("stays"), message, "neither 'confirm' nor 'milestone'")
        if pattern.untold and not pattern.stays:
            self.wrong(self.at("untold"), "'untold' without 'stays'", "'stays' as well")

    def _apart(self, criterion: Pattern | Tiers) -> None:
        """Where results are kept apart, all of them are; absence and other lines are not told."""
        each = [s for s in self._rule.series if s.name in criterion.each]
        kept = {s.apart for s in each if s.kind != "treatment"}  # treatment concerns all of them
        if len(kept) > 1:
            self.wrong(self.at("each"), "only some are kept apart", "'apart' in all or none")
        if not isinstance(criterion, Pattern):
            return
        if criterion.together and True not in kept:
            self.wrong(self.at("together"), "nothing is kept apart here", "'apart' in its series")
        if criterion.together or True not in kept:
            return
        if criterion.milestone is not None:
            self.wrong(self.at("milestone"), "a milestone kept apart", "a series without 'apart'")
        if criterion.confirm is not None and criterion.confirm.across_lines:
            self.wrong(self.at("confirm"), "lines crossed where results are kept apart")

    def _named(self, arms: Iterable[Arm]) -> None:
        """A tag, or a tier, is nothing without its name."""
        for arm in arms:
            if arm.tag is None:
                self.wrong(arm.place, "no tag", "the key 'tag'")

    def _refutes(self, pattern: Pattern, scope: Scope) -> None:
        tags = {o.tag for o in of_criterion(pattern) if o.state in ("confirmed", "info")}
        for refute in pattern.refute:
            self.inference.condition(refute.when, scope)
            if refute.confirmed_tag not in (None, ANY, *tags):
                message = f"nothing is confirmed as {refute.confirmed_tag!r}"
                self.wrong(self.at("refute"), message, "a tag of this criterion")
            if refute.info is not None and (refute.confirmed_tag or refute.tag):
                message = "'info' settles a suspicion"
                self.wrong(self.at("refute"), message, "neither 'confirmed' nor 'tag' beside it")

    def _tiers(self, tiers: Tiers) -> None:
        scope = self._scope(tiers.each, "each")
        self._conditions(scope, tiers.given)
        if not tiers.each:
            self.wrong(tiers.place, "no series to look at", "the key 'each'")
        self._arms((*tiers.arms, *tiers.suspect), scope)
        self._conditions(scope, tiers.refute, *(one.when for one in tiers.undecided))
        self._apart(tiers)
        self._named(tiers.arms)
        self._value(tiers.value, scope)

    def _missing(self, missing: Missing) -> None:
        self._scope(missing.evidence, "missing")
        self._conditions(_NO_FACT, missing.given)
        for index, anchor in enumerate(missing.anchors):
            self._anchor(anchor, f"after.{index}.series")

    def _unanswered(self, wait: Unanswered) -> None:
        """Only criteria with `each` find something to answer; the days that are due rise."""
        known = {c.name for c in self._rule.criteria if isinstance(c, Pattern)}
        for index, name in enumerate(wait.findings):
            if name not in known:
                self.wrong(self.at(f"unanswered.{index}"), *unknown("criterion", name, known))
        for index, answer in enumerate(wait.answers):
            self._conditions(self._scope(answer.each, f"answer.{index}.each"), answer.when)
        days = [days_of(one.after) for one in wait.due]
        if days != sorted(set(days)):
            self.wrong(self.at("due"), "days that do not rise", "the earliest first")

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
