"""Looks at the store and the roster again and again, so that no scrape has to wait for them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from services.notifier.roster.outlook import gaps
from services.notifier.store.overview import outcomes, overview

if TYPE_CHECKING:
    from datetime import datetime

    from services.notifier.service.metrics import NotifierMetrics
    from services.notifier.service.premises import Premises
    from services.notifier.store.database import Database

EVERY: Final = timedelta(seconds=5)
SLOWLY: Final = timedelta(minutes=1)
"""Between two looks at all that ever became of alerts, and at the roster."""
BLIND: Final = timedelta(seconds=30)
"""After this long without a look it is not ready: the store is away, or something hangs."""


class Watch:
    """Looks when it is time to."""

    def __init__(self, database: Database, house: Premises, metrics: NotifierMetrics) -> None:
        """Nothing was looked at yet."""
        self.metrics = metrics
        self._database, self._house = database, house
        self._slow: datetime | None = None

    def look(self, now: datetime) -> int:
        """Look, if the last time is long enough ago.

        Returns:
            0: there is nothing to be done about what was seen.

        Raises:
            Unavailable: the store can't be read.
        """
        last = self.metrics.looked_at
        if last is not None and now - last < EVERY:
            return 0
        slowly = self._slow is None or now - self._slow >= SLOWLY
        with self._database.transaction() as connection:
            found = overview(connection, now)
            became = outcomes(connection) if slowly else None
        if became is not None:
            self.metrics.judged(became)
            self.metrics.gaps(gaps(self._house.teams, now))
            self._slow = now
        self.metrics.roster(refused=bool(self._house.refused))
        self.metrics.looked(found, now)
        return 0

    def problem(self, now: datetime) -> str | None:
        """Why it is not at work; None when it is."""
        last = self.metrics.looked_at
        if last is None:
            return "it has not begun yet"
        if now - last > BLIND:
            return "the store has not been readable for half a minute"
        return None
