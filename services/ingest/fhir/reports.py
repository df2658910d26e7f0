"""DiagnosticReport and ImagingStudy: what imaging found, and the results that a report contains.

That an imaging was reported is a fact too, even without a verdict: it ends the wait for it. A
laboratory's report states nothing itself; its results are read where they stand, be it in the
report (`contained`) or beside it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from schemas.deadletter import Reason
from schemas.events import ImagingReport, Status
from services.ingest.coding import Notice, Refused, Rejected
from services.ingest.fhir.concepts import codings
from services.ingest.fhir.deauville import concluded
from services.ingest.fhir.extensions import fields_of, parts
from services.ingest.fhir.observations import ANNOUNCED, read_status
from services.ingest.fhir.times import effective, span
from services.ingest.fhir.verdicts import Ignored

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schemas.events import Event
    from schemas.partial import Effective
    from services.ingest.fhir.context import Context
    from services.ingest.fhir.document import Entry
    from services.ingest.fhir.elements import Element

_DICOM: Final = "http://dicom.nema.org/resources/ontology/DCM"
_SECTIONS: Final = {"CT": "CT", "NMR": "MR", "NMS": "NM", "RUS": "US"}
"""Diagnostic service sections (table 0074) that name one modality; `RAD` may be any."""
_IMAGING: Final = frozenset({*_SECTIONS, "RAD", "IMG", "RX", "XRC"})
_VERDICT: Final = {
    "criteria": "criteria",
    "response": "response",
    "deauville": "deauville",
    "sum-mm": "sum_of_diameters_mm",
    "new-lesions": "new_lesions",
    "timepoint": "timepoint",
}
_STATES_NOTHING: Final = "a report; its results are read where they stand"
_NOT_HERE: Final = "a report lists results that are not in this document"


def read_report(entry: Entry, context: Context) -> Iterator[Event | Notice | Rejected | Ignored]:
    """Read a DiagnosticReport.

    Raises:
        Refused: an imaging report without patient, status or time.
        ValidationError: a field that is not what it should be.
    """
    resource = entry.resource
    if any(context.document.find(a, entry) is None for a in resource.references("result")):
        yield Notice(Reason.NOT_A_RESULT, _NOT_HERE)
    said = parts(resource, "imaging-verdict")
    coded = concluded(resource, context.profile.responses)
    sections = {code.code for each in resource.many("category") for code in codings(each)}
    modality = _modality(resource)
    if said is None and not coded and modality is None and not sections & _IMAGING:
        yield Ignored(Reason.NOT_A_RESULT, _STATES_NOTHING)
        return
    status = read_status(resource)
    if status is None:
        yield ANNOUNCED
        return
    yield from _imaging(entry, context, status, {"modality": modality, **_verdict(said), **coded})


def _modality(resource: Element) -> str | None:
    """The DICOM modality, of the category or the code."""
    concepts = [*resource.many("category"), *resource.many("code")]
    found = [code for concept in concepts for code in codings(concept)]
    dicom = (code.code for code in found if code.system == _DICOM)
    sections = (_SECTIONS[code.code] for code in found if code.code in _SECTIONS)
    return next(dicom, None) or next(sections, None)


def _verdict(said: list[Element] | None) -> dict[str, Any]:
    return dict(fields_of(said or [], _VERDICT, frozenset({"new_lesions"})))


def _imaging(
    entry: Entry, context: Context, status: Status, found: dict[str, Any]
) -> Iterator[Event | Notice]:
    head = context.head(entry, "imaging_report")
    yield from head.notices
    taken = span(entry.resource, "effective")
    at = taken and (taken.start or taken.end)
    if not at:
        where = entry.resource.where("effective[x]")
        raise Refused(Reason.MISSING_FIELD, "empty", where)
    yield ImagingReport(**head.fields, status=status, effective_at=at, **found)


def read_study(entry: Entry, context: Context) -> Iterator[Event | Notice | Rejected | Ignored]:
    """Read an ImagingStudy: pictures state nothing, unless our verdict stands on them.

    Raises:
        Refused: a verdict without patient, status or time.
        ValidationError: a field that is not what it should be.
    """
    resource = entry.resource
    said = parts(resource, "imaging-verdict")
    if said is None:
        yield Ignored(Reason.NOT_A_RESULT, "pictures; the report on them is a DiagnosticReport")
        return
    head = context.head(entry, "imaging_report")
    yield from head.notices
    first = next(iter(resource.many("modality")), None)
    yield ImagingReport(
        **head.fields,
        status=_study_status(resource),
        effective_at=_started(resource),
        modality=first.text("code") if first is not None else None,
        **_verdict(said),
    )


def _started(resource: Element) -> Effective:
    at = effective(resource, "started")
    if at is None:
        raise Refused(Reason.MISSING_FIELD, "empty", resource.where("started"))
    return at


def _study_status(resource: Element) -> Status:
    """ImagingStudy has its own statuses."""
    known = {
        "available": Status.FINAL,
        "cancelled": Status.CANCELLED,
        "entered-in-error": Status.ENTERED_IN_ERROR,
    }
    text = resource.text("status")
    if text not in known:
        raise Refused(Reason.BAD_STATUS, "missing or unknown", resource.where("status"))
    return known[text]
