"""Breaking the glass: another team's case, opened for an hour, with a reason, and reviewed.

Source: the emergency access procedure of 45 CFR 164.312(a)(2)(ii) (C). How long it lasts, and
which reasons there are, is ours (CHOICE).
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import insert, select, update

from services.notifier.inbox.reading.contract import GlassGrant
from services.notifier.store.tables import GLASS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import Connection

LASTS: Final = timedelta(minutes=60)
_MOST: Final = 200


def break_glass(
    connection: Connection,
    who: str,
    case: tuple[str, str],
    because: tuple[str, str],
    now: datetime,
) -> int:
    """Let somebody see a case for an hour.

    Args:
        connection: a transaction.
        who: their name in the audit trail.
        case: its reference and its team.
        because: the reason's code, and their own words.
        now: the present instant.

    Returns:
        The number under which it waits for review.
    """
    (reference, team), (reason, words) = case, because
    values = {"reference": reference, "team": team, "who": who, "reason": reason, "words": words}
    new = insert(GLASS).values(**values, at=now, until=now + LASTS)
    return int(connection.execute(new.returning(GLASS.c.number)).scalar_one())


def opened(connection: Connection, who: str, now: datetime) -> Mapping[str, datetime]:
    """The cases that somebody sees for that reason now, and until when."""
    mine = (GLASS.c.who == who) & (GLASS.c.until > now)
    rows = connection.execute(select(GLASS.c.reference, GLASS.c.until).where(mine))
    found: dict[str, datetime] = {}
    for row in rows:
        found[row.reference] = max(row.until, found.get(row.reference, row.until))
    return found


def grants(connection: Connection) -> tuple[GlassGrant, ...]:
    """What is to be reviewed first, then the rest, newest first."""
    todo = GLASS.c.reviewed_at.is_not(None)
    query = select(GLASS).order_by(todo, GLASS.c.number.desc()).limit(_MOST)
    return tuple(
        GlassGrant(
            number=row.number,
            reference=row.reference,
            team=row.team,
            by=row.who,
            reason=row.reason,
            words=row.words,
            at=row.at,
            until=row.until,
            reviewed_by=row.reviewed_by,
            reviewed_at=row.reviewed_at,
        )
        for row in connection.execute(query)
    )


def review(connection: Connection, number: int, who: str, now: datetime) -> str | None:
    """Note that somebody has looked at it; nobody reviews what they did themselves.

    Returns:
        The case's reference; None if there is no such one to be reviewed by them.
    """
    open_one = (GLASS.c.number == number) & GLASS.c.reviewed_at.is_(None) & (GLASS.c.who != who)
    done = update(GLASS).where(open_one).values(reviewed_by=who, reviewed_at=now)
    row = connection.execute(done.returning(GLASS.c.reference)).first()
    return None if row is None else str(row.reference)
