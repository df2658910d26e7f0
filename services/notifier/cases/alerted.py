"""A revision of an alert reaches its case: opens it, is news, takes something back, or neither."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas.alerts import State
from services.notifier.cases.case import Case, Marks
from services.notifier.cases.findings import cause_id, hear, with_finding
from services.notifier.cases.kinship import record_of, renamed
from services.notifier.cases.moving import run
from services.notifier.cases.turn import Turn
from services.notifier.cases.words import CaseState, Cause, Channel, Duty, Trigger, Urgency

if TYPE_CHECKING:
    from datetime import datetime

    from schemas.alerts import AlertRevision
    from services.notifier.cases.case import Finding
    from services.notifier.cases.commands import Alerted
    from services.notifier.cases.findings import Heard
    from services.notifier.cases.site import Site


def opened(given: Alerted, now: datetime, site: Site) -> Turn | None:
    """Open a case for an alert that stands; None for one that does not."""
    revision = given.revision
    heard = hear(None, revision, site, record_of(given))
    if heard is None or heard.cause is None:
        return None
    routed = site.roster.route(given.course)
    case = Case(
        course=given.course,
        state=CaseState.ASSIGNED,
        owner=site.roster.desk(routed.team),
        team=routed.team,
        opened_at=now,
        findings=(heard.finding,),
        marks=Marks(evidence=revision.onset, alerted=revision.at, act_by=heard.finding.act_by),
    )
    turn = Turn(case, now, site, Trigger.NEWS, CaseState.ASSIGNED, given)
    review = site.policy.triage is not None and turn.urgency is not Urgency.URGENT
    turn.change(owner=turn.find(Duty.TRIAGE if review else Duty.OWNER))
    turn.change(state=CaseState.TRIAGE if review else CaseState.ASSIGNED)
    turn.note("owner", None, turn.case.owner, f"opened; {routed.why}")
    _announce(turn, heard.cause, revision)
    return turn


def alerted(turn: Turn, given: Alerted) -> None:
    """Take in a revision."""
    heard = hear(turn.case, given.revision, turn.site, record_of(given))
    if heard is None:
        return
    before, name = turn.case.act_by, heard.finding.alert_id
    gone = [one.alert_id for one in heard.instead_of]
    turn.change(
        course=given.course,
        findings=with_finding(turn.case, heard),
        receipts=renamed(turn.case.receipts, gone, name),
    )
    turn.note("finding", after=heard.finding.state, why=given.revision.rule)
    told = False
    if heard.fell:
        take_back(turn, heard.finding, cause_id(given.revision))
    elif heard.cause is not None:
        told = _hear_news(turn, heard, given.revision)
    if not told or turn.case.state is CaseState.OVERDUE:
        retime(turn, before)


def _hear_news(turn: Turn, heard: Heard, revision: AlertRevision) -> bool:
    """Tell what is new, or leave it to the digest when graver things were told.

    Returns:
        Whether it was told, and the ladder thereby planned anew.
    """
    closed = turn.case.state is CaseState.CLOSED
    if heard.cause is None or (closed and heard.cause is Cause.EARLIER_DEADLINE):
        return False
    if heard.minor and not closed:
        turn.change(in_digest=True)
        return False
    _announce(turn, heard.cause, revision)
    return True


def _announce(turn: Turn, cause: Cause, revision: AlertRevision) -> None:
    turn.cause, turn.why = (cause, cause_id(revision)), str(cause)
    run(turn, Trigger.ALARM if turn.urgency is Urgency.URGENT else Trigger.NEWS)


def take_back(turn: Turn, fallen: Finding, identity: str) -> None:
    """Everybody who was told of a finding is told that it no longer holds.

    What was wrong comes on the channel that carried it, or a stronger one than a digest; what has
    settled itself comes as a message, and of a closed case not at all.
    """
    alert, case = fallen.alert_id, turn.case
    wrong = fallen.state is State.RETRACTED
    cause = Cause.RETRACTION if wrong else Cause.RESOLVED
    for one in (each for each in case.receipts if each.alert_id == alert):
        channel = one.channel if wrong and one.channel is not Channel.DIGEST else Channel.MESSAGE
        if wrong or case.is_open:
            turn.tell(one.to, channel, cause, identity, about=(fallen,))
    turn.change(receipts=tuple(one for one in case.receipts if one.alert_id != alert))
    untold = case.marks.noticed is None and case.marks.acknowledged is None
    if untold and not turn.case.standing:
        turn.why = "settled by data before anybody was told"
        run(turn, Trigger.LAPSE)


def retime(turn: Turn, before: datetime | None) -> None:
    """What the lapse or the approach of a deadline means for the ladder."""
    case = turn.case
    pressed = _holds(case) and turn.urgency is Urgency.URGENT
    if not case.is_open or (case.act_by == before and not pressed):
        return
    if case.state is CaseState.OVERDUE and case.act_by is not None and case.act_by <= turn.now:
        return
    turn.why = "it can't wait any more" if pressed else "the date by which to act moved"
    run(turn, Trigger.RETIME)


def _holds(case: Case) -> bool:
    """Whether a rung waits for the end of quiet hours.

    A lesser severity has a longer ladder: what had time for that may have none any more.
    """
    return case.climb is not None and case.climb.held is not None
