"""When each alert of a case reached what, as far as the case tells; deeds tell the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from schemas.base import as_utc

if TYPE_CHECKING:
    from datetime import datetime

    from services.notifier.cases.case import Case


class Timed(NamedTuple):
    """An alert of an episode.

    Attributes:
        evidence_at: clinical time of the first qualifying evidence; of a date its beginning.
        alerted_at: when its statement could first be made.
        noticed_at: when somebody had first been told; None if nobody has.
    """

    case_id: str
    alert_id: str
    rule: str
    evidence_at: datetime | None
    alerted_at: datetime
    act_by: datetime | None
    noticed_at: datetime | None


def timed(case: Case, at: datetime) -> tuple[Timed, ...]:
    """The alerts about which nothing was decided, after a step at an instant."""
    told = {one.alert_id for one in case.receipts}
    return tuple(
        Timed(
            case_id=case.case_id,
            alert_id=one.alert_id,
            rule=one.rule,
            evidence_at=None if one.evidence_at is None else as_utc(one.evidence_at),
            alerted_at=one.since,
            act_by=one.act_by,
            noticed_at=at if one.alert_id in told else None,
        )
        for one in case.pending
        if one.record is None  # a merged record's alert is timed where it was raised
    )
