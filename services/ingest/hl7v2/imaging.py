"""Imaging reports with a structured verdict: an OBR followed by `ZIM` (docs/hl7v2-conventions.md).

`ZIM|criteria|response|deauville|sum_mm|new_lesions|timepoint`
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from schemas.base import parse_number
from schemas.deadletter import Reason
from schemas.events import ImagingReport
from services.ingest.hl7v2.codec import Refused
from services.ingest.hl7v2.identity import fact_id
from services.ingest.hl7v2.observations import STATUSES, Group, issued_at

if TYPE_CHECKING:
    from services.ingest.hl7v2.codec import Segment
    from services.ingest.hl7v2.context import Context


def imaging_report(verdict: Segment, group: Group, context: Context) -> ImagingReport:
    """Read a report's verdict.

    Args:
        verdict: ZIM.
        group: its order; OBR-24 is the modality, OBR-25 the status, OBR-7 the acquisition.
        context: its message.

    Raises:
        Refused: no order number, no time, an unknown status, or a field that cannot be read.
        ValidationError: a value that is not in the list of its field.
    """
    order = group.order
    number = group.number
    if number is None:
        raise Refused(Reason.MISSING_FIELD, "empty, and OBR-2 too", "OBR-3")
    if not order.get(7):
        raise Refused(Reason.MISSING_FIELD, "empty", "OBR-7")
    status = STATUSES.get(order.get(25).upper())
    if status is None:
        raise Refused(Reason.BAD_STATUS, "missing or not a result's status", "OBR-25")
    return ImagingReport(
        type="imaging_report",
        event_id=fact_id("imaging", group.patient, number),
        patient_id=group.patient,
        source=context.source,
        effective_at=context.effective(order.get(7), "OBR-7"),
        issued_at=issued_at(order, context),
        status=status,
        modality=order.get(24) or None,
        **_verdict(verdict),
    )


def _verdict(verdict: Segment) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "criteria": verdict.get(1).lower(),
        "response": verdict.get(2),
        "deauville": whole(verdict, 3),
        "sum_of_diameters_mm": amount(verdict, 4),
        "new_lesions": texts(verdict, 5),
        "timepoint": verdict.get(6).lower(),
    }
    return {name: value for name, value in fields.items() if value not in ("", None)}


def texts(segment: Segment, number: int) -> tuple[str, ...] | None:
    """The repetitions of a field; None if it is empty.

    Raises:
        Refused: a list beyond measure.
    """
    found = (one.get(number) for one in segment.each(number))
    return tuple(text for text in found if text) or None


def whole(segment: Segment, number: int) -> int | None:
    """A field's whole number; None if it is empty.

    Raises:
        Refused: it is not one.
    """
    text = segment.get(number)
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 6):  # noqa: PLR2004 - digits
        where = f"{segment.name}-{number}"
        raise Refused(Reason.NOT_A_NUMBER, "expected a whole number", where)
    return int(text)


def amount(segment: Segment, number: int) -> object:
    """A field's number; None if it is empty.

    Raises:
        Refused: it is not one.
    """
    text = segment.get(number)
    if not text:
        return None
    try:
        return parse_number(text)
    except ValueError as error:
        where = f"{segment.name}-{number}"
        raise Refused(Reason.NOT_A_NUMBER, str(error), where) from None
