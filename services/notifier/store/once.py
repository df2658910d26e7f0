"""Whether something came in before, by its key: a second click is no second deed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from services.notifier.store.database import insert_into
from services.notifier.store.tables import INPUTS

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection


def is_known(connection: Connection, key: str) -> bool:
    """Whether an input came under this key."""
    query = select(INPUTS.c.seq).where(INPUTS.c.key == key)
    return connection.execute(query).first() is not None


def remember(connection: Connection, key: str, patient_id: str, now: datetime) -> None:
    """Keep the key of what needed no work."""
    new = insert_into(connection, INPUTS).values(key=key, patient_id=patient_id, at=now)
    connection.execute(new.on_conflict_do_nothing(index_elements=["key"]))
