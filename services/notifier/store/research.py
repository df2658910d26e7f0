"""Research notices, to be published: kept in their order, and told at least once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import exists, func, select, update

from schemas.research import ResearchNotice, Stage
from services.notifier.store.database import insert_into
from services.notifier.store.tables import RESEARCH

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from sqlalchemy import Connection


def record(connection: Connection, notices: Iterable[ResearchNotice]) -> None:
    """Keep notices, each revision once; nothing is withdrawn that was never shared."""
    for one in notices:
        if one.stage is Stage.WITHDRAWN and not _shared(connection, one.finding):
            continue
        body = one.to_json().decode()
        new = insert_into(connection, RESEARCH).values(
            finding=one.finding, revision=one.revision, body=body
        )
        same = ["finding", "revision"]
        connection.execute(new.on_conflict_do_nothing(index_elements=same))


def _shared(connection: Connection, finding: str) -> bool:
    query = select(exists().where(RESEARCH.c.finding == finding))
    return bool(connection.execute(query).scalar())


def waiting(connection: Connection, most: int) -> list[tuple[int, ResearchNotice]]:
    """What was not told yet, with its number, in its order; ours until the transaction ends."""
    mine = select(RESEARCH.c.seq, RESEARCH.c.body).where(RESEARCH.c.published_at.is_(None))
    query = mine.order_by(RESEARCH.c.seq).limit(most).with_for_update()
    rows = connection.execute(query).all()
    return [(row.seq, ResearchNotice.model_validate_json(row.body)) for row in rows]


def published(connection: Connection, numbers: Sequence[int], now: datetime) -> None:
    """These were told."""
    told = RESEARCH.c.seq.in_(numbers)
    connection.execute(update(RESEARCH).where(told).values(published_at=now))


def unpublished(connection: Connection) -> int:
    """How many wait."""
    query = select(func.count()).select_from(RESEARCH).where(RESEARCH.c.published_at.is_(None))
    return int(connection.execute(query).scalar_one())
