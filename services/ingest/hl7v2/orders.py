"""Orders and administrations become treatment facts, by their `ZTX` segment.

Standard HL7 v2 has no place for "second cycle of the second line of this course", so the
convention of docs/hl7v2-conventions.md carries it, in RAS^O17, RDE^O11, ORM^O01 and OMG^O19:

`ZTX|course_id|condition|modality|regimen|line|intent|phase|cycle|planned_cycles|reason|classes|…`,
and further `drug|dose|dose_unit|dose_level`
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from schemas.deadletter import Reason
from schemas.events import Status, Treatment
from services.ingest.hl7v2.codec import Refused
from services.ingest.hl7v2.identity import fact_id, order_number, patient_of
from services.ingest.hl7v2.imaging import amount, texts, whole

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schemas.partial import Effective
    from services.ingest.hl7v2.codec import Message, Segment
    from services.ingest.hl7v2.context import Context

_WITHDRAWN = frozenset({"CA", "OC", "CR", "DE"})
"""ORC-1 (table 0119): cancel, cancelled, cancelled as requested, data errors."""


_LEVEL = re.compile(r"[+-]?[0-9]{1,2}")


@dataclass(slots=True)
class _Order:
    """One order group: ORC up to the next ORC."""

    control: Segment
    steps: list[Segment]
    given: list[Segment]


def treatments(message: Message, context: Context) -> Iterator[Treatment]:
    """The steps of treatment in an order message.

    Raises:
        Refused: no patient, no ZTX, no order number, or a field that cannot be read.
        ValidationError: a value that is not in the list of its field.
    """
    person = message.first("PID")
    if person is None:
        raise Refused(Reason.MISSING_FIELD, "no such segment", "PID")
    patient = patient_of(person, 3, context.profile)
    orders = [order for order in _orders(message) if order.steps]
    if not orders:
        raise Refused(Reason.UNSUPPORTED_MESSAGE, "an order without ZTX names no course", "ZTX")
    for order in orders:
        for step in order.steps:
            yield _treatment(step, order, patient, context)


def _orders(message: Message) -> list[_Order]:
    orders: list[_Order] = []
    for segment in message.segments:
        if segment.name == "ORC":
            orders.append(_Order(segment, [], []))
        elif segment.name == "ZTX":
            if not orders:
                raise Refused(Reason.MALFORMED_HL7, "ZTX before any ORC", "ZTX")
            orders[-1].steps.append(segment)
        elif segment.name == "RXA" and orders:
            orders[-1].given.append(segment)
    return orders


def _treatment(step: Segment, order: _Order, patient: str, context: Context) -> Treatment:
    number = order_number(order.control, 3, None, 0) or order_number(order.control, 2, None, 0)
    if number is None:
        raise Refused(Reason.MISSING_FIELD, "empty, and ORC-2 too", "ORC-3")
    identity = fact_id("treatment", patient, number, step.get(1), step.get(7), step.get(8))
    return Treatment(
        type="treatment",
        event_id=identity,
        patient_id=patient,
        source=context.source,
        effective_at=_effective(order, context),
        issued_at=context.sent_at,
        status=_status(order),
        **_said(step),
    )


def _said(step: Segment) -> dict[str, Any]:
    """The fields of ZTX, without the empty ones."""
    fields: dict[str, Any] = {
        "course_id": step.get(1),
        "condition": step.get(2),
        "modality": step.get(3),
        "regimen": step.get(4),
        "line": whole(step, 5),
        "intent": step.get(6).lower(),
        "phase": step.get(7).lower(),
        "cycle": whole(step, 8),
        "planned_cycles": whole(step, 9),
        "reason": step.get(10),
        "drug_classes": texts(step, 11),
        "drug": step.get(12),
        "dose": amount(step, 13),
        "dose_unit": step.get(14),
        "dose_level": _level(step),
    }
    return {name: value for name, value in fields.items() if value not in ("", None)}


def _level(step: Segment) -> int | None:
    """ZTX-15, which may lie below the level at which a drug was begun."""
    text = step.get(15)
    if not text:
        return None
    if not _LEVEL.fullmatch(text):
        raise Refused(Reason.NOT_A_NUMBER, "expected a level such as -1", "ZTX-15")
    return int(text)


def _status(order: _Order) -> Status:
    """A withdrawn order takes its steps with it; RXA-21 `D` deletes an administration."""
    deleted = any(given.get(21).upper() == "D" for given in order.given)
    if deleted or order.control.get(1).upper() in _WITHDRAWN:
        return Status.CANCELLED
    corrected = any(given.get(21).upper() == "U" for given in order.given)
    return Status.CORRECTED if corrected else Status.FINAL


def _effective(order: _Order, context: Context) -> Effective:
    """When it was given (RXA-3), else when the order's state came about (ORC-9)."""
    for given in order.given:
        if given.get(3):
            return context.effective(given.get(3), "RXA-3")
    if order.control.get(9):
        return context.effective(order.control.get(9), "ORC-9")
    raise Refused(Reason.MISSING_FIELD, "empty, and RXA-3 too", "ORC-9")
