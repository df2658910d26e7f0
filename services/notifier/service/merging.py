"""A patient's record among others that it was merged with: where its cases belong, what goes along.

Each record hands on what is its own, in its own transaction, as inputs of the other one: so no
patient's row is changed but by whoever has locked it, and what comes late, twice or in a chain
goes the same way.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from services.notifier.cases.commands import Alerted, Inherited, Merged
from services.notifier.cases.findings import stands
from services.notifier.service.caseload import Caseload
from services.notifier.service.inputs import (
    HANDED,
    Handed,
    Known,
    Revised,
    Separated,
    forwarded,
    handed,
)
from services.notifier.store import merges, shelf
from services.notifier.store.instants import micros

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sqlalchemy import Connection

    from schemas.alerts import AlertRevision
    from schemas.events import Patient
    from services.notifier.cases.case import Case
    from services.notifier.service.inputs import Incoming
    from services.notifier.service.premises import Premises
    from services.notifier.store.intake import Given, Waiting

PATIENCE: Final = timedelta(minutes=2)
"""So long what a merged record takes back waits for the surviving record's own alert (CHOICE).

The detector withdraws what it said of the merged record alone, and says it of the survivor, by two
alerts, over Kafka perhaps by two processes. Who was told shall not hear both.
"""


class Kinship(Caseload):
    """A patient's cases, and what becomes of them when records are merged.

    Attributes:
        going: inputs for other patients, with whose records this one's was merged.
        waking: patients who are to be looked at, because this one's record was merged.
    """

    def __init__(
        self, connection: Connection, patient: shelf.Patient, house: Premises, now: datetime
    ) -> None:
        """Take the patient's cases from the shelf."""
        super().__init__(connection, patient, house, now)
        self.going: list[Given] = []
        self.waking: set[str] = set()
        self._home, self._hands = home_of(connection, patient), 0

    def _revised_of_another(self, revision: AlertRevision, item: Waiting) -> bool:
        """Of a merged record; what it takes back the surviving record's own alert may say anew."""
        if self._is_elsewhere:
            self._forward(item.key, Revised(revision=revision))
            return True
        course_id, until = revision.course_id or "", item.at + PATIENCE
        shelved = self._cases.get(course_id)
        known = _says(shelved.case if shelved else None, revision.alert_id)
        if known and not stands(revision) and self._now < until:
            self._wait(until)
            return False
        course, _ = shelf.course_of(self._connection, self._patient, course_id)
        self.step(course_id, Alerted(revision=revision, course=course))
        if known and not stands(revision):
            self._tell_again()
        return True

    @property
    def _is_elsewhere(self) -> bool:
        """Whether the cases of this record are another's."""
        return self._home != self._patient.patient_id

    def _link(self, event: Patient, issued: datetime) -> None:
        """Keep what an event says of a merge; whoever leads here leads elsewhere now."""
        merges.note(self._connection, event, issued)
        patient_id = self._patient.patient_id
        into = merges.next_of(self._connection, patient_id)
        if into != self._patient.merged_into:
            self._patient = self._patient._replace(merged_into=into)
            self._home = home_of(self._connection, self._patient)
            self.waking |= {*merges.led_here(self._connection, patient_id)} - {patient_id}
            self._move()

    def _move(self) -> None:
        """Bring the cases where they belong; what goes on from there by itself is left to that."""
        own, home = self._patient.patient_id, self._home
        former = self._patient.handed_to or own
        if former == home:
            return
        self._patient = self._patient._replace(handed_to=home if self._is_elsewhere else None)
        apart = former != own and merges.survivor(self._connection, former) != home
        if apart:
            records = tuple(merges.led_here(self._connection, own))
            self._hand(former, Separated(records=records))
        if self._is_elsewhere:
            self._hand(home, _belongings(self._connection, self._patient, self.cases))
        for course_id in list(self._cases):
            self.step(course_id, Merged(into=self._patient.handed_to))
        if apart:
            self._tell_again()

    def _tell_again(self) -> None:
        """What stands of this record's own: a case may have heard something else instead of it."""
        for revision in shelf.alerts_of(self._connection, self._patient.patient_id):
            if self._is_elsewhere:
                self._forward(f"{HANDED}again:{self._number()}", Revised(revision=revision))
            elif stands(revision):
                course_id = revision.course_id or ""
                course, _ = shelf.course_of(self._connection, self._patient, course_id)
                self.step(course_id, Alerted(revision=revision, course=course))

    def _handed(self, given: Handed) -> None:
        """What belonged to a record that was merged into this one."""
        self._patient = _taken_over(self._connection, self._patient, given)
        for case in given.cases:
            course_id = case.course.course_id or ""
            course, _ = shelf.course_of(self._connection, self._patient, course_id)
            self.step(course_id, Inherited(case=case, course=course))

    def _hand(self, to: str, given: Handed | Separated) -> None:
        self.going.append(handed(to, given, self._number()))

    def _number(self) -> str:
        """Of what is handed on: another each time, or it would be taken for what came before."""
        self._hands += 1
        return f"{self.patient_id}:{micros(self._now)}-{self._hands}"

    def _forward(self, key: str, given: Incoming) -> None:
        self.going.append(forwarded(key, given, self._home))


def home_of(connection: Connection, patient: shelf.Patient) -> str:
    """The record to which the patient's cases belong."""
    if patient.merged_into is None:
        return patient.patient_id
    return merges.survivor(connection, patient.patient_id)


def speaks(connection: Connection, event: Patient) -> bool:
    """Whether an event says something of a merge, or takes such a thing back."""
    return event.merged_into is not None or merges.is_known(connection, event)


def _says(case: Case | None, alert_id: str) -> bool:
    """Whether an alert stands in a case."""
    return case is not None and any(one.alert_id == alert_id for one in case.standing)


def _belongings(connection: Connection, patient: shelf.Patient, cases: Iterable[Case]) -> Handed:
    """All that goes along when a record is merged into another."""
    courses = shelf.courses_of(connection, patient.patient_id)
    return Handed(
        cases=tuple(one for one in cases if one.merged_into is None),
        courses=tuple(Known(course=course, issued_at=at) for course, at in courses),
        care_team=patient.care_team,
        care_team_at=patient.care_team_at,
    )


def _taken_over(connection: Connection, patient: shelf.Patient, given: Handed) -> shelf.Patient:
    """What was known of a merged record's courses and care team; what was said later counts."""
    for one in given.courses:
        course = one.course.model_copy(update={"patient_id": patient.patient_id})
        _, latest = shelf.course_of(connection, patient, course.course_id or "")
        if latest is None or one.issued_at > latest:
            shelf.remember_course(connection, course, one.issued_at)
    at, latest = given.care_team_at, patient.care_team_at
    if at is None or (latest is not None and latest >= at):
        return patient
    return patient._replace(care_team=given.care_team, care_team_at=at)
