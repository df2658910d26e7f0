"""What people did, to be published: kept in the order of the deeds, told at least once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select, update

from schemas.actions import Action
from services.notifier.store.database import insert_into
from services.notifier.store.tables import ACTIONS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection


def record(connection: Connection, actions: Sequence[Action]) -> None:
    """Keep deeds; the same one once."""
    if not actions:
        return
    rows = [
        {
            "action_id": one.action_id,
            "case_id": one.case_id,
            "at": one.at,
            "body": one.to_json().decode(),
        }
        for one in actions
    ]
    new = insert_into(connection, ACTIONS).on_conflict_do_nothing(index_elements=["action_id"])
    connection.execute(new, rows)


def waiting(connection: Connection, most: int) -> list[tuple[int, Action]]:
    """What was not told yet, with its number, in its order; ours until the transaction ends."""
    mine = (
        select(ACTIONS.c.seq, ACTIONS.c.body)
        .where(ACTIONS.c.published_at.is_(None))
        .order_by(ACTIONS.c.seq)
        .limit(most)
        .with_for_update()
    )
    rows = connection.execute(mine).all()
    return [(row.seq, Action.model_validate_json(row.body)) for row in rows]


def published(connection: Connection, numbers: Sequence[int], now: datetime) -> None:
    """These were told."""
    told = ACTIONS.c.seq.in_(numbers)
    connection.execute(update(ACTIONS).where(told).values(published_at=now))


def unpublished(connection: Connection) -> int:
    """How many wait."""
    query = select(func.count()).select_from(ACTIONS).where(ACTIONS.c.published_at.is_(None))
    return int(connection.execute(query).scalar_one())
