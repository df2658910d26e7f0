"""Who is who, as far as the stored facts tell: whether a record may be put down to its patient.

What the engine does with merged records it does for itself; here it is only asked whether a record
fits to what is known. A record that doesn't is held as a dead letter, and can be read again once
somebody has put right what is wrong. Runs within the transaction that holds the facts.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from schemas.deadletter import Reason
from schemas.events import EVENT, Patient
from services.detector.engine.fact import Fact
from services.detector.engine.timeline import Timeline
from services.ingest.coding import Rejected

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from services.embedded.reading import Reading

    Rows = Callable[[str, tuple[Any, ...]], list[Any]]

_OWNERS: Final = "SELECT patient_id FROM persons WHERE identifier = ?"
_MERGES: Final = (
    "SELECT event, received FROM facts WHERE patient_id = ? AND "
    "(event LIKE '%\"merged_into\":%' OR status IN ('cancelled', 'entered-in-error'))"
)
CONFLICT: Final = Rejected(
    Reason.IDENTITY_CONFLICT, "identifiers of two patients who are known here", "PID-3"
)
CIRCLE: Final = Rejected(
    Reason.MERGE_UNRESOLVED, "the survivor's own merges lead in a circle", "merged_into"
)


class Persons:
    """What a store knows of identities."""

    def __init__(self, rows: Rows) -> None:
        """Wire.

        Args:
            rows: asks the store.
        """
        self._rows = rows

    def checked(self, reading: Reading) -> Reading:
        """The same, or nothing but the reason for which all of it is held."""
        why = self._objection(reading)
        if why is None:
            return reading
        rejected = (*reading.rejected, why)
        return replace(reading, events=(), rejected=rejected, document=None, changes=(), persons=())

    def _objection(self, reading: Reading) -> Rejected | None:
        merges = {
            event.patient_id: event.merged_into
            for event in reading.events
            if isinstance(event, Patient) and event.merged_into and not event.status.withdraws
        }
        if any(self._leads_back(retired, merges) for retired in merges):
            return CIRCLE
        return CONFLICT if any(map(self._conflicts, reading.persons)) else None

    def _leads_back(self, retired: str, merges: Mapping[str, str]) -> bool:
        """Whether from a record, by its new merge and all that are known, no end is reached."""
        seen, at = set[str](), retired
        while following := merges.get(at) or self._merged_into(at):
            seen.add(at)
            if following in seen:
                return True
            at = following
        return False

    def _conflicts(self, identifiers: tuple[str, ...]) -> bool:
        """Whether identifiers of one person are known to belong to two; the first is the patient's.

        An identifier that is new, with ones that are known, is taken; unless its authority knows
        the same person by another number.
        """
        patient = identifiers[0]
        known = bool(self._owners(patient))
        home = self._survivor(patient)
        for owners in map(self._owners, identifiers):
            others = {owner for owner in owners if owner != patient}
            if not others or patient in owners or home in map(self._survivor, others):
                continue
            if known or any(_authority(one) == _authority(patient) for one in others):
                return True
        return False

    def _owners(self, identifier: str) -> list[str]:
        """The patients under whom an identifier was accepted."""
        return [str(patient_id) for (patient_id,) in self._rows(_OWNERS, (identifier,))]

    def _survivor(self, patient_id: str) -> str:
        """The end of a record's merges. (A circle of old has none; then the last of it.)."""
        seen = {patient_id}
        while (following := self._merged_into(patient_id)) and following not in seen:
            seen.add(following)
            patient_id = following
        return patient_id

    def _merged_into(self, patient_id: str) -> str | None:
        """Where a record's merge leads, by the versions that stand; of several as the engine."""
        timeline = Timeline()
        for text, received in self._rows(_MERGES, (patient_id,)):
            timeline.merge(Fact(EVENT.validate_json(text), received))
        found = (getattr(fact.event, "merged_into", None) for fact in timeline)
        return min((into for into in found if into and into != patient_id), default=None)


def _authority(identifier: str) -> str:
    return identifier.rpartition("|")[0]
