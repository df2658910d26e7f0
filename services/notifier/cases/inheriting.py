"""Records that are merged: the cases of one course become one, at the surviving record.

The merged record's case closes, and its link leads on. What stood in it, who knew of that, and who
looks after it come to the surviving record's case. Nobody hears again what they know.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from schemas.alerts import State
from schemas.base import digest
from services.notifier.cases.alerted import retime, take_back
from services.notifier.cases.case import Case, Forerunner, case_id, gravity
from services.notifier.cases.findings import news_of
from services.notifier.cases.kinship import own, renamed
from services.notifier.cases.ladder import urgency
from services.notifier.cases.moving import run
from services.notifier.cases.turn import Turn
from services.notifier.cases.words import CaseState, Cause, Channel, Trigger, Urgency

if TYPE_CHECKING:
    from services.notifier.cases.case import Finding, Marks
    from services.notifier.cases.commands import Inherited, Merged, Parted
    from services.notifier.cases.site import Site

_WHY: Final = "two records of one patient were merged"
_FAR: Final = datetime.max.replace(tzinfo=UTC)
_STEERING: Final = (
    "state",
    "team",
    "opened_at",
    "climb",
    "pause_until",
    "awaiting",
    "offer",
    "in_digest",
    "late",
    "closed_at",
    "disposition",
    "closed_by_event",
    "marks",
)
"""What of two cases only one can have: it is that of the one that leads."""


def moved(turn: Turn, given: Merged) -> None:
    """The surviving record's case has it from now on; or it is this record's own again.

    Then it waits, closed, for what the record's own alerts say: the facts have moved back.
    """
    turn.why = _WHY
    if given.into is None:
        turn.change(merged_into=None)
        turn.note("parted", why="the merge was taken back")
    else:
        run(turn, Trigger.MERGE)


def opened(given: Inherited, now: datetime, site: Site) -> Turn:
    """The surviving record had no case of the course: it goes on with the merged record's."""
    theirs = given.case
    case = theirs.model_copy(
        update={
            "course": given.course,
            "episode": 1,
            "revision": 0,
            "findings": _carried(theirs),
            "forerunners": _line(theirs),
            "merged_into": None,
        }
    )
    turn = Turn(case, now, site, Trigger.MERGE, case.state, given)
    turn.note("owner", None, case.owner, _WHY)
    turn.note("inherited", after=case.state, why=_WHY)
    return turn


def inherited(turn: Turn, given: Inherited) -> None:
    """The surviving record has a case of the course: both become one."""
    mine, theirs = turn.case, given.case
    turn.why = _WHY
    turn.change(merged_into=None)
    _take_findings(turn, theirs)
    leads, other = (theirs, mine) if _rank(theirs) < _rank(mine) else (mine, theirs)
    if leads is theirs:
        turn.change(**{name: getattr(theirs, name) for name in _STEERING})
        turn.give_to(theirs.owner, _WHY)
    turn.note("inherited", mine.state, turn.case.state)
    if other.is_open:
        turn.change(marks=_both(leads.marks, other.marks))
        _tell(turn, leads, other, digest("merged", theirs.case_id, theirs.revision))


def parted(turn: Turn, given: Parted) -> None:
    """What was said of records that are somebody else's doesn't hold of this patient."""
    turn.why = "the merge was taken back"
    kept = tuple(one for one in turn.case.forerunners if one.patient_id not in given.records)
    before = turn.case.act_by
    turn.change(forerunners=kept)
    for one in turn.case.standing:
        if one.record in given.records:
            down = one.model_copy(update={"stands": False, "state": State.RETRACTED})
            others = (each for each in turn.case.findings if each != one)
            turn.change(findings=tuple(sorted((*others, down), key=lambda each: each.alert_id)))
            take_back(turn, down, digest("parted", one.alert_id, turn.case.revision))
    retime(turn, before)


# -- what comes together


def _carried(theirs: Case) -> tuple[Finding, ...]:
    """What stands in a merged record's case, as said of that record."""
    record = theirs.course.patient_id
    return tuple(one.model_copy(update={"record": one.record or record}) for one in theirs.standing)


def _line(theirs: Case) -> tuple[Forerunner, ...]:
    course = theirs.course
    numbers = range(1, theirs.episode + 1)
    ids = [case_id(course.patient_id, course.course_id, number) for number in numbers]
    mine = (Forerunner(patient_id=course.patient_id, case_id=one) for one in ids)
    return (*theirs.forerunners, *mine)


def _take_findings(turn: Turn, theirs: Case) -> None:
    """Those of both; where the surviving record's own alert says the same, only that."""
    case, receipts = turn.case, (*turn.case.receipts, *theirs.receipts)
    findings = {one.alert_id: one for one in case.findings}
    for one in _carried(theirs):
        said = own(case, one.rule)
        if one.alert_id in findings and findings[one.alert_id].revision >= one.revision:
            continue
        if said is None or not _says_as_much(said, one):
            findings[one.alert_id] = one
        else:
            sooner = min(at for at in (said.act_by, one.act_by, _FAR) if at is not None)
            act_by = None if sooner == _FAR else sooner
            findings[said.alert_id] = findings[said.alert_id].model_copy(update={"act_by": act_by})
            receipts = renamed(receipts, {one.alert_id}, said.alert_id)
    line = {one.case_id: one for one in (*case.forerunners, *_line(theirs))}
    turn.change(
        findings=tuple(findings[name] for name in sorted(findings)),
        receipts=renamed(receipts, (), ""),
        forerunners=tuple(line.values()),
    )


def _says_as_much(own: Finding, theirs: Finding) -> bool:
    """Whether the surviving record's own alert is as grave as theirs, and as open."""
    if own.settled and not theirs.settled:
        return False
    ours, other = gravity(own.severity), gravity(theirs.severity)
    return ours < other or (ours == other and own.state is theirs.state)


def _rank(case: Case) -> tuple[bool, bool, int, datetime]:
    """The lower leads: what is open, what is late, what is graver, what has less time."""
    closed = _FAR - (case.closed_at - _EPOCH) if case.closed_at is not None else _FAR
    by = (case.act_by or _FAR) if case.is_open else closed
    grave = gravity(case.severity) if case.is_open else 0
    return (not case.is_open, case.state is not CaseState.OVERDUE, grave, by)


_EPOCH: Final = datetime(1, 1, 1, tzinfo=UTC)


def _both(first: Marks, second: Marks) -> Marks:
    """The marks of the case that leads, and what only the other one has reached."""
    filled = {
        name: getattr(second, name)
        for name in ("noticed", "acknowledged")
        if getattr(first, name) is None
    }
    return first.model_copy(update=filled)


# -- who hears of it


def _tell(turn: Turn, leads: Case, other: Case, identity: str) -> None:
    """Of two open cases one leads; its owner hears what is new, and the other's that it went."""
    led = {one.rule for one in leads.pending}
    added = [one for one in turn.case.pending if one.rule not in led]
    if not _hear_of(turn, added, other, identity):
        retime(turn, leads.act_by)
    to = other.owner
    if to.is_person and to != turn.case.owner and turn.site.roster.knows(to):
        turn.tell(to, Channel.MESSAGE, Cause.MERGED, identity)


def _hear_of(turn: Turn, added: list[Finding], other: Case, identity: str) -> bool:
    """What the other case adds is news to the owner, may wait, wakes them, or is known.

    Returns:
        Whether the ladder was planned anew for it.
    """
    case = turn.case
    knows = all(
        any(each.alert_id == one.alert_id and each.to == case.owner for each in case.receipts)
        for one in added
    )
    told = [one for one in case.pending if one not in added]
    cause = None if knows else news_of(added, told, turn.site.policy)
    if cause is not None:
        turn.cause = (cause, identity)
        urgent = turn.urgency is Urgency.URGENT
        run(turn, Trigger.ALARM if urgent else Trigger.NEWS)
    elif case.state is CaseState.SNOOZED and _presses(turn, other):
        run(turn, Trigger.EXPIRE)
    else:
        turn.change(in_digest=case.in_digest or not knows)
        return False
    return True


def _presses(turn: Turn, other: Case) -> bool:
    """Whether the other case is awake, and can't wait for a digest."""
    if other.state is CaseState.SNOOZED:
        return False
    return urgency(other, turn.site, turn.now) is not Urgency.ROUTINE
