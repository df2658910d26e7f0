"""Cases of people and teams that the roster has no more; looked for at each new roster."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.notifier.delivery.digest import digest_due
from services.notifier.service.inputs import rerostered
from services.notifier.service.premises import party
from services.notifier.store import digests, intake, shelf

if TYPE_CHECKING:
    from datetime import datetime

    from services.notifier.roster.teams import Teams
    from services.notifier.service.premises import Premises
    from services.notifier.store.database import Database


class Vacancies:
    """Looks once at each roster."""

    def __init__(self, database: Database, house: Premises) -> None:
        """Nothing was looked at yet."""
        self._database, self._house = database, house
        self._seen: Teams | None = None

    def look(self, now: datetime) -> int:
        """Have those cases looked at whose owner or team is in the roster no more; digests follow.

        Returns:
            How many there are.

        Raises:
            Unavailable: nothing was done; the next look does it.
        """
        teams = self._house.teams
        if teams is self._seen:
            return 0
        with self._database.transaction() as connection:
            owners, names = shelf.responsible(connection)
            gone = [one for one in owners if not teams.knows(party(one))]
            lost = [one for one in names if not teams.has_team(one)]
            found = shelf.cases_with(connection, gone, lost)
            intake.take(connection, [rerostered(one) for one in found], now)
            for recipient in digests.ahead(connection, now):  # their hour or zone may be another
                due = digest_due(party(recipient), teams, now)
                digests.put_off(connection, recipient, due)
        self._seen = teams
        return len(found)
