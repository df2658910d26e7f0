"""Results from the future: a wrong clock or a wrong year, and either would mislead every rule."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Final

from schemas.deadletter import Reason
from schemas.events import AdverseEvent, ImagingReport, Observation
from schemas.partial import PartialDate
from services.ingest.coding import Rejected
from services.ingest.hl7v2.times import moment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from services.ingest.hl7v2.codec import Segment
    from services.ingest.hl7v2.mapped import Mapped

TOLERANCE: Final = timedelta(hours=24)
"""CHOICE: more than any zone that was left out can explain away."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MEASURED = (Observation, ImagingReport, AdverseEvent)
"""What has happened when it is told. A treatment may be planned."""


def in_the_future(mapped: Mapped, header: Segment, received: int) -> Rejected | None:
    """Why a message cannot be of the present; None if it can.

    Args:
        mapped: what it says.
        header: its MSH.
        received: when it came, microseconds UTC.
    """
    latest = _EPOCH + timedelta(microseconds=received) + TOLERANCE
    if _after(_sent(header), latest):
        return Rejected(Reason.IMPOSSIBLE_DATE, "more than a day in the future", "MSH-7")
    if any(_after(at, latest) for at in _recorded(mapped)):
        return Rejected(Reason.IMPOSSIBLE_DATE, "more than a day in the future", "EVN-2")
    measured = (event for event in mapped.events if isinstance(event, _MEASURED))
    if any(_after(event.effective_at, latest) for event in measured):
        return Rejected(
            Reason.IMPOSSIBLE_DATE, "a result of more than a day in the future", "OBR-7"
        )
    return None


def _recorded(mapped: Mapped) -> Iterator[datetime | None]:
    """When something was said of a document; from the future it would overrule all that comes."""
    yield from (change.issued_at for change in mapped.changes)
    if mapped.document is not None:
        yield from (event.issued_at for event in mapped.events)


def _sent(header: Segment) -> datetime | None:
    try:
        return moment(header.get(7), UTC) if header.get(7) else None
    except ValueError:
        return None  # its reader says so


def _after(at: object, latest: datetime) -> bool:
    """Whether a time lies behind another; of a month or a year its first day counts."""
    if isinstance(at, datetime):
        return at > latest
    if isinstance(at, PartialDate):
        return at.first > latest.date()
    if isinstance(at, date):
        return at > latest.date()
    return False
