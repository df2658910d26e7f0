"""When each recipient's next digest is due."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select, update

from services.notifier.store.database import insert_into
from services.notifier.store.tables import DIGESTS

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection


def expect(connection: Connection, recipient: str, due_at: datetime) -> None:
    """A digest is to go to somebody; an appointment that is there already stays."""
    new = insert_into(connection, DIGESTS).values(recipient=recipient, due_at=due_at)
    connection.execute(new.on_conflict_do_nothing(index_elements=["recipient"]))


def ahead(connection: Connection, now: datetime) -> list[str]:
    """Whose next digest is still to come."""
    query = select(DIGESTS.c.recipient).where(DIGESTS.c.due_at > now)
    return sorted(row.recipient for row in connection.execute(query))


def due(connection: Connection, now: datetime) -> str | None:
    """Somebody whose digest is due; theirs is ours until the transaction ends."""
    query = select(DIGESTS.c.recipient).where(DIGESTS.c.due_at <= now).order_by(DIGESTS.c.due_at)
    found: str | None = connection.execute(
        query.limit(1).with_for_update(skip_locked=True)
    ).scalar()
    return found


def put_off(connection: Connection, recipient: str, due_at: datetime) -> None:
    """The next one."""
    mine = update(DIGESTS).where(DIGESTS.c.recipient == recipient)
    connection.execute(mine.values(due_at=due_at))
