"""What `salvage explain` says of the cases of every rule, held against what came to pass."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import pytest
from support import packs

from schemas.alerts import OPEN_STATES
from schemas.events import Observation, Status
from services.detector.adapters.outlook import Hearing, Outlook, outlook
from services.detector.adapters.replay import journal
from services.detector.engine.fact import Fact
from services.detector.engine.instants import day_of, end_of, instant
from services.detector.engine.margin import sides_of
from services.detector.language.compiler import compile_rule
from services.detector.rulebook.facts import events_of
from services.detector.rulebook.runner import asked_by, until_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from decimal import Decimal

    from schemas.events import ClinicalEvent
    from services.detector.adapters.views import CriterionView, Look, Prospect
    from services.detector.engine.finding import Finding
    from services.detector.engine.lane import Lane
    from services.detector.engine.margin import Limit
    from services.detector.engine.rule import CompiledRule
    from services.detector.rulebook.cases import Case

ALERTING = {rule.id: rule for rule in packs.rules() if rule.kind != "function"}
CASES = [case for case in packs.cases() if case.rule in ALERTING]
LAST = "zzzz"
"""The id of the result that is put to the test: it stands behind all others of its moment."""
compiled = lru_cache(256)(compile_rule)


class Told(NamedTuple):
    """A case as events."""

    case: Case
    rule: CompiledRule
    events: list[ClinicalEvent]

    @property
    def patient_id(self) -> str:
        return self.events[0].patient_id

    def moments(self) -> list[datetime]:
        return sorted({one.issued_at for one in self.events if one.issued_at is not None})

    def known(self, moment: datetime) -> list[ClinicalEvent]:
        return [one for one in self.events if one.issued_at and one.issued_at <= moment]

    def outlook(self, moment: datetime) -> Outlook:
        return outlook(self.known(moment), self.patient_id, (self.rule,), moment)


def told(rule: str) -> Iterator[Told]:
    for case in CASES:
        if case.rule == rule:
            asked = asked_by(case, ALERTING[rule])
            events: list[ClinicalEvent] = [event for _, event in events_of(case, asked)]
            if events:
                yield Told(case, compiled(asked), events)


def lanes(
    events: list[ClinicalEvent], rule: CompiledRule, patient_id: str, until: datetime | None
) -> dict[str | None, Lane]:
    monitor = Hearing((rule,))
    for _ in journal(events, monitor, until=until):
        pass
    return {course: lane for (_, course), lane in monitor.lanes(patient_id)}


@pytest.mark.parametrize("rule", sorted(ALERTING))
def test_what_stands_is_told_as_it_was_published(rule: str) -> None:
    for one in told(rule):
        entries = list(journal(one.events, Hearing((one.rule,)), until=until_of(one.case)))
        if not entries or entries[-1].state not in OPEN_STATES:
            continue
        last = entries[-1]
        found = outlook(one.events, one.patient_id, (one.rule,), last.at)
        alerts = [each.alert for view in found.views for each in view.criteria]
        shown = {(a.state, a.tag, a.at, a.revision) for a in alerts if a is not None}
        assert (last.state, last.tag, last.at, last.revision) in shown, one.case.id


# --- The earliest date ----------------------------------------------------------------------------


@pytest.mark.parametrize("rule", sorted(ALERTING))
def test_nothing_fires_on_facts_dated_before_the_day_that_was_named(rule: str) -> None:
    for one in told(rule):
        for moment in one.moments()[:-1][-2:]:
            if only_later_facts_follow(one, moment):
                after = lanes(one.events, one.rule, one.patient_id, until_of(one.case))
                for view in one.outlook(moment).views:
                    lane = after.get(view.course_id)
                    for criterion in view.criteria if lane is not None else ():
                        said = findings_after(lane, criterion, day_of(instant(moment)))
                        assert list(too_early(criterion, said)) == [], one.case.id


def only_later_facts_follow(one: Told, moment: datetime) -> bool:
    """No correction, and no old fact that only became known later: explain can't know of those."""
    known, today = one.known(moment), day_of(instant(moment))
    facts = [Fact(event, instant(moment)) for event in one.events if event not in known]
    keys = {(event.source, event.event_id) for event in known}
    return all(fact.day > today and fact.key not in keys for fact in facts)


def findings_after(lane: Lane | None, criterion: CriterionView, today: int) -> list[Finding]:
    assert lane is not None
    everything = lane.findings(end_of(today + 20_000))[0]
    mine = [one for one in everything if one.criterion == criterion.name]
    return [one for one in mine if one.trigger is not None and one.trigger.day > today]


def too_early(criterion: CriterionView, said: list[Finding]) -> Iterator[tuple[object, ...]]:
    """Findings at facts dated before the first day that was named for them."""
    for finding in said if criterion.serves is None else ():
        ways = ways_to(criterion, finding)
        if not ways or any(way.unclocked for way in ways):
            continue
        first = min((way.earliest for way in ways if way.earliest is not None), default=None)
        assert finding.trigger is not None
        if first is None or finding.trigger.day < first:
            yield criterion.name, finding.state, finding.tag, first, finding.trigger.day


def ways_to(criterion: CriterionView, finding: Finding) -> list[Prospect]:
    """Those of its state and tag; a rule's `tags` give a confirmed finding a name of their own."""
    ways = [way for way in criterion.prospects if way.state is finding.state]
    return [way for way in ways if way.tag == finding.tag] or ways


def test_a_day_named_one_too_late_would_be_noticed() -> None:
    """Of the cases of one rule: something does fire on the very day that was named for it."""
    noticed = 0
    for one in told("HIV-VF-WHO"):
        for moment in one.moments()[:-1][-2:]:
            after = lanes(one.events, one.rule, one.patient_id, until_of(one.case))
            for view in one.outlook(moment).views:
                lane, today = after.get(view.course_id), day_of(instant(moment))
                for criterion in view.criteria if lane is not None else ():
                    said = findings_after(lane, criterion, today)
                    noticed += len(list(too_early(a_day_later(criterion, today), said)))
    assert noticed > 2


def a_day_later(criterion: CriterionView, today: int) -> CriterionView:
    later = [
        replace(one, earliest=one.earliest + 1) if one.earliest and one.earliest > today else one
        for one in criterion.prospects
    ]
    return replace(criterion, prospects=tuple(later))


# --- The limits -----------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", sorted(ALERTING))
def test_at_a_limit_it_fires_and_one_step_short_of_it_not(rule: str) -> None:
    for one in told(rule):
        for moment in one.moments()[-2:-1]:
            for view in one.outlook(moment).views:
                for criterion, prospect, look, limit in stated(view.criteria):
                    at, short = (
                        said_of(one, moment, view.course_id, look, limit, value)
                        for value in sides_of(limit)
                    )
                    turned = {(name, state) for name, state, _ in at - short}
                    assert (criterion.name, prospect.state) in turned, (one.case.id, limit)


def test_limits_are_stated_at_all() -> None:
    for rule in ("PROST-PHOENIX", "HIV-VF-WHO", "CML-ELN", "TOX-DILI-STOP"):
        views = [view for one in told(rule) for view in one.outlook(one.moments()[-1]).views]
        assert sum(1 for view in views for _ in stated(view.criteria)) > 2, rule


def stated(
    criteria: tuple[CriterionView, ...],
) -> Iterator[tuple[CriterionView, Prospect, Look, Limit]]:
    """The limits of results that were reported in the unit in which the limit is stated."""
    for criterion in criteria:
        for prospect in criterion.prospects if criterion.serves is None else ():
            for look in prospect.looks:
                for limit in look.limits:
                    if look.last.event.unit == (limit.unit or None):
                        yield criterion, prospect, look, limit


def said_of(
    one: Told, moment: datetime, course: str | None, look: Look, limit: Limit, value: Decimal
) -> set[tuple[str, object, str | None]]:
    """What the rule says of one more result with that value on the day that was named."""
    end = datetime.combine(date.fromordinal(limit.day), time.max, UTC)
    at = end if look.last.precise else end.date()
    event: Observation = look.last.event.model_copy(
        update={
            "event_id": LAST,
            "source": LAST,
            "value": value,
            "comparator": None,
            "effective_at": at,
            "issued_at": end,
            "status": Status.FINAL,
        }
    )
    lane = lanes([*one.known(moment), event], one.rule, one.patient_id, end)[course]
    return {
        (finding.criterion, finding.state, finding.tag)
        for finding in lane.findings(end_of(limit.day))[0]
        if finding.trigger is not None and finding.trigger.event.event_id == LAST
    }
