"""Feedback: what people answered decides whether a rule may go on interrupting.

A rule that loses that is told loudly: in the log, in the audit trail, by a metric on which an alert
of operations stands, and by `salvage notify status`. It gets it back from a person, never by
itself.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from services.notifier.cases.turn import SYSTEM
from services.notifier.quality.ppv import ENOUGH, judge
from services.notifier.store import audit, deeds, meta, standings
from services.notifier.store.audit import Line
from services.notifier.store.standings import Decided
from services.runtime.errors import OperatorError
from services.runtime.logs import logger

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from services.notifier.service.premises import Premises
    from services.notifier.store.database import Database

_LAST: Final = "last-judged"


def as_judged(connection: Connection, house: Premises) -> Premises:
    """The premises with the rules that may not interrupt at present."""
    site = replace(house.site, demoted=standings.demoted(connection))
    return replace(house, site=site)


def judge_rules(database: Database, now: datetime) -> int:
    """Judge the rules of which there are new dispositions.

    Returns:
        How many rules lost the right to interrupt.

    Raises:
        Unavailable: nothing was decided.
    """
    with database.transaction() as connection:
        meta.agree(connection, _LAST, "0")
        before = int(meta.held(connection, _LAST) or 0)
        last = deeds.last_disposition(connection)
        rules = deeds.disposed_rules(connection, before) if last > before else []
        fallen = [found for rule in rules if (found := _fallen(connection, rule, now)) is not None]
        if rules:
            meta.put(connection, _LAST, str(last))
        audit.append(connection, [_line(one) for one in fallen])
    for one in fallen:
        logger().error("rule demoted", extra={"rule": one.rule, "reason": one.why})
    return len(fallen)


def _fallen(connection: Connection, rule: str, now: datetime) -> Decided | None:
    """What is decided of a rule that is below its floor; None if nothing changes."""
    held = standings.of_rule(connection, rule)
    recent = deeds.judged(connection, rule, ENOUGH, held.since if held else None)
    found = judge(rule, recent, now, interrupts=held is None or held.interrupts)
    if not found.changed:
        return None
    decided = Decided(rule, found.interrupts, now, SYSTEM, found.why)
    standings.decide(connection, decided)
    return decided


def reinstate(database: Database, rule: str, by: str, why: str, now: datetime) -> None:
    """Let a rule interrupt again; what was answered before doesn't count against it any more.

    Raises:
        OperatorError: it was not demoted.
        Unavailable: nothing was decided.
    """
    with database.transaction() as connection:
        held = standings.of_rule(connection, rule)
        if held is None or held.interrupts:
            raise OperatorError("--rule: it was not demoted")
        decided = Decided(rule, interrupts=True, since=now, decided_by=by, why=why)
        standings.decide(connection, decided)
        audit.append(connection, [_line(decided)])


def _line(decided: Decided) -> Line:
    said = {"what": "reinstated" if decided.interrupts else "demoted", "rule": decided.rule}
    return Line(decided.since, None, {**said, "by": decided.decided_by, "why": decided.why})
