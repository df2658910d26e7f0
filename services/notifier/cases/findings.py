"""What a revision of an alert means to a case: nothing new, news, or that something fell."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, NamedTuple

from schemas.alerts import OPEN_STATES, Severity, State
from schemas.base import as_utc, digest
from services.notifier.cases.case import Case, Finding, gravity
from services.notifier.cases.kinship import kin, own
from services.notifier.cases.words import Cause
from services.notifier.hours.local import instant_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from zoneinfo import ZoneInfo

    from schemas.alerts import AlertRevision
    from services.notifier.cases.policy import Policy
    from services.notifier.cases.site import Site


class Heard(NamedTuple):
    """A revision, as the case takes it in.

    Attributes:
        finding: as it now is.
        cause: why somebody must be told; None when nobody need be.
        minor: it may wait for a digest, because graver things were told, or since nothing happened
            to the patient: the rules changed.
        fell: it stood, and no longer does.
        instead_of: what merged records had said, in the place of which it stands from now on.
    """

    finding: Finding
    cause: Cause | None = None
    minor: bool = False
    fell: bool = False
    instead_of: tuple[Finding, ...] = ()


def hear(
    case: Case | None, revision: AlertRevision, site: Site, record: str | None = None
) -> Heard | None:
    """What a revision says that the case did not know; None for what it already knew.

    A revision that was overtaken by a later one, or comes again, says nothing. Nor does one of a
    merged record, `record`, where the surviving record's own alert says as much; or one of that,
    while it is on its way to what a merged record has said: a merge tells its history anew.
    """
    before = known(case, revision.alert_id)
    if before is not None and revision.revision <= before.revision:
        return None
    finding = _finding(revision, before, site).model_copy(update={"record": record})
    if before is None and record is not None and not _adds(finding, own(case, finding.rule)):
        return None
    relatives = kin(case, revision.rule) if record is None and finding.stands else ()
    same = [one for one in relatives if one.statement == _statement(revision, one.alert_id)]
    gone = tuple(one for one in relatives if one in same or _weight(one) > _weight(finding))
    if relatives and not gone:
        return None
    if gone:
        before = _as_own(finding, before, same or gone, same=bool(same))
        finding = _sooner(_finding(revision, before, site), gone)
    if not finding.stands:
        return Heard(finding, fell=before is not None and before.stands)
    pending = case.pending if case is not None else ()
    told = [one for one in pending if one.told or one.alert_id == revision.alert_id]
    if before is not None and before.settled and before.stands:
        told.append(before)
    cause = _cause(finding, before, told, site.policy)
    minor = cause is Cause.NEW_FINDING and any(
        finding.by_rules or _outweighs(one, finding) for one in told
    )
    if cause is not None or (before is not None and before.stands and before.told):
        act_by = finding.act_by if cause is not None or before is None else before.told_by
        settled = cause is None and before is not None and before.settled
        update = {"told": True, "told_by": act_by, "settled": settled}
        finding = finding.model_copy(update=update)
    return Heard(finding, cause, minor=minor, instead_of=gone)


def known(case: Case | None, alert_id: str) -> Finding | None:
    """What the case knows of an alert."""
    found = (one for one in case.findings if one.alert_id == alert_id) if case else ()
    return next(iter(found), None)


def with_finding(case: Case, heard: Heard) -> tuple[Finding, ...]:
    """The case's findings with one of them as it now is, in an order that tells nothing."""
    gone = {one.alert_id for one in (heard.finding, *heard.instead_of)}
    others = [one for one in case.findings if one.alert_id not in gone]
    return tuple(sorted([*others, heard.finding], key=lambda one: one.alert_id))


def cause_id(revision: AlertRevision) -> str:
    """Identity of a cause that lies in a revision."""
    return digest("revision", revision.alert_id, revision.revision)


def news_of(added: Iterable[Finding], told: list[Finding], policy: Policy) -> Cause | None:
    """Why somebody who was told of some findings must hear of others at once; None if not."""
    for one in sorted(added, key=_weight):
        cause = _cause(one, None, told, policy)
        if cause is not Cause.NEW_FINDING or not any(_outweighs(each, one) for each in told):
            return cause
        soonest = min((each.told_by for each in told if each.told_by), default=None)
        if one.act_by and soonest and one.act_by <= soonest - policy.sooner_by:
            return Cause.EARLIER_DEADLINE
    return None


def _adds(said: Finding, known: Finding | None) -> bool:
    """Whether a merged record says more than the surviving record's own alert does."""
    return said.stands and (known is None or _weight(said) < _weight(known))


def _as_own(
    new: Finding, before: Finding | None, gone: Sequence[Finding], *, same: bool
) -> Finding:
    """What was known of an alert, if merged records' alerts said it until now."""
    told = min(gone, key=_weight)
    known = [*gone, before] if before is not None and before.stands else gone
    update = {"alert_id": new.alert_id, "record": None}
    update |= {"statement": new.statement if same else told.statement}
    return told.model_copy(update={**update, "settled": all(one.settled for one in known)})


def _sooner(finding: Finding, gone: Sequence[Finding]) -> Finding:
    """What merged records' alerts left less time for, is not given more because of the merge."""
    found = [one.act_by for one in (finding, *gone) if one.act_by is not None]
    return finding.model_copy(update={"act_by": min(found, default=None)})


def stands(revision: AlertRevision) -> bool:
    """Whether what it says stands."""
    return revision.state in OPEN_STATES and revision.change != "withdrawn"


def _cause(
    new: Finding, before: Finding | None, told: list[Finding], policy: Policy
) -> Cause | None:
    """The four things that may notify again; a retraction is the fourth, and not decided here."""
    gravest = min((_weight(one) for one in told), default=None)
    if gravest is not None and _weight(new) < gravest:
        return Cause.HIGHER_SEVERITY
    if before is None or not before.stands or before.statement != new.statement:
        return Cause.NEW_FINDING
    soonest = min((one.told_by for one in told if one.told_by), default=None)
    if new.act_by is None or (soonest is not None and new.act_by > soonest - policy.sooner_by):
        return None
    return Cause.EARLIER_DEADLINE


def _outweighs(told: Finding, new: Finding) -> bool:
    """Whether the new finding can wait beside what was told; what asks nothing always can."""
    return _weight(told) < _weight(new) or new.state is State.INFO


def _weight(finding: Finding) -> int:
    """0 for the gravest; what asks nothing weighs least, whatever its rule's severity."""
    return len(Severity) if finding.state is State.INFO else gravity(finding.severity)


def _finding(revision: AlertRevision, before: Finding | None, site: Site) -> Finding:
    up = stands(revision)
    statement = _statement(revision, revision.alert_id)
    said = before if before is not None and before.stands else None
    since, latest, by_rules = revision.at, None, revision.cause == "rule-change"
    if said is not None and said.statement == statement:
        graver = gravity(revision.severity) < gravity(said.severity)
        since, latest = (revision.at, said.act_by) if graver else (said.since, None)
        by_rules = by_rules if graver else said.by_rules
    return Finding(
        alert_id=revision.alert_id,
        revision=revision.revision,
        statement=statement,
        state=revision.state,
        severity=revision.severity,
        rule=revision.rule,
        rule_version=revision.rule_version,
        since=since,
        act_by=_act_by(revision, since, latest, site) if up else None,
        evidence_at=revision.onset,
        stands=up,
        by_rules=by_rules,
    )


def _statement(revision: AlertRevision, alert_id: str) -> str:
    """Identity of what is said of an alert: a stage of an episode, and of a window its tier."""
    tag = revision.tag if revision.state is State.WINDOW else None
    late = revision.confirmation_overdue and revision.state is State.SUSPECTED
    return digest(alert_id, revision.episode, revision.state, tag, late)


def _act_by(
    revision: AlertRevision, since: datetime, latest: datetime | None, site: Site
) -> datetime | None:
    """The instant by which something is asked; by the severity where the alert names none.

    The severity's time counts from when the statement was first made as grave as it is: saying it
    again is no delay, nor is saying it is graver.
    """
    if revision.state is State.INFO:
        return None
    named = [revision.act_by]
    if revision.state is State.SUSPECTED and not revision.confirmation_overdue:
        named.append(revision.confirm_by)
    found = [end_of(one, site.roster.zone) for one in named if one is not None]
    by_severity = _by_severity(since, revision.severity, site.policy)
    return min(found, default=min(by_severity, latest or by_severity))


def _by_severity(since: datetime, severity: Severity, policy: Policy) -> datetime:
    return as_utc(since) + policy.pace(severity).act_within


def end_of(value: date | datetime, zone: ZoneInfo) -> datetime:
    """The instant at which a clinical time is over: of a date the end of its day at the site."""
    if isinstance(value, datetime):
        return as_utc(value)
    return instant_of(value + timedelta(days=1), time(0), zone)
