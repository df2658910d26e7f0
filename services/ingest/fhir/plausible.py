"""Results that were known before they were: a wrong clock or a wrong year.

Either would mislead every rule. No clock is read: a version says itself when it was released.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Final

from schemas.deadletter import Reason
from schemas.events import AdverseEvent, ImagingReport, Observation
from schemas.partial import PartialDate
from services.ingest.coding import Rejected

if TYPE_CHECKING:
    from schemas.events import Event

TOLERANCE: Final = timedelta(hours=24)
"""CHOICE, as for HL7 v2: more than any zone that was left out can explain away."""
MEASURED: Final = (Observation, ImagingReport, AdverseEvent)
"""What has happened when it is told. A treatment may be planned."""


def known_too_early(event: Event, place: str) -> Rejected | None:
    """Why an event cannot be: it was released a day or more before it was true."""
    if not isinstance(event, MEASURED) or event.issued_at is None or event.status.withdraws:
        return None
    if not is_after(event.effective_at, event.issued_at + TOLERANCE):
        return None
    where = f"{place}.effective[x]"
    detail = f"{where}: more than a day after this version was released"
    return Rejected(Reason.IMPOSSIBLE_DATE, detail, where)


def is_after(at: object, latest: datetime) -> bool:
    """Whether a time lies behind another; of a month or a year its first day counts."""
    if isinstance(at, datetime):
        return at > latest
    if isinstance(at, PartialDate):
        return at.first > latest.date()
    return isinstance(at, date) and at > latest.date()
