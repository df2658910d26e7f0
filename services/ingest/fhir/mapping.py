"""Documents become events: the one door to FHIR.

Nothing is lost silently: every entry of a document, and every result contained in one, gets one
verdict, and what was not used is told with its reason.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pydantic import ValidationError

from schemas.deadletter import Reason
from services.ingest.coding import Notice, Refused, Rejected
from services.ingest.decode import rejected
from services.ingest.fhir.adverse import read_adverse_event
from services.ingest.fhir.context import Context
from services.ingest.fhir.diagnoses import read_condition
from services.ingest.fhir.document import Document, Entry, read_document
from services.ingest.fhir.observations import read_observation
from services.ingest.fhir.people import read_patient
from services.ingest.fhir.plausible import known_too_early
from services.ingest.fhir.profile import STANDARD, Profile
from services.ingest.fhir.reports import read_report, read_study
from services.ingest.fhir.resources import R4
from services.ingest.fhir.stays import read_encounter
from services.ingest.fhir.treatments import read_treatment
from services.ingest.fhir.verdicts import Ignored, Mapped
from services.ingest.strictjson import Unreadable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from schemas.events import Event

    Found = Event | Notice | Rejected | Ignored

_OF_LATER: Final = frozenset({"SubscriptionStatus"})  # of R4B and R5, in notifications
_EMPTY: Final = Ignored(Reason.NOT_A_RESULT, "it states no clinical fact")


def read_resources(raw: bytes, profile: Profile = STANDARD) -> Mapped:
    """Read one JSON document: a resource, or a Bundle of them.

    Args:
        raw: its bytes.
        profile: what is known of its sender.

    Returns:
        Its events; one verdict for every entry; and each part that could not be used, with field
        and reason, never a value. No bytes make it raise.
    """
    mapped = Mapped()
    try:
        document = read_document(raw)
    except Unreadable as refusal:
        mapped.add("document", None, [Rejected(refusal.reason, refusal.detail)])
    except Refused as refusal:
        mapped.add("document", None, [refusal.rejected])
    else:
        _read(document, Context(document, profile), mapped)
    return mapped


def _read(document: Document, context: Context, mapped: Mapped) -> None:
    for place, why in document.others:
        mapped.add(place, None, [why])
    for entry in document.entries:
        _read_entry(entry, context, mapped)
        try:
            for inner in _contained_results(entry):
                _read_entry(inner, context, mapped)
        except Refused as refusal:
            mapped.add(entry.resource.where("contained"), None, [refusal.rejected])
    if not mapped.verdicts:
        mapped.add("document", "Bundle", [Ignored(Reason.NOT_A_RESULT, "an empty Bundle")])


def _read_entry(entry: Entry, context: Context, mapped: Mapped) -> None:
    kind = entry.kind if entry.kind in R4 else None
    mapped.add(entry.resource.place, kind, _found(entry, context))


def _contained_results(entry: Entry) -> list[Entry]:
    """The results that a report or a group of results contains.

    Raises:
        Refused: what is contained is malformed.
    """
    if entry.kind not in ("DiagnosticReport", "Observation"):
        return []
    return [inner for inner in entry.contained() if inner.kind == "Observation"]


def _found(entry: Entry, context: Context) -> list[Found]:
    """All that one resource states; it is refused whole if one of its own statements is wrong."""
    if entry.kind in context.profile.ignored:
        return [Ignored(Reason.NOT_A_RESULT, f"{entry.kind}: the site passes it over")]
    reader = _READERS.get(entry.kind, _other)
    try:
        context.refuse_tests(entry)
        found = list(reader(entry, context)) or [_EMPTY]
    except Refused as refusal:
        return [refusal.rejected]
    except ValidationError as error:
        return [rejected(error, entry.resource.place)]
    return [_plausible(one, entry) for one in found]


def _plausible(found: Found, entry: Entry) -> Found:
    """What was found, or why it cannot be."""
    if isinstance(found, (Notice, Rejected, Ignored)):
        return found
    return known_too_early(found, entry.resource.place) or found


def _other(entry: Entry, _: Context) -> Iterator[Found]:
    """A resource that no rule needs.

    Raises:
        Refused: it is none of R4, or a Bundle within a Bundle.
    """
    if entry.kind not in R4 | _OF_LATER or entry.kind == "Bundle":
        where = entry.resource.place
        raise Refused(Reason.UNEXPECTED_RESOURCE, "not a resource that is read here", where)
    yield Ignored(Reason.NOT_A_RESULT, f"{entry.kind}: states nothing that a rule could use")


def _outcome(entry: Entry, _: Context) -> Iterator[Found]:
    """A server's complaint among its results: what it could not give must not pass for nothing.

    Raises:
        Refused: it reports an error.
    """
    levels = {issue.text("severity") for issue in entry.resource.many("issue")}
    if levels & {"error", "fatal"}:
        where = entry.resource.place
        raise Refused(Reason.UNEXPECTED_RESOURCE, "the server reports an error", where)
    yield Ignored(Reason.NOT_A_RESULT, "OperationOutcome: a remark of the server")


_READERS: Final[dict[str, Callable[[Entry, Context], Iterator[Found]]]] = {
    "Observation": read_observation,
    "DiagnosticReport": read_report,
    "ImagingStudy": read_study,
    "AdverseEvent": read_adverse_event,
    "Condition": read_condition,
    "Patient": read_patient,
    "Encounter": read_encounter,
    "OperationOutcome": _outcome,
    **dict.fromkeys(
        (
            "Procedure",
            "MedicationAdministration",
            "MedicationRequest",
            "MedicationStatement",
            "CarePlan",
        ),
        read_treatment,
    ),
}
"""Resource type to its reader: the whole list of what is understood."""
READ: Final = frozenset(_READERS) - {"OperationOutcome"}
"""Resource types that may state a fact, or are needed to understand one."""
