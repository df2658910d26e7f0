"""A cohort as HL7 v2.5.1 messages, by the convention of docs/hl7v2-conventions.md.

Results and imaging are ORU^R01, registration is ADT^A08, treatments are RAS^O17 (doses), RDE^O11
(other steps of drug treatment), OMG^O19 (radiotherapy) and ORM^O01 (surgery and procedures).
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from schemas.events import ImagingReport, Observation, Patient, Phase, Status, Treatment
from services.simulator.codes import LOCAL, loinc, title

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from schemas.partial import PartialDate
    from services.simulator.delivery import AnyEvent, Dispatch

_RESULT_STATUS = {
    Status.PRELIMINARY: "P",
    Status.FINAL: "F",
    Status.CORRECTED: "C",
    Status.CANCELLED: "X",
    Status.ENTERED_IN_ERROR: "W",
}
"""HL7 table 0085."""
_ORDER_STATUS = {
    Phase.PLANNED: "SC",
    Phase.STARTED: "IP",
    Phase.ADMINISTERED: "IP",
    Phase.HELD: "HD",
    Phase.REDUCED: "IP",
    Phase.COMPLETED: "CM",
    Phase.STOPPED: "DC",
}
"""HL7 table 0038."""
_SEX = {"female": "F", "male": "M", "other": "O", "unknown": "U"}
_ESCAPES = {"\\": "\\E\\", "|": "\\F\\", "^": "\\S\\", "&": "\\T\\", "~": "\\R\\"}
_INTRAVENOUS = frozenset({"chemotherapy", "immunotherapy"})
_PLACED = {"radiotherapy": "OMG^O19^OMG_O19", "surgery": "ORM^O01^ORM_O01"}

Field = str | int | None


def messages(dispatches: Iterable[Dispatch]) -> Iterator[bytes]:
    """One message a dispatch, each with a control id of its own, segments ended by CR.

    Raises:
        ValueError: an event that no message of the convention carries.
    """
    for number, dispatch in enumerate(dispatches, start=1):
        segments = message(dispatch.events, f"SW{number:08d}")
        yield "".join(f"{segment}\r" for segment in segments).encode()


def message(events: tuple[AnyEvent, ...], control_id: str) -> list[str]:
    """The segments of one message.

    Args:
        events: facts of one patient, one order and one moment of release.
        control_id: MSH-10.
    """
    first = events[0]
    match first:
        case Observation():
            results = [event for event in events if isinstance(event, Observation)]
            return _envelope(first, "ORU^R01^ORU_R01", control_id, _results(results))
        case ImagingReport():
            return _envelope(first, "ORU^R01^ORU_R01", control_id, _imaging(first))
        case Treatment():
            return _envelope(first, _order_type(first), control_id, _order(first))
        case Patient():
            return _registration(first, control_id)
        case _:
            raise ValueError("type: no HL7 v2 message of the convention carries it")


def segment(name: str, *fields: Field) -> str:
    """A segment; its fields stand as they are, delimiters included."""
    return "|".join((name, *("" if field is None else str(field) for field in fields))).rstrip("|")


def escaped(text: str) -> str:
    """Text whose delimiters are written as escape sequences (HL7 v2 chapter 2, section 2.7)."""
    return "".join(_ESCAPES.get(character, character) for character in text)


def timed(at: date | datetime | PartialDate | None) -> str:
    """An HL7 time: a month or a day as such, a moment to the second in UTC."""
    if at is None:
        return ""
    if isinstance(at, datetime):
        return at.astimezone(UTC).strftime("%Y%m%d%H%M%S+0000")
    return at.isoformat().replace("-", "")


def _envelope(event: AnyEvent, kind: str, control_id: str, body: list[str]) -> list[str]:
    return [_header(event, kind, control_id), _person(event), *body]


def _header(event: AnyEvent, kind: str, control_id: str) -> str:
    facility, _, application = event.source.partition("/")
    issued = timed(event.issued_at)
    sender = (application, facility, "SALVAGE", "SALVAGE", issued, None, kind, control_id)
    return segment("MSH", "^~\\&", *sender, "P", "2.5.1", *[None] * 5, "UNICODE UTF-8")


def _person(event: AnyEvent, *more: Field) -> str:
    authority, _, number = event.patient_id.partition("|")
    return segment("PID", 1, None, f"{number}^^^{authority}^MR", None, f"Synthetic^{number}", *more)


def _filler(event: AnyEvent) -> str:
    """The order number with its namespace: the part of the fact's id before the last dot."""
    return f"{event.event_id.rpartition('.')[0]}^{event.source.partition('/')[2]}"


def _results(events: list[Observation]) -> list[str]:
    first = events[0]
    panel = "LAB^Laboratory^99SW" if len(events) > 1 else _code(first)
    status = _RESULT_STATUS[first.status]
    order = _report(first, panel, None, "F" if status == "W" else status)
    return [order, *(_result(place, event) for place, event in enumerate(events, start=1))]


def _report(event: AnyEvent, what: str, section: str | None, status: str) -> str:
    """OBR: order number, what was asked, when it was true, when it was released."""
    at, issued = timed(event.effective_at), timed(event.issued_at)
    blank = [None] * 14
    return segment(
        "OBR", 1, None, _filler(event), what, None, None, at, *blank, issued, None, section, status
    )


def _result(place: int, event: Observation) -> str:
    kind, value = _measured(event)
    return segment(
        "OBX",
        place,
        kind,
        _code(event),
        None,
        value,
        event.unit and escaped(event.unit),
        _reference(event),
        None,
        None,
        None,
        _RESULT_STATUS[event.status],
        None,
        None,
        timed(event.effective_at),
    )


def _code(event: Observation) -> str:
    key = event.analyte or ""
    code = loinc(key, event.unit)
    return f"{code}^{escaped(title(key))}^LN" if code else f"{key}^{escaped(title(key))}^{LOCAL}"


def _measured(event: Observation) -> tuple[str | None, str | None]:
    """OBX-2 and OBX-5: a number, a number with its comparator, a code, or nothing."""
    if event.value_code is not None:
        return "CWE", f"{escaped(event.value_code)}^^{LOCAL}"
    if event.value is None:
        return None, None
    if event.comparator is not None:
        return "SN", f"{event.comparator.value}^{event.value}"
    return "NM", str(event.value)


def _reference(event: Observation) -> str | None:
    """OBX-7: `low-high`, `<high` or `>low`."""
    if event.reference_low is not None and event.reference_high is not None:
        return f"{event.reference_low}-{event.reference_high}"
    if event.reference_high is not None:
        return f"<{event.reference_high}"
    return None if event.reference_low is None else f">{event.reference_low}"


def _imaging(event: ImagingReport) -> list[str]:
    modality = event.modality or "OT"
    what = f"{modality}^{modality}^DCM"
    verdict = segment(
        "ZIM",
        event.criteria,
        event.response,
        event.deauville,
        None if event.sum_of_diameters_mm is None else str(event.sum_of_diameters_mm),
        "~".join(map(escaped, event.new_lesions or ())),
        event.timepoint,
    )
    return [_report(event, what, event.modality, _RESULT_STATUS[event.status]), verdict]


def _order_type(event: Treatment) -> str:
    """MSH-9: which message carries this step of treatment."""
    if event.modality in ("surgery", "procedure", "transplant"):
        return _PLACED["surgery"]
    if event.modality in _PLACED:
        return _PLACED[event.modality]
    dose = event.phase is Phase.ADMINISTERED
    return "RAS^O17^RAS_O17" if dose else "RDE^O11^RDE_O11"


def _order(event: Treatment) -> list[str]:
    withdrawn = event.status.withdraws
    at = timed(event.effective_at)
    status = "CA" if withdrawn else _ORDER_STATUS[event.phase]
    control = "OC" if withdrawn else "RE"
    order = segment("ORC", control, None, _filler(event), None, status, *[None] * 3, at)
    return [order, *_carrier(event, at), _course(event)]


def _carrier(event: Treatment, at: str) -> list[str]:
    """The standard segments between ORC and ZTX, as each message type asks for them."""
    what = f"^{escaped(event.regimen or event.modality)}"
    kind = _order_type(event)[:3]
    if kind in ("ORM", "OMG"):
        return [segment("OBR", 1, None, _filler(event), what, None, None, at)]
    route = segment("RXR", "IV" if event.modality in _INTRAVENOUS else "PO")
    if kind == "RDE":
        return [segment("RXE", None, what, 1, None, "{course}"), route]
    action = "D" if event.status.withdraws else "A"
    done = segment("RXA", 0, 1, at, at, what, 1, *[None] * 13, "CP", action)
    return [done, route]


def _course(event: Treatment) -> str:
    """ZTX: what standard segments have no place for."""
    return segment(
        "ZTX",
        escaped(event.course_id),
        event.condition,
        event.modality,
        escaped(event.regimen or ""),
        event.line,
        event.intent,
        event.phase.value,
        event.cycle,
        event.planned_cycles,
        escaped(event.reason or ""),
        "~".join(map(escaped, event.drug_classes or ())),
    )


def _registration(event: Patient, control_id: str) -> list[str]:
    """ADT^A08: demographics, death, goals of care."""
    born, sex = timed(event.birth_date), _SEX.get(event.sex or "", "")
    dead = (timed(event.deceased_at), "Y") if event.deceased_at else ()
    gap = [None] * 20 if dead else ()
    event_times = segment(
        "EVN", None, timed(event.issued_at), *[None] * 3, timed(event.effective_at)
    )
    goals = [segment("ZPT", event.goals_of_care)] if event.goals_of_care else []
    person = _person(event, None, born, sex, *gap, *dead)
    return [_header(event, "ADT^A08^ADT_A01", control_id), event_times, person, *goals]
