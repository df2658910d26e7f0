"""The engine, seen from storage: whose state changed, and what is to be kept of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from services.detector.engine.monitor import Monitor

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from schemas.alerts import AlertRevision
    from services.detector.engine.fact import Fact
    from services.detector.engine.monitor import News
    from services.detector.engine.patient import LaneKey, Patient
    from services.detector.engine.rule import CompiledRule

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class PatientState:
    """What is stored of a patient beside the facts, as rows without the patient's id.

    journals: what was published, as `Monitor.dump` gives it.
    timers: (course, rule, due instant).
    undecided: (course, rule, criterion, source, event id, reason).
    members: (patient id that was merged into this one,).
    """

    journals: list[dict[str, Any]]
    timers: set[Row]
    undecided: set[Row]
    members: set[Row]


class WardMonitor(Monitor):
    """A monitor that remembers whose state may have changed since it was last asked.

    at_work: the patient who is being judged at this moment; after a failure, the one at whom
        it failed, if that is known.
    """

    def __init__(self, rules: Sequence[CompiledRule], *, incremental: bool = True) -> None:
        """Start without patients; as the engine's."""
        super().__init__(rules, incremental=incremental)
        self._touched: set[str] = set()
        self.at_work: str | None = None

    def observe(self, versions: Iterable[Fact], now: int) -> list[News]:
        """As the engine's; both sides of a merge, or of its end, count as touched."""
        taken = list(versions)
        self.at_work = None
        self._touched |= {self._survivor(fact.event.patient_id) for fact in taken}
        news = super().observe(taken, now)
        self._touched |= {self._survivor(fact.event.patient_id) for fact in taken}
        return news

    def _patient(self, patient_id: str) -> Patient:
        self.at_work = patient_id
        return super()._patient(patient_id)

    def _publish(self, patient_id: str, keys: Iterable[LaneKey], now: int) -> list[News]:
        self._touched.add(patient_id)
        self.at_work = patient_id
        news = super()._publish(patient_id, keys, now)
        self.at_work = None
        return news

    def written(self, news: News) -> AlertRevision:
        """As the engine's."""
        self.at_work = news.patient_id
        revision = super().written(news)
        self.at_work = None
        return revision

    def touched(self) -> list[str]:
        """The patients whose state may differ from what was stored; then none."""
        touched, self._touched = sorted(self._touched), set()
        return touched

    def group(self, patient_id: str) -> set[str]:
        """The survivor of a patient id, and all records that were merged into it."""
        survivor = self._survivor(patient_id)
        return {survivor, patient_id, *self._members.get(survivor, ())}

    def state_of(self, patient_id: str) -> PatientState:
        """What is to be stored of a patient."""
        patient = self._patients.get(patient_id)
        members = self._members.get(patient_id, ())
        if patient is None:
            return PatientState([], set(), set(), set())
        ids = [rule.id for rule in self._rules]
        return PatientState(
            journals=patient.dump(),
            timers={(course or "", ids[n], due) for (n, course), due in patient.dues.items()},
            undecided={
                (course or "", ids[n], doubt.criterion, *doubt.fact.key, doubt.reason)
                for (n, course), doubt in patient.doubts()
            },
            members={(member,) for member in members if member != patient_id},
        )
