"""The beginning: what has to be put right because the site's folder is another than before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.notifier.store import research
from services.runtime.logs import logger

if TYPE_CHECKING:
    from schemas.research import ResearchNotice
    from services.notifier.research.settings import Sharing
    from services.notifier.store.database import Database


def withdraw_unshared(database: Database, sharing: Sharing | None) -> int:
    """Withdraw from research what was shared under settings that don't hold any more.

    Returns:
        How many findings.

    Raises:
        Unavailable: nothing was withdrawn.
    """

    def shared(one: ResearchNotice) -> bool:
        return sharing is not None and sharing.covers(one.rule, one.condition)

    with database.transaction() as connection:
        count = research.withdraw(connection, shared)
    if count:
        logger().warning("withdrawn from research", extra={"records": count})
    return count
