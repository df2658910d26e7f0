"""A sitting: one patient's cases on the table, from claim to commit.

Everything that a step wants done becomes rows of the same transaction: the case, the outbox, the
deeds, the audit trail. Either all of it is there, or nothing came in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas.base import as_utc
from schemas.events import Event, Patient, Treatment
from services.notifier.cases.commands import Alerted, Happened, Tick
from services.notifier.cases.happened import course_after
from services.notifier.cases.step import step
from services.notifier.delivery.digest import digest_due
from services.notifier.delivery.parcels import instead
from services.notifier.delivery.undelivered import next_rung_now
from services.notifier.quality.timed import timed
from services.notifier.service.inputs import INCOMING, Asked, NotDelivered, Occurred, Revised
from services.notifier.service.tray import Tray
from services.notifier.store import digests, intake, shelf
from services.notifier.store.shelf import Shelved

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from services.notifier.cases.case import Case
    from services.notifier.cases.commands import Input
    from services.notifier.delivery.parcels import Parcel
    from services.notifier.service.premises import Premises
    from services.notifier.store.intake import Waiting


class Sitting:
    """Works on one patient, who is locked until the transaction ends.

    Attributes:
        tray: what is to be done, and audit lines that the caller appends last.
    """

    def __init__(
        self, connection: Connection, patient: shelf.Patient, house: Premises, now: datetime
    ) -> None:
        """Take the patient's cases from the shelf."""
        self.tray = Tray(house, now)
        self._connection, self._house, self._now = connection, house, now
        self._patient = patient
        self._cases = shelf.cases_of(connection, patient.patient_id)
        self._changed: set[str] = set()
        self._put_off: datetime | None = None

    @property
    def cases(self) -> list[Case]:
        """The patient's cases, as they are by now."""
        return [one.case for one in self._cases.values()]

    def work(self) -> None:
        """Take in what waits, in its order, then what time has brought."""
        items = intake.waiting(self._connection, self._patient.patient_id)
        done = self._pass(items)
        done += self._pass([one for one in items if one.seq not in done] if done else [])
        for course_id, shelved in self._cases.items():
            if shelved.wake_at is not None and shelved.wake_at <= self._now:
                self.step(course_id, Tick())
        intake.finish(self._connection, done)

    def _pass(self, items: list[Waiting]) -> list[int]:
        """Take in what can be; what waits for its course's events has a second chance after them.

        Returns:
            What was taken in.
        """
        held: set[str] = set()
        self._put_off = None if items else self._put_off
        return [item.seq for item in items if self._take(item, held)]

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
            shelf.shelve(connection, shelved, site.reference(shelved.case.case_id))
            if shelved.case.in_digest:
                owner = shelved.case.owner
                due = digest_due(owner, self._house.teams, self._now)
                digests.expect(connection, str(owner), due)
        self.tray.write(connection)
        dues = [one.wake_at for one in self._cases.values() if one.wake_at is not None]
        dues += [self._put_off] if self._put_off is not None else []
        shelf.leave(connection, self._patient, min(dues, default=None))

    # -- what each kind of input does

    def _take(self, item: Waiting, held: set[str]) -> bool:
        """Take in one input; False if it has to wait, with all that is of the same course."""
        given = INCOMING.validate_json(item.body)
        match given:
            case Revised():
                return self._revised(given, item, held)
            case Occurred():
                self._occurred(given.event)
            case Asked():
                self._asked(given, item)
            case NotDelivered():
                self._not_delivered(given.parcel)
        return True

    def _revised(self, given: Revised, item: Waiting, held: set[str]) -> bool:
        revision = given.revision
        course_id = revision.course_id or ""
        course, known = shelf.course_of(self._connection, self._patient, course_id)
        until = item.at + self._house.patience
        if course_id in held or (course_id and known is None and self._now < until):
            held.add(course_id)
            self._put_off = until if self._put_off is None else min(self._put_off, until)
            return False
        shelf.remember_finding(self._connection, revision)
        self.step(course_id, Alerted(revision=revision, course=course))
        self.tray.share(revision, course)
        return True

    def _occurred(self, event: Event) -> None:
        """Fold the event into what is known, then let every case of the patient hear of it."""
        issued = self._now if event.issued_at is None else as_utc(event.issued_at)
        if isinstance(event, Patient) and not event.status.withdraws:
            latest = self._patient.care_team_at
            if event.care_team is not None and (latest is None or issued >= latest):
                self._patient = self._patient._replace(
                    care_team=event.care_team, care_team_at=issued
                )
        elif isinstance(event, Treatment):
            course, latest = shelf.course_of(self._connection, self._patient, event.course_id)
            if latest is None or issued >= latest:
                after = course_after(course, event)
                shelf.remember_course(self._connection, after, issued)
        for course_id in list(self._cases):
            self.step(course_id, Happened(event=event))

    def _asked(self, given: Asked, item: Waiting) -> None:
        course_id = given.course_id or ""
        if course_id in self._cases:
            self.step(course_id, given.command, item.key)
        else:
            self.tray.refused[item.key] = "there is no such case"

    def _not_delivered(self, parcel: Parcel) -> None:
        """The next rung at once; what stands outside of the ladder goes to the desk."""
        course_id = (parcel.origin.course_id if parcel.origin else None) or ""
        shelved = self._cases.get(course_id)
        if shelved is None:
            return
        case = shelved.case
        self.tray.say(case.case_id, what="undelivered", after=str(parcel.to))
        at = max(self._now, shelved.stepped_at)
        sooner = next_rung_now(case, parcel, at)
        if sooner is not None:
            self._keep(course_id, shelved._replace(case=sooner, wake_at=at, stepped_at=at))
            self.step(course_id, Tick())
        elif parcel.rung is None and parcel.to.is_person:
            desk = self._house.site.roster.desk(case.team)
            self.tray.send(instead(parcel, desk, self._now))

    # -- what comes of it

    def _keep(self, course_id: str, shelved: Shelved) -> None:
        self._cases[course_id] = shelved
        self._changed.add(course_id)
