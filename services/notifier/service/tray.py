"""The tray: what the steps of a sitting want done, until it is written with the cases."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.notifier.cases.case import Forerunner
from services.notifier.cases.effects import AuditEntry, Done, Notice, Refused, RosterGap
from services.notifier.delivery.parcels import copy_for, of_closing, of_notice
from services.notifier.research.notices import notice_of
from services.notifier.store import deeds, outbox, research, timings
from services.notifier.store.audit import Line

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sqlalchemy import Connection

    from schemas.actions import Action
    from schemas.alerts import AlertRevision
    from schemas.research import ResearchNotice
    from services.notifier.cases.case import Case, Course
    from services.notifier.cases.effects import Effect
    from services.notifier.delivery.parcels import Parcel
    from services.notifier.quality.timed import Timed
    from services.notifier.service.premises import Premises
    from services.notifier.store.outbox import Packed


class Tray:
    """Gathers effects.

    Attributes:
        lines: for the audit trail; the caller appends them last.
        refused: why a command was not carried out, by the key of its input.
    """

    def __init__(self, house: Premises, now: datetime) -> None:
        """Nothing is on it yet."""
        self.lines: list[Line] = []
        self.refused: dict[str, str] = {}
        self._house, self._now = house, now
        self._packed: list[Packed] = []
        self._actions: list[Action] = []
        self._shared: list[ResearchNotice] = []
        self._timed: dict[tuple[str, str], Timed] = {}

    def put(self, effect: Effect, course: Course, key: str = "") -> None:
        """Put down an effect of a step; `key` is that of the input."""
        match effect:
            case Notice():
                self._send(effect, course)
            case Done():
                self._actions.append(effect.action)
            case AuditEntry():
                said = effect.model_dump(mode="json", exclude={"kind", "case_id", "at"})
                self.lines.append(Line(effect.at, effect.case_id, said))
            case RosterGap():
                said = {"what": "roster-gap", "team": effect.team, "duty": str(effect.duty)}
                self.lines.append(Line(effect.at, None, said))
            case Refused():
                self.refused[key] = effect.why
                said = {"what": "refused", "command": effect.command, "why": effect.why}
                self.lines.append(Line(self._now, None, said))

    def share(self, revision: AlertRevision, course: Course) -> None:
        """What research is to know of a revision, where the site shares that."""
        sharing = self._house.sharing
        notice = None if sharing is None else notice_of(revision, course, sharing)
        self._shared += [notice] if notice is not None else []

    def time(self, timed: Iterable[Timed]) -> None:
        """Alerts as a step left them; of one that was told, the first instant counts."""
        for one in timed:
            known = self._timed.get((one.case_id, one.alert_id), one)
            first = known if known.noticed_at is not None else one
            self._timed[one.case_id, one.alert_id] = first

    def say(self, case_id: str, **said: str) -> None:
        """A line of our own for the audit trail."""
        self.lines.append(Line(self._now, case_id, {"by": "system", **said}))

    def send(self, parcel: Parcel) -> None:
        """A parcel of our own."""
        self._packed.append(self._house.pack(parcel))

    def close(self, case: Case, reference: str) -> None:
        """A case of which somebody was told was closed: work that the record has of it ends.

        One that was merged goes on elsewhere, and its work ends with the case that took it over.
        """
        if case.marks.noticed is None or case.merged_into is not None:
            return
        own = Forerunner(patient_id=case.course.patient_id, case_id=case.case_id)
        for name in self._house.for_closings:
            for of in (own, *case.forerunners):
                parcel = of_closing(case, of, name, reference, self._now)
                self._packed.append(self._house.pack(parcel, name))

    def _send(self, notice: Notice, course: Course) -> None:
        """To somebody, and once for each cause to every channel that writes into the record."""
        parcel = of_notice(notice, course.patient_id, course.course_id)
        self._packed.append(self._house.pack(parcel))
        for name in self._house.for_the_record:
            self._packed.append(self._house.pack(copy_for(notice, parcel, name), name))

    def write(self, connection: Connection) -> None:
        """Write all but the audit lines."""
        outbox.put(connection, self._packed, self._now)
        deeds.record(connection, self._actions)
        timings.note(connection, self._timed.values())
        timings.acted(connection, self._actions)
        research.record(connection, self._shared)
