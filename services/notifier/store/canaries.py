"""What the canary leaves behind in the store, and that it goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, select

from schemas.canary import AUTHORITY
from services.notifier.store.tables import ATTEMPTS, CASES, INPUTS, NOTICES, PATIENTS

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy import Connection


def forget(connection: Connection, inputs: Collection[int]) -> None:
    """These were worked on. What is told again finds its message in the outbox."""
    connection.execute(delete(INPUTS).where(INPUTS.c.seq.in_(inputs)))


def tidy(connection: Connection, recipient: str, before: datetime) -> None:
    """Let go of messages that were decided before an instant, and of records that had no case."""
    over = NOTICES.c.due_at.is_(None) & (NOTICES.c.decided_at < before)
    gone = select(NOTICES.c.notice_id).where((NOTICES.c.recipient == recipient) & over)
    connection.execute(delete(ATTEMPTS).where(ATTEMPTS.c.notice_id.in_(gone)))
    connection.execute(delete(NOTICES).where((NOTICES.c.recipient == recipient) & over))
    mine = PATIENTS.c.patient_id.startswith(f"{AUTHORITY}|", autoescape=True)
    idle = PATIENTS.c.due_at.is_(None) & PATIENTS.c.patient_id.not_in(select(CASES.c.patient_id))
    plain = PATIENTS.c.merged_into.is_(None) & PATIENTS.c.handed_to.is_(None)
    connection.execute(delete(PATIENTS).where(mine & idle & plain))
