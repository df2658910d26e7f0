"""A sitting: one patient's cases on the table, from claim to commit.

Everything that a step wants done becomes rows of the same transaction: the case, the outbox, the
deeds, the audit trail. Either all of it is there, or nothing came in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas.base import as_utc
from schemas.events import Event, Patient, Treatment
from services.notifier.cases.commands import Alerted, Happened, Parted, Rostered, Tick
from services.notifier.cases.happened import course_after
from services.notifier.delivery.parcels import instead
from services.notifier.delivery.undelivered import next_rung_now
from services.notifier.service.inputs import (
    HANDED,
    INCOMING,
    Asked,
    Handed,
    NotDelivered,
    Occurred,
    Rerostered,
    Revised,
    Separated,
)
from services.notifier.service.merging import Kinship, speaks
from services.notifier.service.spans import Heard
from services.notifier.store import audit, intake, shelf, traces

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from services.notifier.delivery.parcels import Parcel
    from services.notifier.service.premises import Premises
    from services.notifier.store.intake import Waiting


class Sitting(Kinship):
    """Works on one patient, who is locked until the transaction ends.

    Before it works, it is to `meet`; what it leaves to the end of the transaction, `finish` does.

    Attributes:
        heard: revisions that were taken in.
    """

    def __init__(
        self, connection: Connection, patient: shelf.Patient, house: Premises, now: datetime
    ) -> None:
        """Take the patient's cases from the shelf."""
        super().__init__(connection, patient, house, now)
        self.heard: list[Heard] = []

    def meet(self, said: Sequence[Waiting]) -> None:
        """Take in what says with which records this one was merged, and move where that leads."""
        self._move()
        intake.finish(self._connection, self._pass(list(said)))

    def work(self) -> None:
        """Take in what waits, in its order, then what time has brought."""
        items = intake.waiting(self._connection, self._patient.patient_id)
        items.sort(key=lambda one: not one.key.startswith(HANDED))
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

    # -- what each kind of input does

    def _take(self, item: Waiting, held: set[str]) -> bool:
        """Take in one input; False if it has to wait, with all that is of the same course."""
        given = INCOMING.validate_json(item.body)
        if isinstance(given, Revised):
            if given.revision.patient_id != self._patient.patient_id:
                return self._revised_of_another(given.revision, item)
            return self._revised(given, item, held)
        if isinstance(given, Occurred):
            self._occurred(given.event, item)
        elif isinstance(given, Asked):
            self._asked(given, item)
        elif isinstance(given, Rerostered):
            self.step(given.course_id or "", Rostered())
        elif self._is_elsewhere:
            self._forward(item.key, given)
        else:
            self._come_here(given)
        return True

    def _come_here(self, given: NotDelivered | Handed | Separated) -> None:
        match given:
            case NotDelivered():
                self._not_delivered(given.parcel)
            case Handed():
                self._handed(given)
            case Separated():
                for course_id in list(self._cases):
                    self.step(course_id, Parted(records=given.records))
                self._tell_again()

    def _revised(self, given: Revised, item: Waiting, held: set[str]) -> bool:
        revision = given.revision
        course_id = revision.course_id or ""
        course, known = shelf.course_of(self._connection, self._patient, course_id)
        until = item.at + self._house.patience
        if course_id in held or (course_id and known is None and self._now < until):
            held.add(course_id)
            self._wait(until)
            return False
        shelf.remember_finding(self._connection, revision)
        self.heard.append(Heard(revision, given.trace, item.at))
        if given.trace is not None:
            traces.remember(self._connection, revision.alert_id, given.trace)
        self.tray.share(revision, course)
        if self._is_elsewhere:
            self._forward(item.key, given)
        else:
            self.step(course_id, Alerted(revision=revision, course=course))
        return True

    def _occurred(self, event: Event, item: Waiting) -> None:
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
        if isinstance(event, Patient) and speaks(self._connection, event):
            self._link(event, issued)
        elif self._is_elsewhere:
            told = event.model_copy(update={"patient_id": self._home})
            self._forward(item.key, Occurred(event=told))
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


def meet(connection: Connection, sittings: Sequence[Sitting], now: datetime) -> None:
    """First of all, which records are one patient's: what one hands on comes before other news."""
    said = intake.about_merges(connection, [one.patient_id for one in sittings])
    for one in sittings:
        one.meet(said.get(one.patient_id, ()))
    _pass_on(connection, sittings, now)


def finish(connection: Connection, sittings: Sequence[Sitting], now: datetime) -> None:
    """The last thing of a transaction: others wait for what it writes.

    After all sittings were saved, so that none of them puts back a patient whom this wakes.
    """
    _pass_on(connection, sittings, now)
    waking = {patient for one in sittings for patient in one.waking}
    if waking:
        intake.wake(connection, waking, now)
    audit.append(connection, [line for one in sittings for line in one.tray.lines])


def _pass_on(connection: Connection, sittings: Sequence[Sitting], now: datetime) -> None:
    intake.take(connection, [given for one in sittings for given in one.going], now)
    for one in sittings:
        one.going.clear()
