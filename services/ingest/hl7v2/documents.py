"""Documents (MDM): the coded and structured results of a report, and what becomes of the report.

Source: HL7 v2.5.1 chapter 9, §9.6 (trigger events), §9.7.1 (TXA), tables 0271 and 0273 (C:
from knowledge of the standard and lists of its chapters, to be checked against the v2.5.1 text).
Text is for people and is never interpreted.

Facts are those of result messages; they belong to the document (TXA-12) and not to an order.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from schemas.deadletter import Reason
from schemas.events import Status
from services.ingest.coding import Notice, Rejected
from services.ingest.documents import Change
from services.ingest.hl7v2.codec import Message, Refused, Segment
from services.ingest.hl7v2.identity import fact_id, order_number, patient_of
from services.ingest.hl7v2.observations import STATUSES, Group
from services.ingest.hl7v2.people import birth_of, sex_of
from services.ingest.hl7v2.results import add_imaging, add_observation
from services.ingest.hl7v2.values import read_value

if TYPE_CHECKING:
    from datetime import datetime

    from services.ingest.hl7v2.context import Context
    from services.ingest.hl7v2.mapped import Mapped

_WITH_CONTENT: Final = frozenset({"T02", "T04", "T06", "T08", "T10"})
"""Original, status, addendum, edit, replacement; the odd number before each has no content."""
_REPLACES: Final = frozenset({"T09", "T10"})
_CANCELS: Final = "T11"
TRIGGERS: Final = (*(f"T{number:02}" for number in range(1, 11)), _CANCELS)

_FINISHED: Final = frozenset({"AU", "LA"})
"""TXA-17 (table 0271): authenticated, legally authenticated."""
_UNFINISHED: Final = frozenset({"DI", "DO", "IP", "IN", "PA"})
"""Dictated, documented, in progress, incomplete, pre-authenticated."""
_GONE: Final = {"CA": "W", "OB": "X"}
"""TXA-19 (table 0273): cancelled, entered in error or of another patient; obsolete, replaced."""
_UNAVAILABLE: Final = "UN"
"""Not to be used for care at present. CHOICE: its facts count as preliminary, they confirm
nothing."""
_PROSE: Final = frozenset({"TX", "FT", "ED", "RP", "HD"})


@dataclass(frozen=True, slots=True)
class _Paper:
    """A document as its TXA describes it. `letter` is what table 0085 would call its status."""

    header: Segment
    name: str
    letter: str
    issued: datetime


def read_document(message: Message, context: Context, mapped: Mapped) -> None:
    """Read an MDM.

    Raises:
        Refused: no patient or document, one without a number or a status, or nothing says when.
    """
    trigger = message.header.get(9, 2).upper()
    headers = [segment for segment in message.segments if segment.name == "TXA"]
    if len(headers) != 1:
        raise Refused(Reason.MISSING_FIELD, "not one document", "TXA")
    person = message.first("PID")
    if person is None:
        raise Refused(Reason.MISSING_FIELD, "no such segment", "PID")
    patient = patient_of(person, 3, context.profile)
    paper = _paper(headers[0], trigger, message, context)
    mapped.document = paper.name
    _change(paper, trigger, context, mapped)
    if trigger in _WITH_CONTENT:
        own = replace(context, sent_at=paper.issued)
        _content(message, paper, _group(message, paper, patient, person, own), own, mapped)


def _paper(header: Segment, trigger: str, message: Message, context: Context) -> _Paper:
    name = _name(header, 12, context)
    if name is None:
        raise Refused(
            Reason.MISSING_FIELD, "empty: nothing tells the document's versions", "TXA-12"
        )
    return _Paper(header, name, _letter(header, trigger), _issued(message, context))


def _name(header: Segment, number: int, context: Context) -> str | None:
    """A document's number with its authority, at its sender."""
    found = order_number(header, number, None, 0)
    return None if found is None else fact_id("document", context.source, *found)


def _letter(header: Segment, trigger: str) -> str:
    """What table 0085 would call the document's status; the weaker of completion and availability.

    Raises:
        Refused: the completion status is missing or unknown. It is never guessed.
    """
    completion, availability = header.get(17).upper(), header.get(19).upper()
    if trigger == _CANCELS or availability in _GONE:
        return _GONE.get(availability, "W")
    if completion not in _FINISHED | _UNFINISHED:
        raise Refused(Reason.BAD_STATUS, "missing or not in table 0271", "TXA-17")
    return "F" if completion in _FINISHED and availability != _UNAVAILABLE else "P"


def _issued(message: Message, context: Context) -> datetime:
    """When this was said of the document: recorded (EVN-2), else sent (MSH-7).

    EVN-2 first: a message that is sent again may have a new MSH-7, and must not overtake.
    """
    event = message.first("EVN")
    recorded = event.get(2) if event else ""
    found = context.moment(recorded, "EVN-2") if recorded else None
    found = found or context.sent_at
    if found is None:
        raise Refused(Reason.MISSING_FIELD, "no time of day, and none in EVN-2", "MSH-7")
    return found


def _change(paper: _Paper, trigger: str, context: Context, mapped: Mapped) -> None:
    """What the message says of documents as a whole."""
    status = STATUSES[paper.letter]
    if status.withdraws or (status is Status.FINAL and trigger not in _WITH_CONTENT):
        mapped.changes.append(Change(paper.name, status, paper.issued))
    if trigger not in _REPLACES:
        return
    parent = _name(paper.header, 13, context)
    if parent is None:
        what = Rejected(Reason.MISSING_FIELD, "empty: nothing tells what is replaced", "TXA-13")
        mapped.rejected.append(what)
    elif parent == paper.name:
        what = Rejected(Reason.BAD_FIELD, "the document itself", "TXA-13")
        mapped.rejected.append(what)
    else:
        mapped.changes.append(Change(parent, Status.CANCELLED, paper.issued))


def _group(
    message: Message, paper: _Paper, patient: str, person: Segment, context: Context
) -> Group:
    """The document in the place of an order."""
    specimen = message.first("SPM")
    number = ("document", paper.name)
    order = _order(message, paper, context)
    return Group(patient, order, number, specimen, sex_of(person), birth_of(person), {})


def _order(message: Message, paper: _Paper, context: Context) -> Segment:
    """The order that the document is about, if it is one; its versions are the document's.

    When it was: OBR-7, else the activity's time (TXA-4).
    """
    orders = [segment for segment in message.segments if segment.name == "OBR"]
    header = paper.header
    order = orders[0] if len(orders) == 1 else header._replace(name="OBR", fields=())
    if not order.get(7) and header.get(4):
        context.effective(header.get(4), "TXA-4")  # so that what is wrong is told of its own field
        order = _with(order, 7, header.raw(4))
    return _with(_with(order, 22, ""), 25, paper.letter)


def _content(
    message: Message, paper: _Paper, group: Group, context: Context, mapped: Mapped
) -> None:
    """What stands behind TXA."""
    started, count = False, 0
    for segment in message.segments:
        started = started or segment is paper.header
        if segment.name == "ZIM" and started:
            add_imaging(segment, group, context, mapped)
        elif segment.name == "OBX":
            count += 1
            place = f"OBX[{count}]"
            if not started:
                mapped.rejected.append(Rejected(Reason.MALFORMED_HL7, f"{place} before TXA", place))
            elif _is_prose(segment, place, context):
                mapped.notices.append(Notice(Reason.NOT_A_RESULT, f"{place}: text for people"))
            else:
                result = _with(segment, 11, _weaker(segment.get(11).upper(), paper.letter))
                add_observation(result, place, group, context, mapped)


def _is_prose(obx: Segment, place: str, context: Context) -> bool:
    """Whether it is text; a short string is unless it reads as a result."""
    kind = obx.get(2).upper()
    if kind in _PROSE:
        return True
    if kind != "ST" or not obx.raw(5).strip():
        return False
    try:
        read_value(obx, place, context.profile)
    except Refused as refusal:
        return refusal.rejected.reason is Reason.NO_VALUE
    return False


def _weaker(own: str, document: str) -> str:
    """OBX-11 within a document: neither says more than the other allows."""
    if not own or STATUSES[document].withdraws:
        return document
    stands = own in STATUSES and not STATUSES[own].withdraws
    return document if stands and document == "P" else own


def _with(segment: Segment, number: int, text: str) -> Segment:
    """The segment with another field."""
    fields = [*segment.fields, *[""] * (number - len(segment.fields))]
    fields[number - 1] = text
    return segment._replace(fields=tuple(fields))
