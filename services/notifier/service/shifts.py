"""Changes of shift: open cases are offered to whoever comes; and hours that nobody covers are told.

Nothing changes hands by itself: an offer has to be accepted, or escalates.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from schemas.base import digest
from services.notifier.roster.outlook import gaps, hand_overs
from services.notifier.service.inputs import asked
from services.notifier.store import intake, meta, shelf
from services.notifier.store.instants import micros, moment
from services.runtime.logs import logger

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from services.notifier.cases.case import Case
    from services.notifier.roster.teams import Teams
    from services.notifier.store.database import Database
    from services.notifier.store.intake import Given

EVERY: Final = timedelta(minutes=1)
_DAILY: Final = timedelta(days=1)
_SHIFTS, _GAPS = "shifts", "gaps"


def change_shifts(database: Database, teams: Teams, now: datetime) -> int:
    """Offer what is to be offered since the last look; a case at one change of shift once.

    Returns:
        How many cases were offered.

    Raises:
        Unavailable: nothing was offered.
    """
    with database.transaction() as connection:
        text = meta.held(connection, _SHIFTS)
        before = now if text is None else moment(int(text))
        if text is not None and now - before < EVERY:
            return 0
        meta.put(connection, _SHIFTS, str(micros(now)))
        if not _any_change(teams, before, now):
            return 0
        given = list(_offers(shelf.open_cases(connection), teams, before, now))
        intake.take(connection, given, now)
        return len(given)


def _any_change(teams: Teams, after: datetime, until: datetime) -> bool:
    rotas = (rota for _, _, rota in teams.rotas())
    return any(True for rota in rotas for _ in rota.changes(after, until))


def _offers(
    cases: Sequence[Case], teams: Teams, after: datetime, until: datetime
) -> Iterator[Given]:
    courses = {one.case_id: one.course for one in cases}
    for one in hand_overs(cases, teams, after, until):
        course, key = courses[one.case_id], digest("shift", one.case_id, one.at.isoformat())
        yield asked(course.patient_id, course.course_id, one.offer, key)


def tell_gaps(database: Database, teams: Teams, now: datetime) -> int:
    """Say, once a day, which hours of the days to come nobody covers.

    Returns:
        How many there are; 0 between two looks.

    Raises:
        Unavailable: nothing was said.
    """
    with database.transaction() as connection:
        text = meta.held(connection, _GAPS)
        if text is not None and now - moment(int(text)) < _DAILY:
            return 0
        meta.put(connection, _GAPS, str(micros(now)))
    found = gaps(teams, now)
    for one in found:
        span = f"{one.begin.isoformat()} to {one.end.isoformat()}"
        about = {"source": one.team, "detail": str(one.duty), "reason": span}
        logger().error("nobody on duty", extra=about)
    return len(found)
