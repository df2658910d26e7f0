"""Preferences in the notifier's store, by the name that somebody has in the audit trail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import select

from services.notifier.inbox.personal.preferences import Preferences
from services.notifier.store.database import insert_into
from services.notifier.store.tables import PREFERENCES

if TYPE_CHECKING:
    from sqlalchemy import Connection

_BODY: Final = TypeAdapter(Preferences)


def preferences_of(connection: Connection, who: str) -> Preferences:
    """What somebody has chosen; the defaults where another release wrote what we can't read."""
    query = select(PREFERENCES.c.body).where(PREFERENCES.c.who == who)
    body = connection.execute(query).scalar()
    try:
        return Preferences() if body is None else _BODY.validate_json(body)
    except ValidationError:
        return Preferences()


def keep(connection: Connection, who: str, chosen: Preferences) -> None:
    """From now on."""
    body = _BODY.dump_json(chosen).decode()
    new = insert_into(connection, PREFERENCES).values(who=who, body=body)
    same = {"index_elements": ["who"], "set_": {"body": body}}
    connection.execute(new.on_conflict_do_update(**same))
