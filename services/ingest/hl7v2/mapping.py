"""Messages become events: the one door to HL7 v2.

Nothing is lost silently: whatever a message holds comes out as an event, as a rejection of the
whole or of a part, or as a notice.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pydantic import ValidationError

from schemas.deadletter import Reason
from services.ingest.coding import Notice, Rejected
from services.ingest.decode import rejected
from services.ingest.hl7v2.codec import Message, Refused, Segment, parse
from services.ingest.hl7v2.context import Context
from services.ingest.hl7v2.identity import order_number, patient_of
from services.ingest.hl7v2.imaging import imaging_report
from services.ingest.hl7v2.observations import Group, read_observation
from services.ingest.hl7v2.orders import treatments
from services.ingest.hl7v2.people import before_birth, birth_of, merges, patient_facts, sex_of
from services.ingest.hl7v2.profile import STANDARD, Profile
from services.ingest.hl7v2.stays import stays

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from schemas.events import Event


@dataclass(slots=True)
class Mapped:
    """What came of one message."""

    events: list[Event] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)


def read_message(raw: bytes, profile: Profile = STANDARD) -> Mapped:
    """Read one message.

    Args:
        raw: the message without its frame.
        profile: what is known of its sender.

    Returns:
        Its events; and each part that could not be used, with field and reason, never a value.
        No bytes make it raise.
    """
    mapped = Mapped()
    try:
        message = parse(raw, profile.charset)
        reader = _reader(message.header, profile)
        reader(message, Context.of(message.header, profile), mapped)
    except Refused as refusal:
        mapped.rejected.append(refusal.rejected)
    except ValidationError as error:
        mapped.rejected.append(rejected(error))
    if not (mapped.events or mapped.rejected or mapped.notices):
        mapped.notices.append(Notice(Reason.NOT_A_RESULT, "the message states no clinical fact"))
    return mapped


def _reader(header: Segment, profile: Profile) -> Callable[[Message, Context, Mapped], None]:
    """What reads this type of message (MSH-9)."""
    kind, event = header.get(9).upper(), header.get(9, 2).upper()
    if profile.ignored & {kind, f"{kind}^{event}"}:
        return _passed_over
    reader = _READERS.get((kind, event))
    if reader is None:
        raise Refused(Reason.UNSUPPORTED_MESSAGE, "not a type that we read", "MSH-9")
    return reader


def _passed_over(message: Message, context: Context, mapped: Mapped) -> None:
    del message, context
    mapped.notices.append(Notice(Reason.NOT_A_RESULT, "of a type that the site passes over"))


def _people(message: Message, context: Context, mapped: Mapped) -> None:
    _collect(patient_facts(message, context), mapped)
    if message.header.get(9, 2).upper() in _OF_VISITS:
        _collect(stays(message, context), mapped)


def _cancelled_stay(message: Message, context: Context, mapped: Mapped) -> None:
    _collect(stays(message, context), mapped)


def _merge(message: Message, context: Context, mapped: Mapped) -> None:
    _collect(merges(message, context), mapped)


def _orders(message: Message, context: Context, mapped: Mapped) -> None:
    _collect(treatments(message, context), mapped)


def _collect(events: Iterable[Event], mapped: Mapped) -> None:
    """All or nothing: a message of which one statement is wrong is refused whole."""
    mapped.events.extend(list(events))


def _results(message: Message, context: Context, mapped: Mapped) -> None:
    for group, details in _groups(message, context, mapped):
        for place, segment in details:
            if segment.name == "ZIM":
                _imaging(segment, group, context, mapped)
            else:
                _observation(segment, place, group, context, mapped)


def _imaging(segment: Segment, group: Group, context: Context, mapped: Mapped) -> None:
    try:
        mapped.events.append(imaging_report(segment, group, context))
    except Refused as refusal:
        mapped.rejected.append(refusal.rejected)
    except ValidationError as error:
        mapped.rejected.append(rejected(error, "ZIM"))


def _observation(
    segment: Segment, place: str, group: Group, context: Context, mapped: Mapped
) -> None:
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


_OF_VISITS = frozenset({"A01", "A04", "A08"})
"""Events of which the visit is told; the others repeat it, or are about the person."""

_READERS: dict[tuple[str, str], Callable[[Message, Context, Mapped], None]] = {
    ("ORU", "R01"): _results,
    **{("ADT", event): _people for event in ("A01", "A03", "A04", "A08", "A28", "A31")},
    ("ADT", "A11"): _cancelled_stay,
    **{("ADT", event): _merge for event in ("A34", "A40")},
    ("RAS", "O17"): _orders,
    ("RDE", "O11"): _orders,
    ("ORM", "O01"): _orders,
    ("OMG", "O19"): _orders,
}
"""MSH-9 to its reader: the whole list of what is understood."""
