"""When each alert of an episode reached what: written with the case, and kept after it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import func, literal, select, update

from schemas.actions import Deed
from schemas.base import as_utc
from services.notifier.cases.case import Marks
from services.notifier.store.database import insert_into
from services.notifier.store.instants import Instant
from services.notifier.store.tables import TIMINGS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from sqlalchemy import Connection

    from schemas.actions import Action
    from services.notifier.quality.timed import Timed

_ANSWERS: Final = frozenset({Deed.ACKNOWLEDGED, Deed.STARTED, Deed.SNOOZED, Deed.HANDED_OVER})


def note(connection: Connection, timed: Iterable[Timed]) -> None:
    """Note alerts. What an alert was at first, stays; so does when it was first told."""
    rows = [one._asdict() for one in timed]
    if not rows:
        return
    new = insert_into(connection, TIMINGS)
    first = func.coalesce(TIMINGS.c.noticed_at, new.excluded.noticed_at)
    changed = {"noticed_at": first, "evidence_at": new.excluded.evidence_at}
    same = ["case_id", "alert_id"]
    connection.execute(new.on_conflict_do_update(index_elements=same, set_=changed), rows)


def acted(connection: Connection, actions: Iterable[Action]) -> None:
    """Note what was done about alerts: the first answer, the last disposition."""
    for one in actions:
        mine = (TIMINGS.c.case_id == one.case_id) & (TIMINGS.c.alert_id == one.alert_id)
        values = _values(one)
        if values:
            connection.execute(update(TIMINGS).where(mine).values(**values))


def _values(action: Action) -> dict[str, object]:
    if action.deed in _ANSWERS:
        at = literal(action.at, Instant())
        return {"acknowledged_at": func.coalesce(TIMINGS.c.acknowledged_at, at)}
    if action.deed is Deed.DISPOSED:
        return {"disposed_at": action.at}
    if action.deed is Deed.SALVAGE_STARTED and action.effective_at is not None:
        return {"salvage_at": as_utc(action.effective_at)}
    return {}


def marks(connection: Connection, since: datetime | None = None) -> Iterator[tuple[str, Marks]]:
    """Every alert's rule and instants; `since`: of those that came then or later."""
    query = select(TIMINGS).order_by(TIMINGS.c.rule)
    recent = query if since is None else query.where(TIMINGS.c.alerted_at >= since)
    for row in connection.execute(recent):
        yield (
            row.rule,
            Marks(
                evidence=row.evidence_at,
                alerted=row.alerted_at,
                act_by=row.act_by,
                noticed=row.noticed_at,
                acknowledged=row.acknowledged_at,
                disposed=row.disposed_at,
                salvage=row.salvage_at,
            ),
        )
