"""The agenda: patients with something to do, a few in each transaction, the most urgent first."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from services.notifier.service.canary import turn_away
from services.notifier.service.crashpoints import reached
from services.notifier.service.feedback import as_judged
from services.notifier.service.sitting import Sitting, finish, meet
from services.notifier.service.spans import tell_heard
from services.notifier.store import intake, shelf
from services.runtime import tracing
from services.runtime.errors import Unavailable
from services.runtime.logs import logger

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from services.notifier.service.premises import Premises
    from services.notifier.store.database import Database
    from services.notifier.store.intake import Given

_TOGETHER: Final = 20
_SOONEST: Final = timedelta(minutes=1)
_LATEST: Final = timedelta(hours=1)


class Agenda:
    """Works through what is due."""

    def __init__(self, database: Database, house: Premises) -> None:
        """Nothing is begun yet."""
        self._database, self._house = database, house

    def work(self, now: datetime) -> int:
        """Work on some patients who are due.

        Returns:
            How many; fewer than could be means that nobody else is due.

        Raises:
            Unavailable: the store can't be used; nothing was done.
        """
        try:
            return self._together(now, _TOGETHER)
        except Unavailable:
            raise
        except Exception:  # noqa: BLE001 - one patient's defect is not the others'
            return self._apart(now)

    def submit(self, given: Given, now: datetime) -> str | None:
        """Take in one input, and carry it out with all that waits before it.

        Returns:
            Why a command was refused; None if it was carried out, or had come before.
        """
        with self._database.transaction() as connection:
            intake.take(connection, [given], now)
            patients = shelf.lock(connection, [given.patient_id])
            house = as_judged(connection, self._house)
            sitting, *_ = self._sit(connection, list(patients.values()), house, now)
        _tell([sitting], now)
        return sitting.tray.refused.get(given.key)

    def _together(self, now: datetime, most: int) -> int:
        with self._database.transaction() as connection:
            patients = shelf.claim(connection, now, most)
            house = as_judged(connection, self._house) if patients else self._house
            sittings = self._sit(connection, patients, house, now)
            if patients:
                reached("step.written")
        if patients:
            reached("step.committed")
        _tell(sittings, now)
        return len(patients)

    def _sit(
        self,
        connection: Connection,
        patients: Sequence[shelf.Patient],
        house: Premises,
        now: datetime,
    ) -> list[Sitting]:
        """Work on patients who are locked."""
        turn_away(connection, patients, house, now)
        sittings = [Sitting(connection, patient, house, now) for patient in patients]
        meet(connection, sittings, now)
        for sitting in sittings:
            sitting.work()
            sitting.save()
        finish(connection, sittings, now)
        return sittings

    def _apart(self, now: datetime) -> int:
        """One patient after the other, so that only those fail who have to."""
        with self._database.transaction() as connection:
            patients = shelf.claim(connection, now, _TOGETHER)
        for patient in patients:
            self._alone(patient.patient_id, now)
        return len(patients)

    def _alone(self, patient_id: str, now: datetime) -> None:
        try:
            with self._database.transaction() as connection:
                patients = shelf.lock(connection, [patient_id])
                house = as_judged(connection, self._house)
                sittings = self._sit(connection, list(patients.values()), house, now)
            _tell(sittings, now)
        except Unavailable:
            raise
        except Exception:  # noqa: BLE001 - it is said, and tried again; the others go on
            logger().exception("a case failed")
            self._set_aside(patient_id, now)

    def _set_aside(self, patient_id: str, now: datetime) -> None:
        with self._database.transaction() as connection:
            patient = shelf.lock(connection, [patient_id])[patient_id]
            wait = min(_LATEST, _SOONEST * (1 << min(patient.failures, 10)))
            shelf.leave(connection, patient, now + wait, patient.failures + 1)


def _tell(sittings: Sequence[Sitting], now: datetime) -> None:
    """What was taken in is on disk."""
    if tracing.on():
        tell_heard([one for each in sittings for one in each.heard], now)


def take_in(
    database: Database, given: Sequence[Given], now: datetime, positions: dict[str, int]
) -> None:
    """Take in what feeds told, together with how far they were read.

    Raises:
        Unavailable: nothing was taken.
    """
    with database.transaction() as connection:
        intake.take(connection, given, now)
        for feed, position in sorted(positions.items()):
            intake.advance(connection, feed, position)
        reached("intake.written")
    reached("intake.committed")
