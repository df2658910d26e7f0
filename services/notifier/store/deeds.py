"""What people did: kept in the order of the deeds, told at least once, and counted by rule."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select, update

from schemas.actions import Action, Counts, Deed, Disposition
from services.notifier.store.database import insert_into
from services.notifier.store.tables import ACTIONS

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

_JUDGING = [str(one) for one in Disposition if one.counts in (Counts.TRUE, Counts.FALSE)]
"""Dispositions that say whether an alert was right."""


def record(connection: Connection, actions: Sequence[Action]) -> None:
    """Keep deeds; the same one once."""
    if not actions:
        return
    rows = [
        {
            "action_id": one.action_id,
            "case_id": one.case_id,
            "at": one.at,
            "body": one.to_json().decode(),
            "rule": one.rule,
            "disposition": None if one.disposition is None else str(one.disposition),
        }
        for one in actions
    ]
    _annul(connection, {one.case_id for one in actions if one.deed is Deed.REOPENED})
    new = insert_into(connection, ACTIONS).on_conflict_do_nothing(index_elements=["action_id"])
    connection.execute(new, rows)


def _annul(connection: Connection, cases: Collection[str]) -> None:
    """What was answered about a case that was closed in error says nothing of its rules."""
    if cases:
        of_them = ACTIONS.c.case_id.in_(sorted(cases))
        connection.execute(update(ACTIONS).where(of_them).values(disposition=None))


def waiting(connection: Connection, most: int) -> list[tuple[int, Action]]:
    """What was not told yet, with its number, in its order; ours until the transaction ends."""
    mine = (
        select(ACTIONS.c.seq, ACTIONS.c.body)
        .where(ACTIONS.c.published_at.is_(None))
        .order_by(ACTIONS.c.seq)
        .limit(most)
        .with_for_update()
    )
    rows = connection.execute(mine).all()
    return [(row.seq, Action.model_validate_json(row.body)) for row in rows]


def published(connection: Connection, numbers: Sequence[int], now: datetime) -> None:
    """These were told."""
    told = ACTIONS.c.seq.in_(numbers)
    connection.execute(update(ACTIONS).where(told).values(published_at=now))


def unpublished(connection: Connection) -> int:
    """How many wait."""
    query = select(func.count()).select_from(ACTIONS).where(ACTIONS.c.published_at.is_(None))
    return int(connection.execute(query).scalar_one())


# -- what they say of the rules


def last_disposition(connection: Connection) -> int:
    """The number of the latest disposition; 0 before the first."""
    query = select(func.max(ACTIONS.c.seq)).where(ACTIONS.c.disposition.is_not(None))
    return int(connection.execute(query).scalar() or 0)


def disposed_rules(connection: Connection, after: int) -> list[str]:
    """The rules of which there are dispositions behind a number."""
    new = ACTIONS.c.disposition.is_not(None) & (ACTIONS.c.seq > after)
    query = select(ACTIONS.c.rule).where(new).distinct().order_by(ACTIONS.c.rule)
    return [row.rule for row in connection.execute(query)]


def judged(
    connection: Connection, rule: str, most: int, since: datetime | None = None
) -> list[Disposition]:
    """The latest dispositions that say whether a rule was right, the latest last."""
    mine = (ACTIONS.c.rule == rule) & ACTIONS.c.disposition.in_(_JUDGING)
    recent = mine if since is None else mine & (ACTIONS.c.at >= since)
    query = select(ACTIONS.c.disposition).where(recent).order_by(ACTIONS.c.seq.desc()).limit(most)
    return [Disposition(row.disposition) for row in connection.execute(query)][::-1]


def dispositions(connection: Connection) -> dict[str, dict[Disposition, int]]:
    """How often each disposition was given, by rule."""
    given = ACTIONS.c.disposition.is_not(None)
    columns = (ACTIONS.c.rule, ACTIONS.c.disposition)
    query = select(*columns, func.count()).where(given).group_by(*columns)
    found: dict[str, dict[Disposition, int]] = {}
    for rule, code, count in connection.execute(query):
        found.setdefault(rule, {})[Disposition(code)] = int(count)
    return found
