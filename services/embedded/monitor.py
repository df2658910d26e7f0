"""The engine, seen from storage: whose state changed, and what is to be kept of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from services.detector.engine.monitor import Monitor
from services.detector.engine.patient import TURNING

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
    """What is stored of a patient beside the facts.

    journals: what was published, as `Monitor.dump` gives it; those that may have changed.
    rows: by table, without the patient's id: `timers` (course, rule, due instant); `undecided`
        (course, rule, criterion, source, event id, reason); `identities` (patient id that was
        merged into this one,), but only if there ever were any.
    """

    journals: list[dict[str, Any]]
    rows: dict[str, set[Row]]


class WardMonitor(Monitor):
    """A monitor that remembers whose state may have changed since it was last asked.

    at_work: the patient who is being judged at this moment; after a failure, the one at whom
        it failed, if that is known.
    """

    def __init__(self, rules: Sequence[CompiledRule], *, incremental: bool = True) -> None:
        """Start without patients; as the engine's."""
        super().__init__(rules, incremental=incremental)
        self._touched: dict[str, set[LaneKey]] = {}
        self._changed: dict[str, set[LaneKey]] = {}
        self._ids = [rule.id for rule in self._rules]
        self._ever_merged = False
        self.at_work: str | None = None

    def observe(self, versions: Iterable[Fact], now: int) -> list[News]:
        """As the engine's; both sides of a merge, or of its end, count as touched."""
        taken = list(versions)
        self.at_work = None
        several = [fact.event.patient_id for fact in taken if not self._is_simple(fact)]
        self._touch(several)
        news = super().observe(taken, now)
        self._touch(several)
        return news

    def _touch(self, patient_ids: Iterable[str]) -> None:
        for patient_id in patient_ids:
            self._touched.setdefault(self._survivor(patient_id), set())

    def _is_simple(self, fact: Fact) -> bool:
        """Whether a fact is only put beside the others: what that changes is published."""
        chart = self._charts.get(fact.event.patient_id)
        return chart is not None and fact.key not in chart and fact.topic not in TURNING

    def _patient(self, patient_id: str) -> Patient:
        self.at_work = patient_id
        return super()._patient(patient_id)

    def _publish(self, patient_id: str, keys: Iterable[LaneKey], now: int) -> list[News]:
        told = tuple(keys)
        self._touched.setdefault(patient_id, set()).update(told)
        self.at_work = patient_id
        news = super()._publish(patient_id, told, now)
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
        touched, self._changed = sorted(self._touched), self._touched
        self._touched = {}
        return touched

    def group(self, patient_id: str) -> set[str]:
        """The survivor of a patient id, and all records that were merged into it."""
        survivor = self._survivor(patient_id)
        return {survivor, patient_id, *self._members.get(survivor, ())}

    def state_of(self, patient_id: str) -> PatientState:
        """What is to be stored of a patient who was touched when that was asked last."""
        rows: dict[str, set[Row]] = {"timers": set(), "undecided": set()}
        if self._ever_merged:
            members = self._members.get(patient_id, ())
            rows["identities"] = {(member,) for member in members if member != patient_id}
        patient = self._patients.get(patient_id)
        if patient is None:
            return PatientState([], rows)
        ids = self._ids
        rows["timers"] = {(course or "", ids[n], due) for (n, course), due in patient.dues.items()}
        rows["undecided"] = {
            (course or "", ids[n], doubt.criterion, *doubt.fact.key, doubt.reason)
            for (n, course), doubt in patient.doubts()
        }
        return PatientState(self._journals(patient, self._changed.get(patient_id, set())), rows)

    def _journals(self, patient: Patient, keys: Iterable[LaneKey]) -> list[dict[str, Any]]:
        return [
            {"rule": self._ids[key[0]], "course": key[1], **patient.journals[key].dump()}
            for key in keys
            if key in patient.journals
        ]

    def _regroup(self, now: int) -> list[News]:
        news = super()._regroup(now)
        self._ever_merged = self._ever_merged or bool(self._members)
        return news
