"""Cases as rows: what a line of the worklist and the head of a case's page say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec
from sqlalchemy import select

from schemas.alerts import Kind, State
from services.notifier.cases.case import Case, gravity
from services.notifier.cases.words import person
from services.notifier.inbox.reading.contract import CourseWords, Row
from services.notifier.store.tables import FINDINGS, SEEN

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from services.notifier.cases.case import Finding
    from services.notifier.inbox.access.people import Person


_MERGED: Final = "Goes on as the surviving record's case"
"""What stood in it stands there; so does whoever follows the link."""


class Brief(msgspec.Struct):
    """What a row needs of an alert; the rest of it, proof and all, is not even read."""

    title: str
    kind: Kind


class Kept(NamedTuple):
    """A case as it was read, with its name outside the house."""

    case: Case
    reference: str


def rows(
    connection: Connection, kept: Sequence[Kept], reader: Person, now: datetime
) -> tuple[Row, ...]:
    """Rows of cases, in their order."""
    heads = {one.reference: head(one.case) for one in kept}
    briefs = _briefs(connection, [one.alert_id for one in heads.values() if one is not None])
    seen = _seen(connection, reader.who, [one.reference for one in kept])
    return tuple(
        _row(one, heads[one.reference], briefs, seen.get(one.reference, 0), reader, now)
        for one in kept
    )


def head(case: Case) -> Finding | None:
    """The finding that stands for the case: the gravest that is pending, or holds, or held."""
    found = case.pending or case.standing or case.findings
    return min(found, key=lambda one: (gravity(one.severity), one.since), default=None)


def _row(
    kept: Kept,
    first: Finding | None,
    briefs: dict[str, Brief],
    seen: int,
    reader: Person,
    now: datetime,
) -> Row:
    case, course = kept.case, kept.case.course
    brief = briefs.get(first.alert_id) if first is not None else None
    me = None if reader.identity.member is None else person(reader.identity.member)
    offer = case.offer
    return Row(
        reference=kept.reference,
        revision=case.revision,
        patient=course.patient_id,
        title=brief.title if brief else _MERGED if case.merged_into else "",
        kind=brief.kind if brief else None,
        stage=State(first.state) if first else None,
        severity=case.severity,
        course=CourseWords(course.condition, course.line, course.course_id),
        team=case.team,
        owner=case.owner,
        state=case.state,
        findings=len(case.pending),
        act_by=case.act_by,
        left=None if case.act_by is None else case.act_by - now,
        until=case.pause_until,
        mine=case.owner == me,
        offered=offer is not None and me is not None and offer.to == me,
        news=case.revision > seen,
    )


def _briefs(connection: Connection, alerts: Sequence[str]) -> dict[str, Brief]:
    query = select(FINDINGS.c.alert_id, FINDINGS.c.body).where(FINDINGS.c.alert_id.in_(alerts))
    return dict(_read(connection.execute(query).all()))


def _read(found: Iterable[tuple[str, str]]) -> Iterable[tuple[str, Brief]]:
    decode = msgspec.json.Decoder(Brief).decode
    return ((alert_id, decode(body)) for alert_id, body in found)


def _seen(connection: Connection, who: str, references: Sequence[str]) -> dict[str, int]:
    mine = (SEEN.c.who == who) & SEEN.c.reference.in_(references)
    query = select(SEEN.c.reference, SEEN.c.revision).where(mine)
    return {row.reference: row.revision for row in connection.execute(query)}
