"""Research notices, to be published: kept in their order, and told at least once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, func, insert, select, update

from schemas.research import ResearchNotice, Stage
from services.notifier.store.tables import RESEARCH

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from sqlalchemy import Connection


def record(connection: Connection, notices: Iterable[ResearchNotice]) -> None:
    """Keep notices; nothing is withdrawn that was never shared, or is withdrawn already.

    A finding's numbers grow, also behind a withdrawal that no alert brought about.
    """
    for one in notices:
        last = _last(connection, one.finding)
        if one.stage is Stage.WITHDRAWN and (last is None or last.stage is Stage.WITHDRAWN):
            continue
        number = one.revision if last is None else max(one.revision, last.revision + 1)
        _keep(connection, one.model_copy(update={"revision": number}))


def withdraw(connection: Connection, shared: Callable[[ResearchNotice], bool]) -> int:
    """Withdraw what a site shares no more; what was not even told yet is not told at all.

    Args:
        connection: a transaction.
        shared: whether such a notice would be shared now.

    Returns:
        How many findings are withdrawn.
    """
    gone = [one for one in _standing(connection) if not shared(one)]
    for one in gone:
        mine = (RESEARCH.c.finding == one.finding) & RESEARCH.c.published_at.is_(None)
        connection.execute(delete(RESEARCH).where(mine))
    told = [last for one in gone if (last := _last(connection, one.finding)) is not None]
    still = [one for one in told if one.stage is not Stage.WITHDRAWN]
    for one in still:
        end = {"stage": Stage.WITHDRAWN, "revision": one.revision + 1, "readiness": ()}
        _keep(connection, one.model_copy(update={**end, "evidence_on": None, "act_by": None}))
    return len(still)


def is_shared(connection: Connection, subject: str) -> bool:
    """Whether anything of a subject, by their pseudonym, is shared and not withdrawn."""
    return any(one.subject == subject for one in _standing(connection))


def _standing(connection: Connection) -> list[ResearchNotice]:
    """The last notice of each finding that is not withdrawn."""
    last = select(func.max(RESEARCH.c.seq)).group_by(RESEARCH.c.finding)
    query = select(RESEARCH.c.body).where(RESEARCH.c.seq.in_(last)).order_by(RESEARCH.c.seq)
    found = (ResearchNotice.model_validate_json(row.body) for row in connection.execute(query))
    return [one for one in found if one.stage is not Stage.WITHDRAWN]


def _last(connection: Connection, finding: str) -> ResearchNotice | None:
    query = select(RESEARCH.c.body).where(RESEARCH.c.finding == finding)
    body = connection.execute(query.order_by(RESEARCH.c.seq.desc()).limit(1)).scalar()
    return None if body is None else ResearchNotice.model_validate_json(body)


def _keep(connection: Connection, notice: ResearchNotice) -> None:
    body = notice.to_json().decode()
    new = insert(RESEARCH).values(finding=notice.finding, revision=notice.revision, body=body)
    connection.execute(new)


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
