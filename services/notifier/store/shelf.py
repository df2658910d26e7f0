"""Cases on their shelf: whose turn it is, what is known of a patient, and what became of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import func, select, update

from schemas.alerts import AlertRevision
from services.notifier.cases.case import Case, Course
from services.notifier.cases.words import CaseState
from services.notifier.store.database import insert_into
from services.notifier.store.tables import CASES, COURSES, FINDINGS, NAMES, PATIENTS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Row


class Shelved(NamedTuple):
    """A case, when it is to be looked at again, and the latest instant it has lived through."""

    case: Case
    wake_at: datetime | None
    stepped_at: datetime


class Patient(NamedTuple):
    """A patient's row, while it is ours."""

    patient_id: str
    care_team: str | None
    care_team_at: datetime | None
    failures: int
    merged_into: str | None = None
    handed_to: str | None = None


_KNOWN = ("care_team", "care_team_at", "merged_into", "handed_to")
_PATIENT = (
    PATIENTS.c.patient_id,
    PATIENTS.c.care_team,
    PATIENTS.c.care_team_at,
    PATIENTS.c.failures,
    PATIENTS.c.merged_into,
    PATIENTS.c.handed_to,
)


def claim(connection: Connection, now: datetime, most: int) -> list[Patient]:
    """Patients with something to do, most urgent first; ours until the transaction ends."""
    due = select(*_PATIENT).where(PATIENTS.c.due_at <= now).order_by(PATIENTS.c.due_at)
    rows = connection.execute(due.limit(most).with_for_update(skip_locked=True))
    return [Patient(*row) for row in rows]


def lock(connection: Connection, patients: Collection[str]) -> dict[str, Patient]:
    """These patients, ours until the transaction ends; waits for whoever has one of them."""
    mine = select(*_PATIENT).where(PATIENTS.c.patient_id.in_(patients))
    rows = connection.execute(mine.order_by(PATIENTS.c.patient_id).with_for_update())
    return {row.patient_id: Patient(*row) for row in rows}


def leave(
    connection: Connection, patient: Patient, due_at: datetime | None, failures: int = 0
) -> None:
    """Put a patient back, until something is due."""
    mine = update(PATIENTS).where(PATIENTS.c.patient_id == patient.patient_id)
    known = {name: getattr(patient, name) for name in _KNOWN}
    connection.execute(mine.values(due_at=due_at, failures=failures, **known))


def next_due(connection: Connection) -> datetime | None:
    """When the next patient is due."""
    found: datetime | None = connection.execute(select(func.min(PATIENTS.c.due_at))).scalar()
    return found


# -- cases


def cases_of(connection: Connection, patient_id: str) -> dict[str, Shelved]:
    """A patient's cases, by course ('' for the whole patient)."""
    query = select(CASES).where(CASES.c.patient_id == patient_id)
    return {row.course_id: _shelved(row) for row in connection.execute(query)}


def name(connection: Connection, case: Case, reference: str) -> None:
    """Keep a case's name outside the house; a later episode has another one."""
    course = case.course
    new = insert_into(connection, NAMES).values(
        reference=reference, patient_id=course.patient_id, course_id=course.course_id or ""
    )
    connection.execute(new.on_conflict_do_nothing(index_elements=["reference"]))


def by_name(connection: Connection, reference: str) -> Case | None:
    """The case that was told of under a name, as it is now; in whatever episode, if not merged."""
    now = select(CASES.c.body).where(CASES.c.reference == reference)
    body = connection.execute(now).scalar()
    found = _once(connection, reference) if body is None else Case.model_validate_json(body)
    return None if found is None else heir_of(connection, found) or found


def _once(connection: Connection, reference: str) -> Case | None:
    """The case that had this name in an earlier episode."""
    query = select(NAMES.c.patient_id, NAMES.c.course_id).where(NAMES.c.reference == reference)
    row = connection.execute(query).first()
    return None if row is None else case_of(connection, row.patient_id, row.course_id)


def reference_of(connection: Connection, case: Case) -> str:
    """A case's name outside the house."""
    query = select(CASES.c.reference).where(CASES.c.case_id == case.case_id)
    return str(connection.execute(query).scalar_one())


def heir_of(connection: Connection, case: Case) -> Case | None:
    """The case that has taken over one whose record was merged; None while it isn't there yet."""
    seen, found = {case.course.patient_id}, case
    while (into := found.merged_into) is not None:
        heir = case_of(connection, into, case.course.course_id or "")
        if heir is None or into in seen:
            return None
        seen, found = seen | {into}, heir
    return found


def case_of(connection: Connection, patient_id: str, course_id: str) -> Case | None:
    """The case of a course, as it is now."""
    mine = (CASES.c.patient_id == patient_id) & (CASES.c.course_id == course_id)
    body = connection.execute(select(CASES.c.body).where(mine)).scalar()
    return None if body is None else Case.model_validate_json(body)


def named(connection: Connection, reference: str) -> str | None:
    """The id of the case that has a name outside the house; None if none has."""
    query = select(CASES.c.case_id).where(CASES.c.reference == reference)
    found: str | None = connection.execute(query).scalar()
    return found


def references(connection: Connection) -> dict[str, list[str]]:
    """The names of all cases outside the house, by patient."""
    query = select(CASES.c.patient_id, CASES.c.reference).order_by(CASES.c.reference)
    found: dict[str, list[str]] = {}
    for patient_id, reference in connection.execute(query):
        found.setdefault(patient_id, []).append(reference)
    return found


def waiting_for_digest(connection: Connection, owner: str | None = None) -> list[Case]:
    """The cases that wait for a digest: of one owner, or of all."""
    query = select(CASES.c.body).where(CASES.c.in_digest)
    mine = query if owner is None else query.where(CASES.c.owner == owner)
    return [Case.model_validate_json(body) for (body,) in connection.execute(mine)]


def open_cases(connection: Connection) -> list[Case]:
    """All cases of which somebody has to do something."""
    query = select(CASES.c.body).where(CASES.c.state != CaseState.CLOSED)
    return [Case.model_validate_json(body) for (body,) in connection.execute(query)]


def responsible(connection: Connection) -> tuple[list[str], list[str]]:
    """Who has open cases, and the teams that have any."""
    opened = select(CASES.c.owner).where(CASES.c.state != CaseState.CLOSED).distinct()
    owners, teams = (connection.execute(each) for each in (opened, select(CASES.c.team).distinct()))
    return sorted(row.owner for row in owners), sorted(row.team for row in teams)


def cases_with(
    connection: Connection, owners: Collection[str], teams: Collection[str]
) -> list[Case]:
    """The open cases of some owners, and all of some teams."""
    theirs = CASES.c.owner.in_(owners) & (CASES.c.state != CaseState.CLOSED)
    query = select(CASES.c.body).where(theirs | CASES.c.team.in_(teams))
    return [Case.model_validate_json(body) for (body,) in connection.execute(query)]


def counts(connection: Connection) -> dict[str, int]:
    """How many cases are in each state."""
    query = select(CASES.c.state, func.count()).group_by(CASES.c.state)
    return {state: int(count) for state, count in connection.execute(query)}


def failing(connection: Connection) -> int:
    """How many patients' cases a defect of ours keeps from being worked on."""
    query = select(func.count()).select_from(PATIENTS).where(PATIENTS.c.failures > 0)
    return int(connection.execute(query).scalar_one())


def snoozed(connection: Connection, patients: Collection[str]) -> set[str]:
    """Those of some patients who have a case that sleeps, and may wait for a result.

    Or whose record was merged into one that may have such a case.
    """
    asleep = (CASES.c.state == CaseState.SNOOZED) & CASES.c.patient_id.in_(patients)
    merged = PATIENTS.c.merged_into.is_not(None) & PATIENTS.c.patient_id.in_(patients)
    found = [select(CASES.c.patient_id).where(asleep), select(PATIENTS.c.patient_id).where(merged)]
    return {row.patient_id for query in found for row in connection.execute(query)}


def shelve(connection: Connection, shelved: Shelved, reference: str) -> None:
    """Put a case back, new or changed."""
    case = shelved.case
    row = {
        "patient_id": case.course.patient_id,
        "course_id": case.course.course_id or "",
        "case_id": case.case_id,
        "reference": reference,
        "revision": case.revision,
        "state": str(case.state),
        "owner": str(case.owner),
        "team": case.team,
        "severity": str(case.severity),
        "act_by": case.act_by,
        "in_digest": case.in_digest,
        "wake_at": shelved.wake_at,
        "stepped_at": shelved.stepped_at,
        "body": case.model_dump_json(exclude_none=True),
    }
    new = insert_into(connection, CASES).values(row)
    changed = {name: new.excluded[name] for name in row}
    same = ["patient_id", "course_id"]
    connection.execute(new.on_conflict_do_update(index_elements=same, set_=changed))


def _shelved(row: Row[tuple[object, ...]]) -> Shelved:
    return Shelved(Case.model_validate_json(row.body), row.wake_at, row.stepped_at)


# -- courses and findings


def course_of(
    connection: Connection, patient: Patient, course_id: str
) -> tuple[Course, datetime | None]:
    """What is known of a course, and when its source said so; None if nobody ever spoke of it."""
    mine = (COURSES.c.patient_id == patient.patient_id) & (COURSES.c.course_id == course_id)
    row = connection.execute(select(COURSES.c.issued_at, COURSES.c.body).where(mine)).first()
    if row is None:
        bare = Course(patient_id=patient.patient_id, course_id=course_id or None)
        return bare.model_copy(update={"care_team": patient.care_team}), None
    course = Course.model_validate_json(row.body)
    return course.model_copy(update={"care_team": patient.care_team}), row.issued_at


def courses_of(connection: Connection, patient_id: str) -> list[tuple[Course, datetime]]:
    """The courses of which somebody spoke under a patient's id, and when."""
    query = select(COURSES.c.issued_at, COURSES.c.body).where(COURSES.c.patient_id == patient_id)
    rows = connection.execute(query.order_by(COURSES.c.course_id))
    return [(Course.model_validate_json(row.body), row.issued_at) for row in rows]


def remember_course(connection: Connection, course: Course, issued_at: datetime) -> None:
    """Note what is known of a course."""
    row = {"patient_id": course.patient_id, "course_id": course.course_id or ""}
    row |= {"body": course.model_dump_json(exclude_none=True)}
    new = insert_into(connection, COURSES).values(**row, issued_at=issued_at)
    changed = {name: new.excluded[name] for name in ("issued_at", "body")}
    same = ["patient_id", "course_id"]
    connection.execute(new.on_conflict_do_update(index_elements=same, set_=changed))


def remember_finding(connection: Connection, revision: AlertRevision) -> None:
    """Note the latest revision of an alert."""
    new = insert_into(connection, FINDINGS).values(
        alert_id=revision.alert_id,
        patient_id=revision.patient_id,
        course_id=revision.course_id or "",
        revision=revision.revision,
        rule=revision.rule,
        body=revision.to_json().decode(),
    )
    changed = {name: new.excluded[name] for name in ("revision", "rule", "body")}
    later = FINDINGS.c.revision < new.excluded.revision
    where = {"index_elements": ["alert_id"], "set_": changed, "where": later}
    connection.execute(new.on_conflict_do_update(**where))


def findings(connection: Connection, case: Case) -> Sequence[AlertRevision]:
    """Every alert of a case in its latest revision, those of merged records included."""
    course = case.course
    of_course = FINDINGS.c.course_id == (course.course_id or "")
    taken = [one.alert_id for one in case.findings if one.record is not None]
    mine = (FINDINGS.c.patient_id == course.patient_id) & of_course
    query = select(FINDINGS.c.body).where(mine | FINDINGS.c.alert_id.in_(taken))
    return _read(body for (body,) in connection.execute(query.order_by(FINDINGS.c.alert_id)))


def alerts_of(connection: Connection, patient_id: str) -> Sequence[AlertRevision]:
    """Every alert that was raised under a patient's own id, in its latest revision."""
    mine = FINDINGS.c.patient_id == patient_id
    query = select(FINDINGS.c.body).where(mine).order_by(FINDINGS.c.alert_id)
    return _read(body for (body,) in connection.execute(query))


def _read(bodies: Iterable[str]) -> list[AlertRevision]:
    return [AlertRevision.model_validate_json(body) for body in bodies]
