"""The made-up colleagues: who answers which case when, and how it ends. Pure; chance is a digest.

How soon people answer and what they decide are estimates of ours (E): they are there so that two
years don't lie unanswered on a worklist, and say nothing of any ward.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from schemas.actions import Disposition
from schemas.alerts import Severity
from schemas.base import digest
from services.demo.site import COLLEAGUE
from services.notifier.cases.commands import Acknowledge, Dispose

if TYPE_CHECKING:
    from datetime import datetime

    from services.notifier.cases.case import Case
    from services.notifier.cases.commands import AnyCommand

_ANSWERED: Final = {
    Severity.CRITICAL: timedelta(hours=2),
    Severity.URGENT: timedelta(hours=20),
    Severity.IMPORTANT: timedelta(days=2),
    Severity.ADVISORY: timedelta(days=4),
}
_CLOSED: Final = {
    Severity.CRITICAL: timedelta(hours=18),
    Severity.URGENT: timedelta(days=4),
    Severity.IMPORTANT: timedelta(days=14),
    Severity.ADVISORY: timedelta(days=28),
}
"""At the latest, after the case was opened or came back."""
_ENDINGS: Final = (
    *(Disposition.CONFIRMATORY_TEST_ORDERED,) * 4,
    *(Disposition.TREATMENT_CHANGED,) * 4,
    *(Disposition.DOSE_ADJUSTED,) * 3,
    *(Disposition.SALVAGE_REFERRED,) * 2,
    *(Disposition.ALREADY_KNOWN,) * 2,
    Disposition.NOT_CLINICALLY_RELEVANT,
)


class Answer(NamedTuple):
    """What somebody will do about a case."""

    at: datetime
    key: str
    patient_id: str
    course_id: str | None
    command: AnyCommand


def answers(case: Case, now: datetime, yours: datetime) -> list[Answer]:
    """What colleagues will do about a case that nobody has answered.

    Args:
        case: open.
        now: when they hear of it.
        yours: from when on all but the critical is left to whoever looks at the demo.
    """
    if now >= yours and case.severity is not Severity.CRITICAL:
        return []
    said: list[tuple[timedelta, AnyCommand]] = [
        (_ANSWERED[case.severity], Acknowledge(by=COLLEAGUE)),
        (_CLOSED[case.severity], Dispose(by=COLLEAGUE, disposition=_ending(case))),
    ]
    return [_answer(case, now, latest, command) for latest, command in said]


def _answer(case: Case, now: datetime, latest: timedelta, command: AnyCommand) -> Answer:
    """Somewhere in the second half of the time."""
    at = now + latest * (50 + _chance(case, type(command).__name__, 50)) / 100
    key = digest("demo", case.case_id, case.revision, type(command).__name__)
    return Answer(at, key, case.course.patient_id, case.course.course_id, command)


def _ending(case: Case) -> Disposition:
    return _ENDINGS[_chance(case, "ending", len(_ENDINGS))]


def _chance(case: Case, what: str, below: int) -> int:
    """The same for the same case, on every machine."""
    return int(digest(case.case_id, what)[:8], 16) % below
