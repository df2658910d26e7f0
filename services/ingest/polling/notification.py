"""Notifications of a FHIR Subscription: read as a hint, not as the truth. Pure.

Source: Subscriptions R5 Backport 1.1 for R4: a Bundle of type `history` whose first entry is a
Parameters with the status (H); of R5 it is a SubscriptionStatus.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from schemas.deadletter import Reason
from services.ingest.coding import Refused
from services.ingest.fhir.document import read_document

if TYPE_CHECKING:
    from services.ingest.fhir.elements import Element


class Kind(StrEnum):
    """Why a server notifies."""

    HANDSHAKE = "handshake"
    HEARTBEAT = "heartbeat"
    EVENT = "event-notification"
    QUERY_STATUS = "query-status"
    QUERY_EVENT = "query-event"


@dataclass(frozen=True, slots=True)
class Notification:
    """What a notification says of itself: why it came, and the number of its last event."""

    kind: Kind
    last: int | None = None

    def gap(self, before: int | None) -> bool:
        """Whether events are missing between the last known one and this notification."""
        if before is None or self.last is None:
            return False
        expected = before + 1 if self.kind is Kind.EVENT else before
        return self.last > expected


def read_notification(raw: bytes) -> Notification:
    """Read a notification.

    Raises:
        Unreadable: it is no JSON that all readers understand alike.
        Refused: it is no notification.
    """
    document = read_document(raw)
    if document.root.raw("resourceType") != "Bundle" or document.root.text("type") != "history":
        raise Refused(Reason.UNEXPECTED_RESOURCE, "not a Bundle of type history", "type")
    first = document.entries[0] if document.entries else None
    if first is None or first.kind not in ("Parameters", "SubscriptionStatus"):
        raise Refused(Reason.UNEXPECTED_RESOURCE, "no status in the first entry", "entry[0]")
    said = _parameters(first.resource) if first.kind == "Parameters" else _status(first.resource)
    kind, events = said
    if kind not in set(Kind):
        raise Refused(Reason.BAD_FIELD, "no known kind of notification", "entry[0].type")
    return Notification(Kind(kind), max(events, default=None))


def _parameters(status: Element) -> tuple[str | None, list[int]]:
    """Of R4: a list of named values, events among them with parts of their own."""
    kind, events = None, list[int]()
    for one in status.many("parameter"):
        name = one.text("name")
        if name == "type":
            kind = one.text("valueCode")
        elif name == "eventsSinceSubscriptionStart":
            events += _number(one)
        elif name == "notificationEvent":
            inner = [part for part in one.many("part") if part.text("name") == "eventNumber"]
            events += [number for part in inner for number in _number(part)]
    return kind, events


def _number(parameter: Element) -> list[int]:
    """A count, which is text in one version of the guide and a number in another."""
    for name in ("valueString", "valueInteger", "valueUnsignedInt", "valuePositiveInt"):
        value = parameter.raw(name)
        if isinstance(value, (str, int)) and str(value).isdecimal() and len(str(value)) <= 18:  # noqa: PLR2004
            return [int(value)]
    return []


def _status(status: Element) -> tuple[str | None, list[int]]:
    found = [status.raw("eventsSinceSubscriptionStart")]
    found += [event.raw("eventNumber") for event in status.many("notificationEvent")]
    texts = [str(one) for one in found if isinstance(one, (str, int))]
    return status.text("type"), [int(text) for text in texts if text.isdecimal()]
