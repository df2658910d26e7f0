"""Which rules may interrupt, since when that holds, and who decided it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import select

from services.notifier.store.database import insert_into
from services.notifier.store.tables import STANDINGS

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection


class Decided(NamedTuple):
    """What was decided about a rule; its dispositions count from `since` on."""

    rule: str
    interrupts: bool
    since: datetime
    decided_by: str
    why: str


def of_rule(connection: Connection, rule: str) -> Decided | None:
    """The latest decision about a rule; None if there was none, and it interrupts."""
    row = connection.execute(select(STANDINGS).where(STANDINGS.c.rule == rule)).first()
    return None if row is None else Decided(*row)


def all_of_them(connection: Connection) -> list[Decided]:
    """The latest decision about each rule of which there was one."""
    rows = connection.execute(select(STANDINGS).order_by(STANDINGS.c.rule))
    return [Decided(*row) for row in rows]


def demoted(connection: Connection) -> frozenset[str]:
    """The rules that may not interrupt."""
    query = select(STANDINGS.c.rule).where(STANDINGS.c.interrupts.is_(False))
    return frozenset(row.rule for row in connection.execute(query))


def decide(connection: Connection, decided: Decided) -> None:
    """Keep a decision, in the place of an earlier one; the audit trail has them all."""
    new = insert_into(connection, STANDINGS).values(decided._asdict())
    changed = {name: new.excluded[name] for name in decided._fields if name != "rule"}
    connection.execute(new.on_conflict_do_update(index_elements=["rule"], set_=changed))
