"""A rehearsal: what would become of an alert that nobody answers. It is the fold, on its own clock.

Nothing is sent. What it says is what would happen with these teams, this policy and no other case.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from schemas.alerts import AlertRevision, Kind, Severity, State
from services.notifier.cases.commands import Alerted, Tick
from services.notifier.cases.effects import AuditEntry, Notice, RosterGap
from services.notifier.cases.ladder import urgency
from services.notifier.cases.step import step
from services.notifier.cases.words import Cause, Channel
from services.notifier.delivery.digest import digest_due
from services.notifier.roster.outlook import gaps

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from services.notifier.cases.case import Case, Course
    from services.notifier.cases.effects import Effect
    from services.notifier.cases.site import Site
    from services.notifier.cases.words import Party, Urgency
    from services.notifier.roster.outlook import Gap
    from services.notifier.roster.teams import Teams

_AT_MOST: Final = 100
"""Steps of a rehearsal; a ladder has far fewer."""


@dataclass(frozen=True, slots=True)
class Told:
    """Somebody would be told."""

    at: datetime
    to: Party
    channel: Channel
    why: str


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What would happen.

    Attributes:
        team: whose case it would be, and `why`.
        urgency: how the case would interrupt at first.
        act_by: by when to act.
        told: everybody who would be told, in order, the call after `act_by` included.
        missing: duties that nobody would have when needed, with when.
        gaps: hours of the next 14 days in which nobody of the team has a duty.
    """

    team: str
    why: str
    urgency: Urgency
    act_by: datetime | None
    told: tuple[Told, ...]
    missing: tuple[tuple[datetime, str], ...]
    gaps: tuple[Gap, ...]


def rehearse(
    course: Course,
    severity: Severity,
    at: datetime,
    act_by: datetime | None,
    site: Site,
    teams: Teams,
) -> Rehearsal:
    """Let an alert of a severity be confirmed at an instant, and nobody answer."""
    routed = teams.route(course)
    opened = step(None, _alert(course, severity, at, act_by), at, site)
    assert opened.case is not None  # noqa: S101 - a confirmed alert opens a case
    first = opened.case
    effects, case, wake = [*opened.effects], first, opened.wake_at
    for _ in range(_AT_MOST):
        if wake is None or (first.act_by is not None and wake > first.act_by):
            break
        done = step(case, Tick(), wake, site)
        effects += done.effects
        case, wake = done.case or case, done.wake_at
    ahead = [one for one in gaps(teams, at) if one.team == routed.team]
    return Rehearsal(
        team=routed.team,
        why=routed.why,
        urgency=urgency(first, site, at),
        act_by=first.act_by,
        told=tuple(sorted([*_digest(first, teams, at), *_told(effects)], key=lambda one: one.at)),
        missing=tuple((one.at, str(one.duty)) for one in effects if isinstance(one, RosterGap)),
        gaps=tuple(ahead),
    )


def _told(effects: Sequence[Effect]) -> Iterator[Told]:
    """Each notice, with what the audit trail says of it."""
    why: list[str] = []
    for one in effects:
        match one:
            case AuditEntry(what="held"):
                why.append("waited for the end of quiet hours")
            case AuditEntry(what="owner", before=str()):
                why.append(one.why)
            case Notice():
                yield Told(one.at, one.to, one.channel, "; ".join([_reason(one), *why]))
                why.clear()
            case _:
                pass


def _reason(notice: Notice) -> str:
    if notice.facts.cause is Cause.OVERDUE:
        return "the time to act has passed"
    return "the first notice" if notice.rung == 0 else "nobody acknowledged"


def _digest(case: Case, teams: Teams, at: datetime) -> Iterator[Told]:
    if case.in_digest:
        due = digest_due(case.owner, teams, at)
        yield Told(due, case.owner, Channel.DIGEST, "routine: in the next digest")


def _alert(course: Course, severity: Severity, at: datetime, act_by: datetime | None) -> Alerted:
    revision = AlertRevision(
        alert_id="rehearsal",
        revision=1,
        digest="rehearsal",
        change="raised",
        episode=1,
        state=State.CONFIRMED,
        kind=Kind.FAILURE,
        severity=severity,
        patient_id=course.patient_id,
        course_id=course.course_id,
        rule="rehearsal",
        rule_version="0",
        title="rehearsal",
        summary="rehearsal",
        at=at,
        act_by=act_by,
    )
    return Alerted(revision=revision, course=course)
