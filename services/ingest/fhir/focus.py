"""What an Observation is about where that is not the patient: `focus`.

Source: FHIR R4, Observation.focus: "the actual focus of an observation when it is not the patient
of record", with fetus, donor, spouse and device among the examples (H). A fetus' haemoglobin in
its mother's record is not hers.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from schemas.deadletter import Reason
from services.ingest.coding import Refused
from services.ingest.fhir.identity import referred

if TYPE_CHECKING:
    from services.ingest.fhir.context import Context
    from services.ingest.fhir.document import Entry
    from services.ingest.fhir.elements import Element

_OF_THE_PATIENT: Final = frozenset(
    {"BodyStructure", "CarePlan", "Condition", "DiagnosticReport", "Encounter", "EpisodeOfCare"}
    | {"ImagingStudy", "MedicationAdministration", "MedicationRequest", "MedicationStatement"}
    | {"Observation", "Procedure", "ServiceRequest", "Specimen"}
)
"""What is part of the patient, or happens to the patient (CHOICE)."""
_KIND: Final = re.compile(r"(?:.*/)?([A-Z][A-Za-z]+)/[A-Za-z0-9.-]{1,64}")


def refuse_others(entry: Entry, patient: str, context: Context) -> None:
    """Refuse an Observation that is about somebody or something else.

    Args:
        entry: the Observation.
        patient: whose record it stands in.
        context: its document.

    Raises:
        Refused: its focus is another being or a thing, or cannot be told.
    """
    for focus in entry.resource.many("focus"):
        kind = _kind(focus, entry, context)
        if kind in _OF_THE_PATIENT:
            continue
        if (
            kind == "Patient"
            and referred(focus, entry, context.document, context.profile) == patient
        ):
            continue
        raise Refused(Reason.NO_SUBJECT, "it is not about the patient of record", focus.place)


def _kind(focus: Element, entry: Entry, context: Context) -> str | None:
    """The type of what a Reference leads to, as far as the document tells."""
    address = focus.text("reference")
    target = context.document.find(address, entry) if address else None
    if target is not None:
        return target.kind
    match = _KIND.fullmatch((address or "").partition("/_history/")[0])
    return focus.text("type") or (match[1] if match else None)
