"""Messages become events: the one door to HL7 v2.

Nothing is lost silently: whatever a message holds comes out as an event, as a rejection of the
whole or of a part, or as a notice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import ValidationError

from schemas.deadletter import Reason
from services.ingest.coding import Notice
from services.ingest.decode import rejected
from services.ingest.hl7v2.codec import Message, Refused, Segment, parse
from services.ingest.hl7v2.context import Context
from services.ingest.hl7v2.documents import TRIGGERS, read_document
from services.ingest.hl7v2.identity import persons_of
from services.ingest.hl7v2.mapped import Mapped
from services.ingest.hl7v2.orders import treatments
from services.ingest.hl7v2.people import merges, patient_facts
from services.ingest.hl7v2.profile import STANDARD, Profile
from services.ingest.hl7v2.results import read_results
from services.ingest.hl7v2.stays import stays

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from schemas.events import Event


__all__ = ["Mapped", "read_message"]


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
        if mapped.events:
            mapped.persons += persons_of(message, profile)
    except Refused as refusal:
        mapped.rejected.append(refusal.rejected)
    except ValidationError as error:
        mapped.rejected.append(rejected(error))
    if not (mapped.events or mapped.rejected or mapped.notices or mapped.changes):
        mapped.notices.append(Notice(Reason.NOT_A_RESULT, "the message states no clinical fact"))
    return mapped


def _reader(header: Segment, profile: Profile) -> Callable[[Message, Context, Mapped], None]:
    """What reads this type of message (MSH-9)."""
    kind, event = header.get(9).upper(), header.get(9, 2).upper()
    if profile.ignored & {kind, f"{kind}^{event}"}:
        return _passed_over
    if (kind, event) == _UNLINK:
        raise Refused(Reason.UNLINK_UNSUPPORTED, "records that were one are two again", "MSH-9")
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


_OF_VISITS = frozenset({"A01", "A04", "A08"})
"""Events of which the visit is told; the others repeat it, or are about the person."""

_UNLINK = ("ADT", "A37")
"""It names two records and not what was said of which, so nothing can be taken apart by it."""

_READERS: dict[tuple[str, str], Callable[[Message, Context, Mapped], None]] = {
    ("ORU", "R01"): read_results,
    **{("MDM", event): read_document for event in TRIGGERS},
    **{("ADT", event): _people for event in ("A01", "A03", "A04", "A08", "A28", "A31")},
    ("ADT", "A11"): _cancelled_stay,
    **{("ADT", event): _merge for event in ("A34", "A40")},
    ("RAS", "O17"): _orders,
    ("RDE", "O11"): _orders,
    ("ORM", "O01"): _orders,
    ("OMG", "O19"): _orders,
}
"""MSH-9 to its reader: the whole list of what is understood."""
KNOWN = frozenset("^".join(kind) for kind in _READERS)
"""The same as `ORU^R01`."""
