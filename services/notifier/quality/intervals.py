"""From the evidence to salvage: how long each part of the way took, never less than nothing.

The way is: evidence, alert, first notice, acknowledgement, disposition, start of salvage. A mark
that was never reached makes the intervals that need it unknown, not nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from schemas.base import as_utc

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from services.notifier.cases.case import Marks


class Intervals(NamedTuple):
    """Lengths of time of one alert, or one episode; None where an end of it is not known.

    `lead` is what was left until the date by which to act when the alert came; it may be negative.
    """

    evidence_to_alert: timedelta | None
    alert_to_notice: timedelta | None
    notice_to_acknowledgement: timedelta | None
    acknowledgement_to_disposition: timedelta | None
    evidence_to_salvage: timedelta | None
    lead: timedelta | None


def intervals(marks: Marks) -> Intervals:
    """The intervals between the marks that were reached."""
    evidence = None if marks.evidence is None else as_utc(marks.evidence)
    salvage = None if marks.salvage is None else as_utc(marks.salvage)
    return Intervals(
        evidence_to_alert=_between(evidence, marks.alerted),
        alert_to_notice=_between(marks.alerted, marks.noticed),
        notice_to_acknowledgement=_between(marks.noticed, marks.acknowledged),
        acknowledgement_to_disposition=_between(marks.acknowledged, marks.disposed),
        evidence_to_salvage=_between(evidence, salvage),
        lead=_lead(marks),
    )


def _lead(marks: Marks) -> timedelta | None:
    if marks.act_by is None or marks.alerted is None:
        return None
    return marks.act_by - marks.alerted


def _between(begin: datetime | None, end: datetime | None) -> timedelta | None:
    """How long; a date without an hour may stand before what it caused, and then it is nothing."""
    if begin is None or end is None:
        return None
    return max(end - begin, begin - begin)
