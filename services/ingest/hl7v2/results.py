"""Result messages (ORU^R01): orders with their patients, and the results under them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pydantic import ValidationError

from schemas.deadletter import Reason
from services.ingest.coding import Rejected
from services.ingest.decode import rejected
from services.ingest.hl7v2.codec import Message, Refused, Segment
from services.ingest.hl7v2.identity import order_number, patient_of
from services.ingest.hl7v2.imaging import imaging_report
from services.ingest.hl7v2.observations import Group, read_observation
from services.ingest.hl7v2.people import before_birth, birth_of, sex_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from services.ingest.hl7v2.context import Context
    from services.ingest.hl7v2.mapped import Mapped


def read_results(message: Message, context: Context, mapped: Mapped) -> None:
    """Read the results of each order of an ORU^R01."""
    for group, details in _groups(message, context, mapped):
        for place, segment in details:
            if segment.name == "ZIM":
                add_imaging(segment, group, context, mapped)
            else:
                add_observation(segment, place, group, context, mapped)


def add_imaging(segment: Segment, group: Group, context: Context, mapped: Mapped) -> None:
    """Read the verdict of an imaging report (ZIM)."""
    try:
        mapped.events.append(imaging_report(segment, group, context))
    except Refused as refusal:
        mapped.rejected.append(refusal.rejected)
    except ValidationError as error:
        mapped.rejected.append(rejected(error, "ZIM"))


def add_observation(
    segment: Segment, place: str, group: Group, context: Context, mapped: Mapped
) -> None:
    """Read one OBX; what is older than its patient is refused."""
    outcome = read_observation(segment, place, group, context)
    mapped.notices.extend(outcome.notices)
    if outcome.event is not None and before_birth(outcome.event.effective_at, group.born):
        what = Rejected(Reason.IMPOSSIBLE_DATE, "before the patient's birth (PID-7)", place)
        mapped.rejected.append(what)
    elif outcome.event is not None:
        mapped.events.append(outcome.event)
    if outcome.refused is not None:
        mapped.rejected.append(outcome.refused)


@dataclass(slots=True)
class _Open:
    """An order group that is being gathered."""

    order: Segment
    patient: Segment | None
    control: Segment | None
    open: bool = True
    specimen: Segment | None = None
    details: list[tuple[str, Segment]] = field(default_factory=list)


def _groups(
    message: Message, context: Context, mapped: Mapped
) -> Iterator[tuple[Group, list[tuple[str, Segment]]]]:
    """The orders of a result message, each with its own patient and its results."""
    seen: dict[str, int] = {}
    for found in _gather(message, mapped):
        if found.patient is None:
            mapped.rejected.append(Rejected(Reason.MISSING_FIELD, "no PID segment", "PID"))
            return
        try:
            patient = patient_of(found.patient, 3, context.profile)
        except Refused as refusal:
            mapped.rejected.append(refusal.rejected)
            continue
        sex, born = sex_of(found.patient), birth_of(found.patient)
        group = Group(patient, found.order, _number(found), found.specimen, sex, born, seen)
        yield group, found.details


def _number(found: _Open) -> tuple[str, str] | None:
    """The filler's order number, else the placer's; of the order, else of its ORC."""
    order, control = found.order, found.control
    return order_number(order, 3, control, 3) or order_number(order, 2, control, 2)


def _gather(message: Message, mapped: Mapped) -> list[_Open]:
    """Follow PID, ORC, OBR and what stands under them, in the order of the segments."""
    groups: list[_Open] = []
    patient = control = None
    count = 0
    for segment in message.segments:
        current = groups[-1] if groups and groups[-1].open else None
        match segment.name:
            case "PID" | "ORC":
                patient = segment if segment.name == "PID" else patient
                control = segment if segment.name == "ORC" else None
                if current is not None:
                    current.open = False
            case "OBR":
                groups.append(_Open(segment, patient, control))
            case "SPM" if current is not None:
                current.specimen = current.specimen or segment
            case "OBX" | "ZIM" as name:
                count += name == "OBX"
                place = f"OBX[{count}]" if name == "OBX" else name
                _detail(segment, place, current, mapped)
            case _:
                pass  # segments that no rule needs: NTE, TQ1, PV1, SFT …
    return groups


def _detail(segment: Segment, place: str, current: _Open | None, mapped: Mapped) -> None:
    if current is None:
        what = Rejected(Reason.MALFORMED_HL7, f"{place} before any OBR", place)
        mapped.rejected.append(what)
    else:
        current.details.append((place, segment))
