"""What others may ask of the notifier, and tell it: pages, services, people's commands."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from services.notifier.cases.case import gravity
from services.notifier.service.records import record_of
from services.notifier.store import audit, merges, shelf
from services.notifier.store.audit import Line
from services.notifier.store.instants import moment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.notifier.channels.contract import Record
    from services.notifier.channels.service import Feedback
    from services.notifier.service.premises import Premises
    from services.notifier.store.database import Database
    from services.runtime.clock import Clock


class Answers:
    """Answers from the store: an `OpenCases` and a `Listener` for services."""

    def __init__(self, database: Database, house: Premises, clock: Clock) -> None:
        """Answer from a database, in the names that the site gives its cases."""
        self._database, self._house, self._clock = database, house, clock

    async def open_cases(self, patient_id: str) -> Sequence[Record]:
        """The patient's open cases, gravest first.

        Raises:
            Unavailable: the store can't be read.
        """
        return await asyncio.to_thread(self._open_cases, patient_id)

    async def heard(self, feedback: Feedback) -> None:
        """Keep what somebody did with a case that was shown; it is neither answer nor deed.

        Raises:
            Unavailable: it could not be kept.
        """
        await asyncio.to_thread(self._heard, feedback)

    def _open_cases(self, patient_id: str) -> list[Record]:
        with self._database.transaction() as connection:
            home = merges.survivor(connection, patient_id)  # who asks may know the old record only
            cases = [one.case for one in shelf.cases_of(connection, home).values()]
            opened = [one for one in cases if one.is_open]
            opened.sort(key=lambda one: (gravity(one.severity), one.case_id))
            return [record_of(connection, one, self._house) for one in opened]

    def _heard(self, feedback: Feedback) -> None:
        said = feedback.model_dump(mode="json", exclude_none=True)
        with self._database.transaction() as connection:
            case_id = shelf.named(connection, feedback.reference)
            now = moment(self._clock.now())
            audit.append(connection, [Line(now, case_id, {"what": "feedback", **said})])
