"""Results (ORU^R01): each OBX becomes one version of one observation.

Statuses: HL7 table 0085, as the catalogue's C4 reads it. A result that cannot be read costs only
itself: the other results of the message are used.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from schemas.deadletter import Reason
from schemas.events import Coding, Observation, Status
from schemas.remembered import Memo
from schemas.terminology import Analyte, by_code
from services.ingest.coding import Notice, Rejected, resolve
from services.ingest.decode import rejected
from services.ingest.hl7v2.codec import Refused, Segment
from services.ingest.hl7v2.identity import fact_id
from services.ingest.hl7v2.values import read_limits, read_unit, read_value
from services.ingest.readings import NOT_DETECTED, nothing_there

if TYPE_CHECKING:
    from datetime import date, datetime

    from schemas.partial import Effective
    from services.ingest.hl7v2.codec import Delimiters
    from services.ingest.hl7v2.context import Context

LOINC = "http://loinc.org"
OWN_CODES = "99SW"
"""Coding system of our analyte keys, for what LOINC has no code for (docs/hl7v2-conventions.md)."""
_LOINC_NAMES = frozenset({"LN", "LOINC", "LNC", "2.16.840.1.113883.6.1"})

STATUSES = {
    "F": Status.FINAL,
    "B": Status.FINAL,  # appended to, values unchanged (v2.8)
    "U": Status.FINAL,  # preliminary became final
    "C": Status.CORRECTED,
    "A": Status.CORRECTED,  # amended (v2.8)
    "P": Status.PRELIMINARY,
    "S": Status.PRELIMINARY,  # partial
    "R": Status.PRELIMINARY,  # entered, not verified
    "X": Status.CANCELLED,
    "W": Status.ENTERED_IN_ERROR,  # posted as wrong, e.g. to the wrong patient
    "D": Status.ENTERED_IN_ERROR,  # delete
}
_NO_RESULT_YET = frozenset({"I", "N", "O"})
_NOT_LOST = frozenset({Reason.NOT_A_RESULT, Reason.UNSUPPORTED_VALUE})
"""Reasons for which nothing is lost that a rule could have used: told, not refused."""


@dataclass(frozen=True, slots=True)
class Group:
    """An order with its results: what the OBX segments under one OBR share."""

    patient: str
    order: Segment
    number: tuple[str, str] | None  # of the order, with its authority; the filler's first
    specimen: Segment | None  # SPM
    sex: str | None  # `female` or `male`, to choose among reference ranges
    born: date | None
    seen: dict[str, int]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one OBX."""

    event: Observation | None = None
    notices: tuple[Notice, ...] = ()
    refused: Rejected | None = None


def read_observation(obx: Segment, place: str, group: Group, context: Context) -> Outcome:
    """Read one OBX.

    Args:
        obx: the segment.
        place: how to name it, e.g. `OBX[3]`.
        group: its order.
        context: its message.
    """
    try:
        fields, notices = _fields(obx, place, group, context)
        event, more = resolve(Observation(**fields))
    except Refused as refusal:
        return _refused(refusal.rejected, place)
    except ValidationError as error:
        return Outcome(refused=rejected(error, place))
    told = tuple(Notice(item.reason, f"{place}: {item.detail}") for item in notices + more)
    return Outcome(event, told)


def _refused(why: Rejected, place: str) -> Outcome:
    if why.reason in _NOT_LOST:
        return Outcome(notices=(Notice(why.reason, why.detail),))
    return Outcome(refused=replace(why, part=why.part or place))


def _fields(
    obx: Segment, place: str, group: Group, context: Context
) -> tuple[dict[str, Any], tuple[Notice, ...]]:
    status = _status(obx, place)
    code = _code(obx, place)
    identity, notices = _identity(obx, code, group)
    fields: dict[str, Any] = {
        "type": "observation",
        "event_id": identity,
        "patient_id": group.patient,
        "source": context.source,
        "effective_at": _effective(obx, place, group, context),
        "issued_at": issued_at(group.order, context),
        "status": status,
        "analyte": _named(code, context),
        "code": code,
    }
    if not status.withdraws:
        fields |= _measured(obx, place, code, group, context)
    if context.profile.with_specimen:
        fields |= _material(obx, group)
    return fields, notices


def _status(obx: Segment, place: str) -> Status:
    """OBX-11. Never guessed: a correction taken for a final result would hide what it corrects."""
    text = obx.get(11).upper()
    if text in _NO_RESULT_YET:
        raise Refused(Reason.NOT_A_RESULT, "announced, no result yet", f"{place}-11")
    if text not in STATUSES:
        raise Refused(Reason.BAD_STATUS, "missing or not in table 0085", f"{place}-11")
    return STATUSES[text]


def _code(obx: Segment, place: str) -> Coding:
    key = (obx.raw(3), obx.delimiters, obx.charset)
    found = _CODES[key] if len(key[0]) <= _LONGEST_CODE else _coding(key)
    if found is None:
        raise Refused(Reason.MISSING_FIELD, "no code", f"{place}-3")
    return found


def _coding(key: tuple[str, Delimiters, str]) -> Coding | None:
    """OBX-3: the LOINC triplet, whichever place it has; else the first triplet as local code."""
    obx = Segment("OBX", ("", "", key[0]), key[1], key[2])
    for at in (1, 4):
        if obx.get(3, at) and obx.get(3, at + 2).upper() in _LOINC_NAMES:
            return Coding(system=LOINC, code=obx.get(3, at), display=_title(obx.get(3, at + 1)))
    for at in (1, 4):
        if obx.get(3, at):
            system = obx.get(3, at + 2) or "local"
            return Coding(system=system, code=obx.get(3, at), display=_title(obx.get(3, at + 1)))
    return None


_LONGEST_CODE = 512
_CODES = Memo(_coding, 8_192)
"""A laboratory has a few hundred tests, and names each in the same words every time."""


def _named(code: Coding, context: Context) -> str | None:
    """Our analyte key: the code is of our own system, or the site maps it, or it is well known."""
    if code.system == OWN_CODES:
        return code.code
    profile = context.profile
    mapped = profile.dialect.analyte(code) or profile.codes.get(code.code)
    known = None if mapped else by_code(code.system, code.code)
    return known.key if isinstance(known, Analyte) else mapped


def _title(text: str) -> str | None:
    """A display name is for people: trimmed to fit, never a reason to refuse a result."""
    return " ".join(text.split())[:256] or None


def _identity(obx: Segment, code: Coding, group: Group) -> tuple[str, tuple[Notice, ...]]:
    """The fact's id: patient, order number with its authority, code, sub-id.

    Never the order number alone: senders use one for several patients. Without an order number
    the day must stand in, and a correction of the day will look like another fact.
    """
    weak = group.number is None
    # Without a number: the whole panel (OBR-4) and its collection time stand in.
    which = group.number or (group.order.raw(4), group.order.raw(7) or obx.raw(14))
    identity = fact_id("obx", group.patient, which, code.system, code.code, obx.raw(4))
    again = group.seen.get(identity, 0)
    group.seen[identity] = again + 1
    if again:
        identity = fact_id("obx", identity, again)
    notice = Notice(Reason.WEAK_IDENTITY, "no order number" if weak else "same code and sub-id")
    return identity, (notice,) if weak or again else ()


def _effective(obx: Segment, place: str, group: Group, context: Context) -> Effective:
    """When the specimen was collected: OBX-14, else OBR-7, else SPM-17."""
    if own := obx.get(14):
        return context.effective(own, f"{place}-14")
    if collected := group.order.get(7):
        return context.effective(collected, "OBR-7")
    if group.specimen is not None and group.specimen.get(17):
        return context.effective(group.specimen.get(17), "SPM-17")
    raise Refused(Reason.MISSING_FIELD, "empty, and OBR-7 and SPM-17 too", f"{place}-14")


def issued_at(order: Segment, context: Context) -> datetime | None:
    """When this version was released: OBR-22, else MSH-7.

    OBR-22 first: a message that an interface engine sends again may have a new MSH-7, and must
    not overtake a correction.
    """
    if order.get(22):
        found = context.moment(order.get(22), "OBR-22")
        if found is not None:
            return found
    return context.sent_at


def _measured(
    obx: Segment, place: str, code: Coding, group: Group, context: Context
) -> dict[str, Any]:
    reading = read_value(obx, place, context.profile)
    if reading.code == NOT_DETECTED:
        return nothing_there(_named(code, context), code)
    fields: dict[str, Any] = {"value_code": reading.code}
    if reading.value is not None:
        low, high = read_limits(obx, group.sex)
        fields |= {
            "value": reading.value,
            "comparator": reading.comparator,
            "unit": read_unit(obx, reading, place, context.profile),
            "reference_low": low,
            "reference_high": high,
        }
    return fields


def _material(obx: Segment, group: Group) -> dict[str, Any]:
    """Specimen and method, for sites whose series must be split by them."""
    specimen = group.specimen.get(4) if group.specimen is not None else ""
    return {
        "specimen": _title(specimen or group.order.get(15)),
        "method": _title(obx.get(17) or obx.get(17, 2)),
    }
