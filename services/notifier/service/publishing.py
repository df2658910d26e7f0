"""Deeds are published: in their order, at least once, and noted when they are safe."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from services.notifier.store import deeds

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from schemas.actions import Action
    from services.notifier.store.database import Database

    Tell = Callable[[Sequence[Action]], None]

_TOGETHER: Final = 200


def publish(database: Database, tell: Tell, now: datetime) -> int:
    """Tell what was not told yet.

    Several notifiers take turns, so that order is kept. One alone doesn't hold its store while it
    tells: a broker that is slow to answer would hold up every message.

    Returns:
        How much was told.

    Raises:
        Unavailable: it is not known what was told; it comes again, with the same ids.
    """
    with database.transaction() as connection:
        found = deeds.waiting(connection, _TOGETHER)
        numbers, actions = [seq for seq, _ in found], [one for _, one in found]
        if found and database.shared:
            tell(actions)
            deeds.published(connection, numbers, now)
    if found and not database.shared:
        tell(actions)
        with database.transaction() as connection:
            deeds.published(connection, numbers, now)
    return len(found)
