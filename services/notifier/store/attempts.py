"""Attempts: written and committed before anything leaves, and ended with what is known.

An attempt whose lease ran out without a result is `unknown`: it may have arrived. What is sent
again after one is a duplicate from then on, and says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import insert, select, update

from services.notifier.store.outbox import COLUMNS, PENDING, SENDING, Entry, change, entries
from services.notifier.store.tables import ATTEMPTS, NOTICES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from services.notifier.channels.contract import Outcome


class Try(NamedTuple):
    """An attempt: which parcel, which of its attempts, by whom, until when it holds the lease."""

    parcel_id: str
    number: int
    channel: str
    worker: str
    duplicate: bool
    lease_until: datetime


def start(connection: Connection, tries: Sequence[Try], now: datetime) -> None:
    """Write attempts; the caller commits before it sends."""
    for one in tries:
        values = {"channel": one.channel, "worker": one.worker, "attempts": one.number}
        leased = {"state": SENDING, "sent_at": now, "lease_until": one.lease_until}
        change(connection, one.parcel_id, **values, **leased, due_at=one.lease_until, why="")
    rows = [
        {
            "notice_id": one.parcel_id,
            "number": one.number,
            "channel": one.channel,
            "worker": one.worker,
            "duplicate": one.duplicate,
            "started_at": now,
        }
        for one in tries
    ]
    if rows:
        connection.execute(insert(ATTEMPTS), rows)


def finish(connection: Connection, one: Try, ended: Outcome, now: datetime) -> bool:
    """Write what became of an attempt.

    Returns:
        Whether that is the parcel's last word: else its lease ran out, and others went on with it.
    """
    last = (NOTICES.c.notice_id == one.parcel_id) & (NOTICES.c.attempts == one.number)
    found = select(NOTICES.c.state).where(last).with_for_update()
    state = connection.execute(found).scalar()
    mine = (ATTEMPTS.c.notice_id == one.parcel_id) & (ATTEMPTS.c.number == one.number)
    result = {"result": str(ended.result), "reason": ended.reason, "receipt": ended.receipt}
    connection.execute(update(ATTEMPTS).where(mine).values(ended_at=now, **result))
    return state in (SENDING, PENDING)


def lapsed(connection: Connection, now: datetime, most: int) -> list[tuple[Entry, Try]]:
    """Attempts of which nobody knows what became: their leases ran out."""
    over = (NOTICES.c.state == SENDING) & (NOTICES.c.lease_until <= now)
    query = select(*COLUMNS, NOTICES.c.worker, NOTICES.c.lease_until).where(over).limit(most)
    rows = connection.execute(query.with_for_update(skip_locked=True)).all()
    return [(entry, _lost(entry, row)) for entry, row in zip(entries(rows), rows, strict=True)]


def _lost(entry: Entry, row: Any) -> Try:
    return Try(
        entry.parcel.parcel_id,
        entry.attempts,
        entry.channel or "",
        row.worker,
        entry.duplicate,
        row.lease_until,
    )


def give_up_leases(connection: Connection, now: datetime) -> None:
    """Of one notifier alone: whoever held a lease is gone, because we are here."""
    mine = update(NOTICES).where(NOTICES.c.state == SENDING)
    connection.execute(mine.values(lease_until=now, due_at=now))
