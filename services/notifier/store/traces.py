"""Which trace an alert came by: kept, because whoever sends of it may do so weeks later."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from services.notifier.store.database import insert_into
from services.notifier.store.tables import TRACES

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import Connection


def remember(connection: Connection, alert_id: str, trace: str) -> None:
    """Note the `traceparent` with which an alert's latest revision came."""
    new = insert_into(connection, TRACES).values(alert_id=alert_id, trace=trace)
    changed = {"trace": new.excluded.trace}
    connection.execute(new.on_conflict_do_update(index_elements=["alert_id"], set_=changed))


def of(connection: Connection, alerts: Collection[str]) -> tuple[str, ...]:
    """The traces of some alerts, as far as they are known, in a fixed order."""
    mine = select(TRACES.c.trace).where(TRACES.c.alert_id.in_(alerts))
    rows = connection.execute(mine.order_by(TRACES.c.alert_id))
    return tuple(str(trace) for (trace,) in rows)
