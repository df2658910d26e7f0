"""Deeds and research notices are published: in order, at least once, and noted when safe."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from services.notifier.store import deeds, research

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from schemas.actions import Action
    from schemas.research import ResearchNotice
    from services.notifier.store.database import Database

    Tell = Callable[[Sequence[Action]], None]
    TellResearch = Callable[[Sequence[ResearchNotice]], None]

    Said = TypeVar("Said")

    class Kept(Protocol[Said]):
        """Where messages wait to be published."""

        def waiting(self, connection: Connection, most: int) -> list[tuple[int, Said]]:
            """What was not told yet, with its number, in its order."""
            ...

        def published(self, connection: Connection, numbers: Sequence[int], now: datetime) -> None:
            """These were told."""
            ...


_TOGETHER: Final = 200


def publish(database: Database, tell: Tell, now: datetime) -> int:
    """Tell what people did and was not told yet; see `_publish`."""
    return _publish(database, deeds, tell, now)


def publish_research(database: Database, tell: TellResearch, now: datetime) -> int:
    """Tell research what was not told yet; see `_publish`."""
    return _publish(database, research, tell, now)


def _publish(
    database: Database, kept: Kept[Said], tell: Callable[[Sequence[Said]], None], now: datetime
) -> int:
    """Tell what was not told yet.

    Several notifiers take turns, so that order is kept. One alone doesn't hold its store while it
    tells: a broker that is slow to answer would hold up every message.

    Returns:
        How much was told.

    Raises:
        Unavailable: it is not known what was told; it comes again, with the same ids.
    """
    with database.transaction() as connection:
        found = kept.waiting(connection, _TOGETHER)
        numbers, said = [seq for seq, _ in found], [one for _, one in found]
        if found and database.shared:
            tell(said)
            kept.published(connection, numbers, now)
    if found and not database.shared:
        tell(said)
        with database.transaction() as connection:
            kept.published(connection, numbers, now)
    return len(found)
