"""Results from the future, at the moment of their receipt."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from schemas.deadletter import Reason
from services.ingest.coding import Rejected
from services.ingest.fhir.plausible import MEASURED, TOLERANCE, is_after

if TYPE_CHECKING:
    from collections.abc import Iterable

    from schemas.events import Event

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def in_the_future(events: Iterable[Event], received: int) -> Rejected | None:
    """Why what was received cannot be of the present; None if it can.

    Args:
        events: what it says.
        received: when it came, microseconds UTC.
    """
    latest = _EPOCH + timedelta(microseconds=received) + TOLERANCE
    if any(is_after(one.effective_at, latest) for one in events if isinstance(one, MEASURED)):
        detail = "a result of more than a day in the future"
        return Rejected(Reason.IMPOSSIBLE_DATE, detail, "effective[x]")
    if any(event.issued_at is not None and event.issued_at > latest for event in events):
        detail = "a version of more than a day in the future"
        return Rejected(Reason.IMPOSSIBLE_DATE, detail, "meta.lastUpdated")
    return None
