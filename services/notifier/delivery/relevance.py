"""Whether a message still matters at the moment at which it would leave. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from services.notifier.cases.words import CaseState
from services.notifier.channels.contract import Kind

if TYPE_CHECKING:
    from datetime import datetime

    from services.notifier.cases.case import Case
    from services.notifier.delivery.parcels import Parcel

CLOSED, ANSWERED, SUPERSEDED, STALE = "closed", "answered", "superseded", "stale"
REASONS: Final = (CLOSED, ANSWERED, SUPERSEDED, STALE)
_ANSWERED: Final = frozenset({CaseState.ACKNOWLEDGED, CaseState.IN_PROGRESS, CaseState.SNOOZED})


def needless(parcel: Parcel, case: Case | None, now: datetime) -> str | None:
    """Why a parcel need not leave any more; None if it must.

    Args:
        parcel: about to be sent for the first time, or once more.
        case: its case as it is now, or the one that took it over; None for what is about several.
        now: the present instant.

    Returns:
        `closed`: nobody has to do anything any more; `answered`: somebody looks after it;
        `superseded`: the case has gone on to another owner or round; `stale`: the next rung was
        told. A correction is never needless: who was told something wrong hears of it.
    """
    if parcel.kind is Kind.CORRECTION or parcel.channel is None or case is None:
        return None
    inherited = parcel.origin is not None and case.case_id != parcel.origin.case_id
    if inherited and not _is_taken_over(parcel, case):
        return SUPERSEDED
    if not case.is_open:
        return CLOSED
    if parcel.stale_at is not None and parcel.stale_at <= now:
        return STALE
    later = parcel.origin is not None and (inherited or case.revision > parcel.origin.revision)
    if parcel.rung is not None and later and parcel.to != case.owner:
        return SUPERSEDED
    if parcel.rung is not None and later and case.state in _ANSWERED:
        return ANSWERED
    return None


def _is_taken_over(parcel: Parcel, case: Case) -> bool:
    """Whether the parcel is about a merged record's case that is part of this one."""
    origin = parcel.origin
    return origin is not None and any(one.case_id == origin.case_id for one in case.forerunners)
