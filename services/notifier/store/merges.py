"""Which record was merged into which; as the engine judges it, so that both follow the same links.

Of the versions of an event the latest counts, then the higher status. Of several events that stand
the smallest id; records that lead in a circle share their smallest id.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, or_, select

from services.notifier.store.database import insert_into
from services.notifier.store.tables import MERGES, PATIENTS

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from schemas.events import Patient


def note(connection: Connection, event: Patient, issued_at: datetime) -> None:
    """Keep what an event says of its patient's record, if nothing later was said."""
    gone = event.status.withdraws or event.merged_into == event.patient_id
    new = insert_into(connection, MERGES).values(
        patient_id=event.patient_id,
        event_id=event.event_id,
        merged_into=None if gone else event.merged_into,
        issued_at=issued_at,
        rank=event.status.rank,
    )
    said, known = new.excluded, MERGES.c
    same_time = (known.issued_at == said.issued_at) & (known.rank < said.rank)
    changed = {name: said[name] for name in ("merged_into", "issued_at", "rank")}
    later = or_(known.issued_at < said.issued_at, same_time)
    same = ["patient_id", "event_id"]
    connection.execute(new.on_conflict_do_update(index_elements=same, set_=changed, where=later))


def is_known(connection: Connection, event: Patient) -> bool:
    """Whether an earlier version of an event said anything of a merge."""
    mine = (MERGES.c.patient_id == event.patient_id) & (MERGES.c.event_id == event.event_id)
    return connection.execute(select(MERGES.c.rank).where(mine)).first() is not None


def next_of(connection: Connection, patient_id: str) -> str | None:
    """Into which record a patient's was merged; None if into none."""
    query = select(func.min(MERGES.c.merged_into)).where(MERGES.c.patient_id == patient_id)
    found: str | None = connection.execute(query).scalar()
    return found


def survivor(connection: Connection, patient_id: str) -> str:
    """The record at the end of the merges."""
    seen = [patient_id]
    while following := next_of(connection, seen[-1]):
        if following in seen:
            return min(seen[seen.index(following) :])
        seen.append(following)
    return seen[-1]


def led_here(connection: Connection, patient_id: str) -> list[str]:
    """A record, and all that were merged into it, directly or by others."""
    found = {patient_id}
    fresh = found
    while fresh:
        query = select(PATIENTS.c.patient_id).where(PATIENTS.c.merged_into.in_(sorted(fresh)))
        fresh = {row.patient_id for row in connection.execute(query)} - found
        found = found | fresh
    return sorted(found)
