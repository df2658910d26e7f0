"""A case as it is written into the hospital's own record, with every alert in full."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.notifier.channels.contract import Record
from services.notifier.store import shelf

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from services.notifier.cases.case import Case
    from services.notifier.service.premises import Premises


def record_of(connection: Connection, case: Case, house: Premises) -> Record:
    """The case with every alert of it, retracted ones included, in its latest revision."""
    course = case.course
    alerts = shelf.findings(connection, case)
    reference = house.site.reference(case.case_id)
    return Record(
        case_id=case.case_id,
        reference=reference,
        link=f"{house.links}{reference}",
        patient_id=course.patient_id,
        course_id=course.course_id,
        state=case.state,
        owner=case.owner,
        alerts=tuple(alerts),
        closed_at=case.closed_at,
        disposition=case.disposition,
        settled=case.closed_by_event is not None,
    )
