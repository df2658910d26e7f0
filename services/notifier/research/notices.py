"""A revision of an alert becomes a research notice. Pure; the key decides what nobody can undo.

Pseudonyms are HMACs under the feed's own key: the same patient has the same one, and nobody
without the key can try a list of numbers. Dates move by a number of days that is each patient's
own, so that the distances between them stay.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Final

from schemas.alerts import State
from schemas.research import ResearchNotice, Stage
from services.notifier.research.bands import bands, line_band

if TYPE_CHECKING:
    from schemas.alerts import AlertRevision
    from schemas.partial import PartialDate
    from services.notifier.cases.case import Course
    from services.notifier.research.settings import Sharing

_STAGES: Final = {
    State.SUSPECTED: Stage.SUSPECTED,
    State.CONFIRMED: Stage.CONFIRMED,
    State.WINDOW: Stage.WINDOW,
    State.RETRACTED: Stage.WITHDRAWN,
    State.REFUTED: Stage.WITHDRAWN,
    State.CLEARED: Stage.WITHDRAWN,
}
"""What else an alert may say is of no use to a trial."""


def notice_of(revision: AlertRevision, course: Course, sharing: Sharing) -> ResearchNotice | None:
    """What is shared of a revision; None if nothing is."""
    stage = Stage.WITHDRAWN if revision.change == "withdrawn" else _STAGES.get(revision.state)
    condition = course.condition
    if stage is None or condition is None or not sharing.covers(revision.rule, condition):
        return None
    patient_id, shift = revision.patient_id, shift_of(revision.patient_id, sharing)
    course_id = revision.course_id
    return ResearchNotice(
        finding=pseudonym(sharing, "finding", revision.alert_id),
        revision=revision.revision,
        subject=pseudonym(sharing, "subject", patient_id),
        course=None if course_id is None else pseudonym(sharing, "course", patient_id, course_id),
        condition=condition,
        line=line_band(course.line),
        rule=revision.rule,
        stage=stage,
        severity=revision.severity,
        known_on=_day(revision.at) + shift,
        evidence_on=_shifted(revision.onset, shift),
        act_by=_shifted(revision.act_by, shift),
        readiness=tuple(bands(revision.readiness)),
    )


def pseudonym(sharing: Sharing, *parts: str) -> str:
    """A name that tells nothing without the key; parts don't run into each other."""
    return _mac(sharing, *parts).hex()[:32]


def shift_of(patient_id: str, sharing: Sharing) -> timedelta:
    """By how much a patient's dates move: not by nothing, and always by the same."""
    number = int.from_bytes(_mac(sharing, "shift", patient_id)[:8])
    days = 1 + (number >> 1) % sharing.shift_days
    return timedelta(days=-days if number & 1 else days)


def _mac(sharing: Sharing, *parts: str) -> bytes:
    text = "\x00".join(f"{len(part)}:{part}" for part in parts)
    return hmac.new(sharing.key, text.encode(), hashlib.sha256).digest()


def _shifted(value: date | PartialDate | None, shift: timedelta) -> date | None:
    """A clinical time, if it is known to the day."""
    return _day(value) + shift if isinstance(value, date) else None


def _day(value: date) -> date:
    return value.astimezone(UTC).date() if isinstance(value, datetime) else value
