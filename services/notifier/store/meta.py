"""Single facts about the database, each under a name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from services.notifier.store.database import insert_into
from services.notifier.store.tables import META

if TYPE_CHECKING:
    from sqlalchemy import Connection


def agree(connection: Connection, key: str, value: str) -> str:
    """What stands under a name: this value, unless somebody was first."""
    new = insert_into(connection, META).values(key=key, value=value)
    connection.execute(new.on_conflict_do_nothing(index_elements=["key"]))
    return str(connection.execute(select(META.c.value).where(META.c.key == key)).scalar_one())


def held(connection: Connection, key: str) -> str | None:
    """What stands under a name; nobody else changes it until the transaction ends."""
    query = select(META.c.value).where(META.c.key == key).with_for_update()
    found: str | None = connection.execute(query).scalar()
    return found


def put(connection: Connection, key: str, value: str) -> None:
    """Put something under a name."""
    new = insert_into(connection, META).values(key=key, value=value)
    same = {"index_elements": ["key"], "set_": {"value": new.excluded.value}}
    connection.execute(new.on_conflict_do_update(**same))
