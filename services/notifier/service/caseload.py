"""A patient's cases on the table: stepped, and put back with all that came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.notifier.cases.step import step
from services.notifier.delivery.digest import digest_due
from services.notifier.quality.timed import timed
from services.notifier.service.tray import Tray
from services.notifier.store import digests, shelf
from services.notifier.store.shelf import Shelved

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from services.notifier.cases.case import Case
    from services.notifier.cases.commands import Input
    from services.notifier.service.premises import Premises


class Caseload:
    """The cases of one patient, who is locked until the transaction ends.

    Attributes:
        tray: what is to be done, and audit lines.
    """

    def __init__(
        self, connection: Connection, patient: shelf.Patient, house: Premises, now: datetime
    ) -> None:
        """Take the patient's cases from the shelf."""
        self.tray = Tray(house, now)
        self._connection, self._house, self._now = connection, house, now
        self._patient = patient
        self._cases = shelf.cases_of(connection, patient.patient_id)
        self._named = {one.case_id for one in self.cases}
        self._changed: set[str] = set()
        self._put_off: datetime | None = None

    @property
    def patient_id(self) -> str:
        """Whose they are."""
        return self._patient.patient_id

    @property
    def cases(self) -> list[Case]:
        """The patient's cases, as they are by now."""
        return [one.case for one in self._cases.values()]

    def step(self, course_id: str, given: Input, key: str = "") -> None:
        """One input for the case of a course. Time never runs backward for a case."""
        before = self._cases.get(course_id)
        at = self._now if before is None else max(self._now, before.stepped_at)
        done = step(before.case if before else None, given, at, self._house.site)
        if done.case is None:
            return
        self._keep(course_id, Shelved(done.case, done.wake_at, at))
        self.tray.time(timed(done.case, at))
        for effect in done.effects:
            self.tray.put(effect, done.case.course, key)
        if before is not None and before.case.is_open and not done.case.is_open:
            self.tray.close(done.case, self._house.site.reference(done.case.case_id))

    def save(self) -> None:
        """Write what became of it, and put the patient back."""
        site, connection = self._house.site, self._connection
        for course_id in sorted(self._changed):
            shelved = self._cases[course_id]
            reference = site.reference(shelved.case.case_id)
            shelf.shelve(connection, shelved, reference)
            if shelved.case.case_id not in self._named:
                shelf.name(connection, shelved.case, reference)
            if shelved.case.in_digest:
                owner = shelved.case.owner
                due = digest_due(owner, self._house.teams, self._now)
                digests.expect(connection, str(owner), due)
        self.tray.write(connection)
        dues = [one.wake_at for one in self._cases.values() if one.wake_at is not None]
        dues += [self._put_off] if self._put_off is not None else []
        shelf.leave(connection, self._patient, min(dues, default=None))

    def _keep(self, course_id: str, shelved: Shelved) -> None:
        self._cases[course_id] = shelved
        self._changed.add(course_id)

    def _wait(self, until: datetime) -> None:
        """Something is to be looked at again then."""
        self._put_off = until if self._put_off is None else min(self._put_off, until)
