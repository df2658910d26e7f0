"""What the record, and our own digests, say happened: it may settle a case, or wake it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas.actions import Disposition
from schemas.base import as_utc
from schemas.events import Observation, Patient, Phase, Treatment
from services.notifier.cases.moving import run
from services.notifier.cases.words import CaseState, Trigger

if TYPE_CHECKING:
    from schemas.events import AdverseEvent, ImagingReport
    from services.notifier.cases.case import Case, Course
    from services.notifier.cases.commands import DigestSent
    from services.notifier.cases.turn import Turn

    Event = Observation | ImagingReport | AdverseEvent | Treatment | Patient


def course_after(course: Course, event: Event) -> Course:
    """What is known of a course after an event of its patient; events in the order of issue."""
    if event.patient_id != course.patient_id or event.status.withdraws:
        return course
    if isinstance(event, Patient) and event.care_team is not None:
        return course.model_copy(update={"care_team": event.care_team})
    if isinstance(event, Treatment) and event.course_id == course.course_id:
        line = event.line if event.line is not None else course.line
        return course.model_copy(update={"condition": event.condition, "line": line})
    return course


def happened(turn: Turn, event: Event) -> None:
    """Take in a clinical event of the patient."""
    case = turn.case
    if event.patient_id != case.course.patient_id or case.merged_into is not None:
        return
    turn.change(course=course_after(case.course, event))
    settles = _settles(case, event)
    if event.event_id == case.closed_by_event and not settles:
        turn.cause, turn.why = None, "the event that had settled it was taken back"
        run(turn, Trigger.UNDO)
    elif settles:
        _settle(turn, event)
    elif case.state is CaseState.SNOOZED and _is_awaited(case, event):
        turn.why = "what was waited for is there"
        run(turn, Trigger.EXPIRE)


def listed(turn: Turn, given: DigestSent) -> None:
    """A digest has told its recipient; where nothing is asked, that was all there is to do."""
    case = turn.case
    if not case.is_open or not case.in_digest:
        return
    nothing_else = case.marks.noticed is None and case.marks.acknowledged is None
    turn.change(in_digest=False)
    turn.mark(noticed=turn.now)
    turn.remember(given.to, given.channel)
    turn.note("digest", after=given.to)
    if nothing_else and case.standing and case.act_by is None:
        turn.why = "told; nothing is asked"
        run(turn, Trigger.LAPSE)


def _settle(turn: Turn, event: Event) -> None:
    told = turn.case.closed_by_event == event.event_id or turn.case.marks.salvage is not None
    if turn.case.state is CaseState.CLOSED and (told or isinstance(event, Patient)):
        return
    turn.why = "an event of the record"
    run(turn, Trigger.EVIDENCE)
    if isinstance(event, Patient):
        turn.change(disposition=turn.case.disposition or Disposition.DECEASED)


def _settles(case: Case, event: Event) -> bool:
    """Whether an event shows that nothing is left to do."""
    if event.status.withdraws:
        return False
    if isinstance(event, Patient):
        return event.deceased_at is not None
    return isinstance(event, Treatment) and starts_new_line(case, event)


def starts_new_line(case: Case, event: Treatment) -> bool:
    """Whether a treatment is what an alert asked for: a new line, begun after its evidence.

    A later line number says so; where the numbers are not known, another course for the same
    condition does.
    """
    course = case.course
    same = course.condition is None or course.condition == event.condition
    if event.phase not in (Phase.STARTED, Phase.ADMINISTERED) or not same:
        return False
    after = case.marks.evidence or case.opened_at
    if as_utc(event.effective_at) < as_utc(after):
        return False
    if course.line is not None and event.line is not None:
        return event.line > course.line
    return event.course_id != course.course_id


def _is_awaited(case: Case, event: Event) -> bool:
    """Whether a snooze waited for this: a result of an analyte, or any event of a type."""
    if case.awaiting is None or event.status.withdraws:
        return False
    names = {event.type, event.analyte if isinstance(event, Observation) else None}
    return case.awaiting in names
