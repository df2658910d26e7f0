"""How the store stands, in numbers: what operations watch. Nothing of a patient is among them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from sqlalchemy import BigInteger, case, func, select, type_coerce

from services.notifier.cases.words import CaseState
from services.notifier.store import deeds, intake, shelf, standings
from services.notifier.store.tables import CASES, NOTICES, TIMINGS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from sqlalchemy import Column, Connection

    from schemas.actions import Disposition

STAGES: Final[dict[str, tuple[Column[datetime], Column[datetime]]]] = {
    "evidence-alert": (TIMINGS.c.evidence_at, TIMINGS.c.alerted_at),
    "alert-notice": (TIMINGS.c.alerted_at, TIMINGS.c.noticed_at),
    "notice-answer": (TIMINGS.c.noticed_at, TIMINGS.c.acknowledged_at),
    "answer-disposition": (TIMINGS.c.acknowledged_at, TIMINGS.c.disposed_at),
    "evidence-salvage": (TIMINGS.c.evidence_at, TIMINGS.c.salvage_at),
}
"""Parts of the way, each with the instants at its ends."""


class Queue(NamedTuple):
    """What of the outbox waits for a channel, and since when the oldest has been due."""

    rows: int
    oldest: datetime | None


class Wait(NamedTuple):
    """So many alerts of a rule passed a stage; together it took so long."""

    rule: str
    stage: str
    alerts: int
    seconds: int


class Overview(NamedTuple):
    """The store at an instant.

    Attributes:
        open_cases: by state and severity.
        overdue: open cases whose time to act has passed, by severity.
        queues: by channel; '' for what has none.
        inputs: that nobody has worked on yet.
        failing: patients whose cases our own code fails at.
        unpublished: deeds that nobody was told of yet.
        demoted: rules that may not interrupt.
    """

    open_cases: dict[tuple[str, str], int]
    overdue: dict[str, int]
    queues: dict[str, Queue]
    inputs: int
    failing: int
    unpublished: int
    demoted: frozenset[str]


class Outcomes(NamedTuple):
    """What became of alerts so far, by rule: dispositions, and how long it took."""

    dispositions: dict[str, dict[Disposition, int]]
    waits: tuple[Wait, ...]


def overview(connection: Connection, now: datetime) -> Overview:
    """How the store stands; cheap enough to be asked every few seconds."""
    return Overview(
        open_cases=_open_cases(connection),
        overdue=_overdue(connection, now),
        queues=dict(_queues(connection, now)),
        inputs=intake.backlog(connection),
        failing=shelf.failing(connection),
        unpublished=deeds.unpublished(connection),
        demoted=standings.demoted(connection),
    )


def outcomes(connection: Connection) -> Outcomes:
    """What became of all alerts; goes through all that was ever kept of them."""
    waits = [one for stage in STAGES for one in _waits(connection, stage)]
    return Outcomes(deeds.dispositions(connection), tuple(waits))


def _open_cases(connection: Connection) -> dict[tuple[str, str], int]:
    columns = (CASES.c.state, CASES.c.severity)
    is_open = CASES.c.state != CaseState.CLOSED
    query = select(*columns, func.count()).where(is_open).group_by(*columns)
    return {(state, severity): int(count) for state, severity, count in connection.execute(query)}


def _overdue(connection: Connection, now: datetime) -> dict[str, int]:
    """Also those that say so only when somebody works on them: what hangs must not hide them."""
    late = (CASES.c.state == CaseState.OVERDUE) | (CASES.c.act_by <= now)
    mine = (CASES.c.state != CaseState.CLOSED) & late
    query = select(CASES.c.severity, func.count()).where(mine).group_by(CASES.c.severity)
    return {severity: int(count) for severity, count in connection.execute(query)}


def _queues(connection: Connection, now: datetime) -> Iterator[tuple[str, Queue]]:
    columns = (NOTICES.c.channel, func.count(), func.min(NOTICES.c.due_at))
    waits = NOTICES.c.due_at.is_not(None)
    for channel, rows, oldest in connection.execute(
        select(*columns).where(waits).group_by(NOTICES.c.channel)
    ):
        yield channel or "", Queue(int(rows), oldest if oldest <= now else None)


def _waits(connection: Connection, stage: str) -> Iterator[Wait]:
    begin, end = (type_coerce(column, BigInteger) for column in STAGES[stage])
    seconds = func.sum(case((end > begin, end - begin), else_=0) // 1_000_000)
    reached = begin.is_not(None) & end.is_not(None)
    query = select(TIMINGS.c.rule, func.count(), seconds).where(reached).group_by(TIMINGS.c.rule)
    for rule, alerts, total in connection.execute(query):
        yield Wait(rule, stage, int(alerts), int(total))
