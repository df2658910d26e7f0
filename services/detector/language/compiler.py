"""A rule, read and checked, becomes machines of the engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from schemas.alerts import Citation, Kind, Severity, State
from schemas.terminology import daids
from schemas.terminology.adverse_events import preferred_term
from services.detector.engine import (
    escalation,
    finding,
    lasting,
    missing,
    pattern,
    sequence,
    tiers,
    times,
    unanswered,
    unreported,
)
from services.detector.engine.card import Card, TimeToAct
from services.detector.engine.comparable import MachineApart
from services.detector.engine.fact import Fact
from services.detector.engine.grader import Grader
from services.detector.engine.readiness import DEFAULT_ITEMS
from services.detector.engine.rule import Clock, CompiledRule, Course, Ends
from services.detector.engine.rule import Series as CompiledSeries
from services.detector.engine.truth import Unknown
from services.detector.engine.undecided import Reason, Undecided
from services.detector.language import spec
from services.detector.language.ast import Compare, Duration, Node, Quantity
from services.detector.language.lowering import Lowering, days
from services.detector.language.overrides import version
from services.detector.language.substitution import Substitution

if TYPE_CHECKING:
    from services.detector.engine.finding import Machine
    from services.detector.engine.terms import Term

_NEW_LINE, _NEXT_LINE = "new-line", "next-line"
_PHASES = frozenset(
    {"planned", "started", "administered", "held", "reduced", "completed", "stopped"}
)


def compile_rule(
    rule: spec.Rule, watch: Callable[[Compare, Term], Term] | None = None
) -> CompiledRule:
    """Compile one rule.

    Args:
        rule: as `reader` gives it, after `checker` and a site's overrides.
        watch: may put a term of its own in place of every comparison, to see how it turns out.

    Raises:
        RuleErrors: something that the checker ought to have refused.
    """
    return _Compiler(rule, watch).compile()


def _time(limit: spec.ActWithin, duration: Duration) -> TimeToAct:
    months = {"mo": 1, "y": 12}.get(duration.unit, 0) * duration.amount
    hours = duration.amount if duration.unit == "h" else 0
    fixed = {"d": 1, "wk": 7}.get(duration.unit, 0) * duration.amount
    return TimeToAct(
        days=fixed,
        months=months,
        hours=hours,
        from_onset=limit.counted_from == "onset",
        tier=limit.tier,
        evidence=limit.evidence,
    )


class _Compiler:
    def __init__(self, rule: spec.Rule, watch: Callable[[Compare, Term], Term] | None) -> None:
        self.rule = rule
        self.written = Substitution(rule)
        self.by_name = {
            one.name: replace(
                one,
                since=self.written(one.since),
                only=self.written(one.only),
                unless=self.written(one.unless),
            )
            for one in rule.series
        }
        self.lowering = Lowering(self.by_name, watch)

    def compile(self) -> CompiledRule:
        rule = self.rule
        machines = tuple(
            self._machine(criterion)
            for criterion in rule.criteria
            if not isinstance(criterion, spec.Grading) and criterion.name not in rule.serving
        )
        figures = tuple(self._figures())
        closer_watch = self._optional(rule.closer_watch, ())
        series = tuple(self._series(one) for one in rule.series)
        if self.lowering.asks_person:
            series += (CompiledSeries("patient", frozenset({"patient"})),)
        reach = max([self.lowering.reach_days, *(machine.reach_days for machine in machines)])
        return CompiledRule(
            id=rule.id,
            card=self._card(),
            series=series,
            machines=machines,
            registers=tuple(self.lowering.registers),
            conditions=frozenset(rule.conditions),
            modalities=frozenset(rule.modalities),
            regimens=frozenset(regimen.lower() for regimen in rule.regimens),
            drug_classes=frozenset(name.lower() for name in rule.drug_classes),
            line=rule.line,
            clock=None
            if rule.clock is None
            else Clock(last=rule.clock[0] == "last", phases=frozenset(rule.clock[1:])),
            ends=self._ends(),
            reach_days=reach,
            figures=figures,
            closer_watch=closer_watch,
            graders=tuple(
                self._grader(criterion)
                for criterion in rule.criteria
                if isinstance(criterion, spec.Grading)
            ),
        )

    def _figures(self) -> Iterator[tuple[frozenset[int], Term]]:
        """The numbers that entries carry: also worth knowing while there is no entry."""
        for criterion in self.rule.criteria:
            value = getattr(criterion, "value", None)
            if isinstance(criterion, spec.Pattern | spec.Tiers) and value is not None:
                number = self._number(value, criterion.each)
                assert number is not None, "there is one"  # noqa: S101
                yield self._indexes(criterion.each), number

    # -- what the rule sees

    def _ends(self) -> Ends:
        words = frozenset(self.rule.ends)
        return Ends(
            new_line=_NEW_LINE in words,
            next_line=_NEXT_LINE in words,
            phases=words & _PHASES,
            series=frozenset().union(*(self._indexes((w,)) for w in words if w in self.by_name)),
        )

    def _series(self, one: spec.Series) -> CompiledSeries:
        about = (one.name,)
        return CompiledSeries(
            name=one.name,
            topics=frozenset(one.analytes) if one.kind == "observation" else _TOPICS[one.kind],
            accepts=_ACCEPTS[one.kind](one),
            since=None if one.since is None else self._day(one.since, about),
            unless=self._optional(one.unless, about),
            only=self._optional(one.only, about),
            preliminary=one.preliminary,
        )

    def _indexes(self, names: tuple[str, ...]) -> frozenset[int]:
        order = list(self.by_name)
        return frozenset(order.index(name) for name in names)

    # -- criteria

    def _condition(self, node: Node, about: tuple[str, ...]) -> Term:
        return self.lowering.condition(self.written(node), about)

    def _optional(self, node: Node | None, about: tuple[str, ...]) -> Term | None:
        return None if node is None else self._condition(node, about)

    def _number(self, node: Node | None, about: tuple[str, ...]) -> Term | None:
        return None if node is None else self.lowering.number(self.written(node), about)

    def _day(self, node: Node, about: tuple[str, ...]) -> Term:
        return times.last_day(self.lowering.time(self.written(node), about))

    def _days(self, node: Node | None) -> int | None:
        return None if node is None else days(self.written(node))

    def _arms(self, arms: tuple[spec.Arm, ...], about: tuple[str, ...]) -> tuple[finding.Arm, ...]:
        return tuple(
            finding.Arm(
                self._condition(arm.when, about),
                arm.tag,
                arm.grade,
                arm.severity,
                self._number(arm.value, about),
            )
            for arm in arms
        )

    def _apart(self, criterion: spec.Pattern | spec.Tiers, machine: Machine) -> Machine:
        """One for each specimen and method, where its series are kept apart."""
        apart = any(self.by_name[name].apart for name in criterion.each)
        shared = self._indexes(tuple(n for n in criterion.each if not self.by_name[n].apart))
        apart = apart and not (isinstance(criterion, spec.Pattern) and criterion.together)
        if criterion.undecided:
            machine = Undecided(machine, self._reasons(criterion))
        return MachineApart(machine, shared) if apart else machine

    def _reasons(self, criterion: spec.Pattern | spec.Tiers) -> tuple[Reason, ...]:
        return tuple(
            Reason(self._condition(one.when, criterion.each), Unknown(one.because))
            for one in criterion.undecided
        )

    def _machine(self, criterion: spec.Criterion) -> Machine:
        match criterion:
            case spec.Pattern():
                return self._apart(criterion, self._lasting(criterion))
            case spec.Tiers():
                return self._apart(criterion, self._tiers(criterion))
            case spec.Missing():
                return self._missing(criterion)
            case spec.Unanswered():
                return self._unanswered(criterion)
            case spec.Unreported(each=each, due=due):
                return unreported.Unreported(
                    criterion.name, self._indexes(each), self._day(due, each), criterion.tag
                )
            case spec.Sequence():
                return self._sequence(criterion)
            case spec.Grading():
                raise AssertionError("a grading is no machine")

    def _lasting(self, criterion: spec.Pattern) -> Machine:
        """With the calendar, where it has a say."""
        machine = self._pattern(criterion)
        if not criterion.stays:
            return machine
        stays = tuple(self._stay(one, criterion.each) for one in criterion.stays)
        return lasting.Lasting(pattern=machine, stays=stays, untold=criterion.untold)

    def _stay(self, stay: spec.Stay, about: tuple[str, ...]) -> lasting.Stay:
        return lasting.Stay(
            self._days(stay.duration) or 0,
            None if stay.since is None else self._day(stay.since, about),
            self._optional(stay.when, about),
            stay.tag,
            stay.severity,
        )

    def _pattern(self, criterion: spec.Pattern) -> pattern.Pattern:
        about = criterion.each
        return pattern.Pattern(
            name=criterion.name,
            listens=self._indexes(about),
            given=self._optional(criterion.given, about),
            suspect=self._arms(criterion.suspect, about),
            confirmed=self._arms(criterion.confirmed, about),
            info=self._arms(criterion.info, about),
            confirm=self._confirm(criterion.confirm, about),
            refute=tuple(
                pattern.Refutation(
                    self._condition(one.when, about),
                    self._days(one.after) or 0,
                    one.confirmed_tag,
                    one.tag,
                    one.info,
                    one.anew,
                )
                for one in criterion.refute
            ),
            renames=criterion.renames,
            graver=self._arms(criterion.graver, about),
            refute_by_default=not criterion.never_refuted,
            reset=self._optional(criterion.reset, about),
            milestone=self._milestone(criterion.milestone, about),
            tags=self._arms(criterion.tags, about),
            actions=self._arms(criterion.action, about),
            value=self._number(criterion.value, about),
        )

    def _confirm(
        self, confirm: spec.Confirm | None, about: tuple[str, ...]
    ) -> pattern.Confirmation | None:
        if confirm is None:
            return None
        strictly = confirm.more_than is not None
        return pattern.Confirmation(
            after=self._days(confirm.more_than if strictly else confirm.after) or 0,
            strictly=strictly,
            within=self._days(confirm.within),
            gap=self._days(confirm.gap),
            not_before=None if confirm.not_before is None else self._day(confirm.not_before, about),
            when=self._optional(confirm.when, about),
            tag=confirm.tag,
            across_lines=confirm.across_lines,
        )

    def _milestone(
        self, milestone: spec.Milestone | None, about: tuple[str, ...]
    ) -> pattern.Milestone | None:
        if milestone is None:
            return None
        return pattern.Milestone(
            self._day(milestone.start, about),
            self._day(milestone.end, about),
            milestone.missing,
            due=None if milestone.due is None else self._day(milestone.due, about),
            unusable=milestone.unusable,
            late=milestone.late,
        )

    def _tiers(self, criterion: spec.Tiers) -> tiers.Tiers | escalation.Escalation:
        about = criterion.each
        if criterion.escalates or criterion.suspect or criterion.refute is not None:
            return self._escalation(criterion)
        return tiers.Tiers(
            criterion.name,
            self._indexes(about),
            self._arms(criterion.arms, about),
            state=State(criterion.state),
            given=self._optional(criterion.given, about),
            rearm=self._days(criterion.rearm),
            value=self._number(criterion.value, about),
        )

    def _escalation(self, criterion: spec.Tiers) -> escalation.Escalation:
        about = criterion.each
        return escalation.Escalation(
            criterion.name,
            self._indexes(about),
            self._arms(criterion.arms, about),
            state=State(criterion.state),
            given=self._optional(criterion.given, about),
            rearm=self._days(criterion.rearm),
            value=self._number(criterion.value, about),
            suspect=self._arms(criterion.suspect, about),
            refute=self._optional(criterion.refute, about),
            keeps_onset=criterion.escalates,
            resumes=criterion.resumes,
        )

    def _missing(self, criterion: spec.Missing) -> missing.Missing:
        return missing.Missing(
            criterion.name,
            self._indexes(criterion.evidence),
            tuple(self._anchor(anchor) for anchor in criterion.anchors),
            given=self._optional(criterion.given, criterion.evidence),
            preliminary=criterion.preliminary,
        )

    def _unanswered(self, criterion: spec.Unanswered) -> unanswered.Unanswered:
        by_name = {one.name: one for one in self.rule.criteria}
        return unanswered.Unanswered(
            criterion.name,
            tuple(self._machine(by_name[name]) for name in criterion.findings),
            tuple(
                unanswered.Answer(self._indexes(one.each), self._optional(one.when, one.each))
                for one in criterion.answers
            ),
            tuple(
                unanswered.Due(self._days(due.after) or 0, due.tag, due.severity)
                for due in criterion.due
            ),
        )

    def _anchor(self, anchor: spec.Anchor) -> missing.Anchor:
        about = () if anchor.series is None else (anchor.series,)
        return missing.Anchor(
            series=None if anchor.series is None else self._indexes(about),
            due=self._day(anchor.due, about),
            valid_from=None if anchor.valid_from is None else self._day(anchor.valid_from, about),
            when=self._optional(anchor.when, about),
            tag=anchor.tag,
            severity=anchor.severity,
        )

    def _sequence(self, criterion: spec.Sequence) -> sequence.Sequence:
        unless = criterion.unless
        return sequence.Sequence(
            criterion.name,
            self._leg(criterion.first),
            self._leg(criterion.then),
            within=self._days(criterion.within) or 0,
            unless=None
            if unless is None
            else sequence.Nearest(
                self._indexes(unless.each),
                self._days(unless.within) or 0,
                self._condition(unless.when, unless.each),
            ),
            unless_missing=criterion.unless_missing,
        )

    def _leg(self, leg: spec.Leg) -> sequence.Leg:
        return sequence.Leg(self._indexes(leg.each), self._condition(leg.when, leg.each))

    def _grader(self, criterion: spec.Grading) -> Grader:
        window = self._days(criterion.baseline_within) or 0
        if criterion.version is None:
            return Grader(criterion.name, criterion.table, daids.VERSION, window)
        number = self.written(criterion.version)
        if not isinstance(number, Quantity):
            raise TypeError("the version of a grading is a number")
        return Grader(criterion.name, criterion.table, int(number.value), window)

    # -- what the rule says

    def _card(self) -> Card:
        rule = self.rule
        times = {
            key: _time(limit, self._duration(limit.duration)) for key, limit in rule.act_within
        }
        sentences = dict(rule.sentences)
        if rule.sentence:
            sentences.setdefault("default", rule.sentence)
        return Card(
            rule=rule.id,
            version=version(rule),
            title=rule.title,
            kind=Kind(rule.kind) if rule.kind != "function" else Kind.INTOLERANCE,
            severity={key: Severity(value) for key, value in rule.severity},
            act_within=times,
            sentences={key: " ".join(text.split()) for key, text in sentences.items()},
            confirm_after=self._confirm_after(),
            readiness=self._readiness(),
            options=rule.options,
            to_be_checked=rule.to_be_checked,
            source=tuple(
                Citation.model_validate(
                    {"cite": one.cite, "confidence": one.confidence, "note": one.note}
                )
                for one in rule.source
            ),
        )

    def _duration(self, node: Node) -> Duration:
        written = self.written(node)
        if not isinstance(written, Duration):
            raise TypeError("the time to act is a duration")
        return written

    def _readiness(self) -> tuple[str, ...]:
        """A failure asks whether salvage is possible, so it always carries all that bears on it."""
        own = self.rule.readiness
        if self.rule.kind == "failure" or not own:
            return tuple(dict.fromkeys((*own, *DEFAULT_ITEMS)))
        return own

    def _confirm_after(self) -> dict[str, int]:
        found = {}
        for one in self.rule.criteria:
            if isinstance(one, spec.Pattern) and one.confirm is not None:
                least = self._days(one.confirm.after)
                more = self._days(one.confirm.more_than)
                found[one.name] = more + 1 if more is not None else least or 0
        return found


# ---------------------------------------------------------------- which facts a series takes

Accepts = Callable[[Fact, Course], bool] | None
_TOPICS = {
    "imaging": frozenset({"imaging_report"}),
    "treatment": frozenset({"treatment"}),
    "adverse_event": frozenset({"adverse_event"}),
}


def _treatments(one: spec.Series) -> Accepts:
    modalities, phases = frozenset(one.modalities) - {"any"}, frozenset(one.phases)
    regimens = frozenset(regimen.lower() for regimen in one.regimens)
    classes = frozenset(name.lower() for name in one.classes)

    def accepts(fact: Fact, course: Course) -> bool:
        event = fact.event
        if one.own:
            if event.course_id != course.id:
                return False
        elif not (one.any_condition or course.id is None or event.condition in course.conditions):
            return False
        return (
            (not modalities or event.modality in modalities)
            and (not phases or event.phase in phases)
            and (not regimens or (event.regimen or "").lower() in regimens)
            and (not classes or any(c.lower() in classes for c in event.drug_classes or ()))
        )

    return accepts


def _images(one: spec.Series) -> Accepts:
    modalities, criteria = frozenset(one.modalities) - {"any"}, frozenset(one.criteria)
    if not modalities and not criteria:
        return None

    def accepts(fact: Fact, course: Course) -> bool:
        del course
        event = fact.event
        return (not modalities or event.modality in modalities) and (
            not criteria or event.criteria in criteria
        )

    return accepts


def _adverse_events(one: spec.Series) -> Accepts:
    wanted = frozenset(preferred_term(term) for term in one.terms) - {"any"}
    unwanted = frozenset(preferred_term(term) for term in one.other_than)
    if not (wanted or unwanted):
        return None

    def accepts(fact: Fact, course: Course) -> bool:
        del course
        term = preferred_term(fact.event.term, fact.event.code)
        return term not in unwanted and (not wanted or term in wanted)

    return accepts


_ACCEPTS: dict[str, Callable[[spec.Series], Accepts]] = {
    "observation": lambda _: None,
    "imaging": _images,
    "treatment": _treatments,
    "adverse_event": _adverse_events,
}
