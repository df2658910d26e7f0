"""One patient explained: what stands and why, what does not and how far off, what can't be told.

The archive goes through the same monitor as live traffic; then each lane is asked what it remembers
and what one more fact would make of it (`engine.outlook`, `engine.whatif`, `engine.margin`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.detector.adapters.prospects import viewed
from services.detector.adapters.replay import journal
from services.detector.adapters.views import CriterionView, Status
from services.detector.engine.instants import instant
from services.detector.engine.monitor import Monitor
from services.detector.engine.whatif import Bench

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from schemas.alerts import AlertRevision
    from schemas.events import ClinicalEvent
    from services.detector.engine.fact import Fact
    from services.detector.engine.monitor import News
    from services.detector.engine.patient import LaneKey
    from services.detector.engine.rule import CompiledRule


@dataclass(frozen=True, slots=True)
class RuleView:
    """A rule, for one course or the whole patient.

    `closed` is the day (ordinal) with which it ended, `closed_by` the fact that ended it. `clock`:
    the fact that gives day 0.
    """

    rule: CompiledRule
    course_id: str | None
    status: Status
    clock: Fact | None
    closed: int | None
    closed_by: Fact | None
    criteria: tuple[CriterionView, ...]


@dataclass(frozen=True, slots=True)
class Outlook:
    """All that there is to say of a patient as of a moment.

    `patient_id` is the surviving record. `not_concerned` counts the rules of which no course of the
    patient qualifies.
    """

    patient_id: str
    as_of: datetime
    views: tuple[RuleView, ...]
    not_concerned: int


class Hearing(Monitor):
    """A monitor that keeps the last word of every criterion."""

    def __init__(self, rules: Sequence[CompiledRule]) -> None:
        """Start without patients."""
        super().__init__(rules)
        self._last: dict[tuple[str, LaneKey, str], AlertRevision] = {}

    def written(self, news: News) -> AlertRevision:
        """Put news into words, and keep them."""
        alert = super().written(news)
        if news.revision.finding is not None:
            key = (news.patient_id, news.lane, news.revision.finding.criterion)
            self._last[key] = alert
        return alert

    def survivor(self, patient_id: str) -> str:
        """The record under which a patient's facts are kept."""
        return self._survivor(patient_id)

    def standing(self, patient_id: str, key: LaneKey) -> dict[str, AlertRevision]:
        """What every criterion of a lane said last, if that stands."""
        held = self._patients[patient_id].journals.get(key)
        steps = {} if held is None else held.steps
        return {
            name: self._last[patient_id, key, name]
            for name, told in steps.items()
            if told and told[-1].stands and told[-1].episode
        }


def outlook(
    events: Iterable[ClinicalEvent],
    patient_id: str,
    rules: Sequence[CompiledRule],
    as_of: datetime,
) -> Outlook:
    """Explain a patient as of a moment.

    Args:
        events: of the patient and of the records merged with it; others are of no use.
        patient_id: one of those records.
        rules: compiled.
        as_of: what was issued later is left out.
    """
    alerting = tuple(rule for rule in rules if rule.machines)
    monitor = Hearing(alerting)
    for _ in journal(events, monitor, as_of=as_of):
        pass
    survivor, now = monitor.survivor(patient_id), instant(as_of)
    views = tuple(
        _view(alerting[key[0]], key[1], Bench(lane, now), monitor.standing(survivor, key))
        for key, lane in monitor.lanes(survivor)
    )
    asked = {view.rule.id for view in views}
    return Outlook(survivor, as_of, views, sum(rule.id not in asked for rule in alerting))


def _view(
    rule: CompiledRule, course_id: str | None, bench: Bench, standing: dict[str, AlertRevision]
) -> RuleView:
    state = bench.state
    criteria = tuple(viewed(bench, standing))
    said = {one.status for one in criteria if one.serves is None}
    status = next((one for one in Status if one in said), Status.NOT_FIRED)
    closed_by = None if state.closed is None else bench.ender(state.closed)
    return RuleView(rule, course_id, status, state.clock, state.closed, closed_by, criteria)


def related(events: Sequence[ClinicalEvent], patient_id: str) -> list[ClinicalEvent]:
    """The events of a patient and of all records that were ever merged with it."""
    links = [
        {event.patient_id, merged}
        for event in events
        if (merged := getattr(event, "merged_into", None)) is not None
    ]
    ids = {patient_id}
    while more := [link for link in links if link & ids and not link <= ids]:
        ids.update(*more)
    return [event for event in events if event.patient_id in ids]


def last_issue(events: Iterable[ClinicalEvent]) -> datetime | None:
    """When the last event of an archive was issued, as far as its events say so."""
    return max((event.issued_at for event in events if event.issued_at is not None), default=None)
