"""One case, with all that is known of it: findings, history, and what this person may do."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select

from services.notifier.cases.case import Case, case_id, gravity
from services.notifier.inbox.reading.contract import CaseView, Entry, FindingView
from services.notifier.inbox.reading.deeds import forms
from services.notifier.inbox.reading.rows import Kept, rows
from services.notifier.store import shelf
from services.notifier.store.database import insert_into
from services.notifier.store.tables import AUDIT, SEEN

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from services.notifier.cases.site import Site
    from services.notifier.inbox.access.people import Person
    from services.notifier.roster.teams import Teams

_LONGEST: Final = 500
"""Lines of a history that are shown; the audit trail has them all."""


@dataclass(frozen=True, slots=True)
class Located:
    """A case that a reference led to, before anybody has asked who may see it."""

    reference: str
    case: Case

    @property
    def team(self) -> str:
        """Whose it is."""
        return self.case.team


def located(connection: Connection, reference: str) -> Located | None:
    """The case of a reference, of an earlier episode too, or the one that took it over."""
    case = shelf.by_name(connection, reference)
    return None if case is None else Located(shelf.reference_of(connection, case), case)


def case_view(
    connection: Connection,
    found: Located,
    reader: Person,
    house: tuple[Site, Teams],
    now: datetime,
    key: str,
) -> CaseView:
    """Everything about a case.

    Args:
        connection: a transaction.
        found: the case.
        reader: who looks.
        house: the site, and its roster.
        now: the present instant.
        key: for the forms of this page.
    """
    case, reference = found.case, found.reference
    findings = findings_of(connection, case)
    (row,) = rows(connection, [Kept(case, reference)], reader, now)
    return CaseView(
        row=row,
        case=case,
        findings=findings,
        history=history(connection, case),
        deeds=forms(case, findings, reader, house, now, reference=reference, key=key),
        through_glass=None if case.team in reader.teams else reader.glass.get(reference),
    )


def findings_of(connection: Connection, case: Case) -> tuple[FindingView, ...]:
    """Pending findings first, then those that hold, each gravest first."""
    found = shelf.findings(connection, case)
    alerts = {one.alert_id: one for one in found}
    pending = {one.alert_id for one in case.pending}
    views = [
        FindingView(one, alerts[one.alert_id], one.alert_id in pending)
        for one in case.findings
        if one.alert_id in alerts
    ]
    return tuple(sorted(views, key=_first))


def _first(view: FindingView) -> tuple[bool, bool, int, datetime]:
    finding = view.finding
    return (not view.pending, not finding.stands, gravity(finding.severity), finding.since)


def episodes(case: Case) -> list[str]:
    """The ids of a case in all its episodes, and of those that it took over."""
    course = case.course
    own = [
        case_id(course.patient_id, course.course_id, number + 1) for number in range(case.episode)
    ]
    return [*own, *(one.case_id for one in case.forerunners)]


def history(connection: Connection, case: Case) -> tuple[Entry, ...]:
    """What happened, newest first; what somebody saw and wrote, too."""
    mine = AUDIT.c.case_id.in_(episodes(case))
    query = select(AUDIT.c.at, AUDIT.c.body).where(mine).order_by(AUDIT.c.seq.desc())
    found = connection.execute(query.limit(_LONGEST))
    return tuple(_entry(row.at, json.loads(row.body)) for row in found)


def _entry(at: datetime, said: dict[str, Any]) -> Entry:
    words = {name: str(said.get(name) or "") for name in ("what", "before", "after", "to")}
    return Entry(
        at=at,
        by=str(said.get("by") or "system"),
        why=str(said.get("why") or said.get("reason") or said.get("comment") or ""),
        channel=str(said.get("channel") or ""),
        **words,
    )


def remember_seen(connection: Connection, who: str, found: Located) -> None:
    """From now on only what changes is new to somebody."""
    revision = found.case.revision
    new = insert_into(connection, SEEN).values(
        who=who, reference=found.reference, revision=revision
    )
    same = {"index_elements": ["who", "reference"], "set_": {"revision": revision}}
    connection.execute(new.on_conflict_do_update(**same))
