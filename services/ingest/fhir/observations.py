"""Observations: each, and each of its components, becomes one version of one fact.

A component that cannot be read costs only itself. Statuses are FHIR's own; `amended` is a
correction, `registered` announces, and `unknown` is refused: a correction taken for a final result
would hide what it corrects.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from schemas.deadletter import Reason
from schemas.events import Observation, Status
from services.ingest.coding import Notice, Refused, Rejected, resolve
from services.ingest.decode import rejected
from services.ingest.fhir.concepts import is_ours, measured, told
from services.ingest.fhir.context import refuse_modifier
from services.ingest.fhir.deauville import deauville, is_deauville
from services.ingest.fhir.focus import refuse_others
from services.ingest.fhir.identity import fact_of
from services.ingest.fhir.times import span
from services.ingest.fhir.values import read_limits, read_value
from services.ingest.fhir.verdicts import Ignored
from services.ingest.readings import NOT_DETECTED, nothing_there

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schemas.events import Coding, Event
    from schemas.partial import Effective
    from services.ingest.fhir.context import Context
    from services.ingest.fhir.document import Entry
    from services.ingest.fhir.elements import Element

STATUSES: Final = {
    "preliminary": Status.PRELIMINARY,
    "partial": Status.PRELIMINARY,  # of reports
    "final": Status.FINAL,
    "amended": Status.CORRECTED,
    "corrected": Status.CORRECTED,
    "appended": Status.CORRECTED,  # of reports
    "cancelled": Status.CANCELLED,
    "entered-in-error": Status.ENTERED_IN_ERROR,
}
ANNOUNCED: Final = Ignored(Reason.NOT_A_RESULT, "announced, no result yet")


def read_status(resource: Element) -> Status | None:
    """A result's status; None for one that is only registered.

    Raises:
        Refused: none, or not one of FHIR's that tells what to do.
    """
    text = resource.text("status")
    if text == "registered":
        return None
    if text not in STATUSES:
        where = resource.where("status")
        raise Refused(Reason.BAD_STATUS, "missing, unknown or not one of FHIR's", where)
    return STATUSES[text]


def read_observation(
    entry: Entry, context: Context
) -> Iterator[Event | Notice | Rejected | Ignored]:
    """Read an Observation.

    Raises:
        Refused: it has no patient, no status, no time, or nothing of it can be used.
        ValidationError: a field that is not what it should be.
    """
    resource = entry.resource
    status = read_status(resource)
    if status is None:
        yield ANNOUNCED
        return
    head = context.head(entry, "observation")
    refuse_others(entry, head.fields["patient_id"], context)
    yield from head.notices
    common = head.fields | {"status": status, "effective_at": _effective(entry, context)}
    if is_deauville(resource):
        yield deauville(resource, common)
        return
    components = resource.many("component")
    if not components or _has_value(resource):
        yield from _measurement(resource, entry, common, context)
    seen: dict[tuple[str, str], int] = {}
    for part in components:
        yield from _component(part, entry, common, context, seen)


def _has_value(part: Element) -> bool:
    return any(name.startswith("value") for name in part.names())


def _effective(entry: Entry, context: Context) -> Effective:
    """When it was true: its own time, else its specimen's, else that of the report it is in.

    Of a period the beginning counts (CHOICE): what was collected over a day belongs to that day.

    Raises:
        Refused: none of them says when.
    """
    report = context.report_of(entry)
    specimen = entry.resource.one("specimen")
    address = specimen.text("reference") if specimen is not None else None
    taken = context.document.find(address, entry) if address else None
    collection = taken.resource.one("collection") if taken is not None else None
    for element, stem in (
        (entry.resource, "effective"),
        (collection, "collected"),
        (report.resource if report else None, "effective"),
    ):
        found = span(element, stem) if element is not None else None
        at = found and (found.start or found.end)
        if at:
            return at
    raise Refused(Reason.MISSING_FIELD, "empty", entry.resource.where("effective[x]"))


def _component(
    part: Element,
    entry: Entry,
    common: dict[str, Any],
    context: Context,
    seen: dict[tuple[str, str], int],
) -> Iterator[Event | Notice | Rejected | Ignored]:
    """A component is a fact of its own, told from its siblings by its code."""
    try:
        refuse_modifier(part)
        code = _code(part)
        key = (code.system, code.code)
        seen[key] = seen.get(key, -1) + 1
        if seen[key]:
            yield Notice(Reason.WEAK_IDENTITY, f"{part.place}: same code as another component")
        names = ("component", *key, seen[key]) if seen[key] else ("component", *key)
        identity, _ = fact_of(entry, common["patient_id"], *names)
        yield from list(_measurement(part, entry, common | {"event_id": identity}, context))
    except Refused as refusal:
        yield _unsupported(refusal.rejected)
    except ValidationError as error:
        yield rejected(error, part.place)


def _unsupported(why: Rejected) -> Rejected | Ignored:
    """A value of a type that no rule can read is told; nothing is lost that a rule could use."""
    if why.reason is Reason.UNSUPPORTED_VALUE:
        return Ignored(why.reason, why.detail)
    return why


def _code(part: Element) -> Coding:
    code = measured(part.one("code"))
    if code is None:
        raise Refused(Reason.MISSING_FIELD, "neither code nor text", part.where("code"))
    return code


def _site_s(code: Coding, context: Context) -> str | None:
    """Our analyte key, where the site maps the code."""
    profile = context.profile
    return profile.dialect.analyte(code) or profile.codes.get(code.code)


def _measurement(
    part: Element, entry: Entry, common: dict[str, Any], context: Context
) -> Iterator[Event | Notice | Rejected | Ignored]:
    """What an Observation, or a component of one, says was found."""
    code = _code(part)
    named = code.code if is_ours(code.system) else _site_s(code, context)
    fields = common | {"analyte": named, "code": code}
    if not fields["status"].withdraws:
        try:
            said = _said(part, entry, code, named, context)
        except Refused as refusal:
            if refusal.rejected.reason is not Reason.UNSUPPORTED_VALUE:
                raise
            yield _unsupported(refusal.rejected)
            return
        if said is None and fields["status"] is Status.PRELIMINARY:
            yield ANNOUNCED
            return
        if said is None and "hasMember" in part:
            yield Ignored(Reason.NOT_A_RESULT, "a group; its members are results of their own")
            return
        fields |= {"status": Status.CANCELLED} if said is None else said
    if context.profile.with_specimen:
        fields |= _material(entry)
    event, notices = resolve(Observation(**fields))
    yield event
    yield from (Notice(item.reason, f"{part.place}: {item.detail}") for item in notices)


def _said(
    part: Element, entry: Entry, code: Coding, named: str | None, context: Context
) -> dict[str, Any] | None:
    """The value; None where there is none, and the sender says so.

    A result that lost its value to a `dataAbsentReason` takes back what was said before.

    Raises:
        Refused: no value and no reason, or one that cannot be read.
    """
    reading = read_value(part, context.profile.dialect)
    if reading is None:
        if "dataAbsentReason" not in part and "hasMember" not in part:
            where = part.where("value[x]")
            raise Refused(Reason.NO_VALUE, "no value, and no dataAbsentReason", where)
        return None
    if "dataAbsentReason" in part:
        where = part.where("dataAbsentReason")
        raise Refused(Reason.AMBIGUOUS_VALUE, "a value, and a reason why there is none", where)
    if reading.code == NOT_DETECTED:
        return nothing_there(named, code)
    fields: dict[str, Any] = {"value_code": reading.code}
    if reading.value is not None:
        low, high = read_limits(part, reading.unit, context.sex(entry))
        fields |= {
            "value": reading.value,
            "comparator": reading.comparator,
            "unit": context.profile.dialect.unit(reading.unit),
            "reference_low": low,
            "reference_high": high,
        }
    return fields


def _material(entry: Entry) -> dict[str, Any]:
    """Specimen and method, for sites whose series must be split by them."""
    specimen = entry.resource.one("specimen")
    return {
        "specimen": specimen.title("display") if specimen is not None else None,
        "method": told(entry.resource.one("method")),
    }
