"""What comes in: taken once, in the order of its coming, and kept until it was worked on."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import func, select, update

from services.notifier.store.database import insert_into
from services.notifier.store.tables import INPUTS, PATIENTS, POSITIONS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import datetime

    from sqlalchemy import Connection


class Given(NamedTuple):
    """Something that concerns a patient.

    Attributes:
        key: what has come under it once does not come in again.
        body: JSON of one of `services.notifier.service.inputs`.
    """

    key: str
    patient_id: str
    body: str


class Waiting(NamedTuple):
    """An input that was not worked on yet."""

    seq: int
    key: str
    at: datetime
    body: str


def take(connection: Connection, given: Iterable[Given], now: datetime) -> None:
    """Take in what is new, and have its patients looked at."""
    found = list(given)
    if not found:
        return
    wake(connection, {one.patient_id for one in found}, now)
    rows = [{**one._asdict(), "at": now} for one in found]
    new = insert_into(connection, INPUTS).on_conflict_do_nothing(index_elements=["key"])
    connection.execute(new, rows)


def wake(connection: Connection, patients: Collection[str], at: datetime) -> None:
    """Have patients looked at by then; locked in one order, so that nobody waits in a ring."""
    new = insert_into(connection, PATIENTS)
    earlier = PATIENTS.c.due_at.is_(None) | (PATIENTS.c.due_at > new.excluded.due_at)
    sooner = new.on_conflict_do_update(
        index_elements=["patient_id"], set_={"due_at": new.excluded.due_at}, where=earlier
    )
    rows = [{"patient_id": each, "due_at": at} for each in sorted(patients)]
    connection.execute(sooner, rows)


def waiting(connection: Connection, patient_id: str) -> list[Waiting]:
    """A patient's inputs, first come first."""
    columns = (INPUTS.c.seq, INPUTS.c.key, INPUTS.c.at, INPUTS.c.body)
    mine = (INPUTS.c.patient_id == patient_id) & INPUTS.c.body.is_not(None)
    rows = connection.execute(select(*columns).where(mine).order_by(INPUTS.c.seq))
    return [Waiting(*row) for row in rows]


def about_merges(connection: Connection, patients: Collection[str]) -> dict[str, list[Waiting]]:
    """Of some patients' inputs those that may say into which record one was merged."""
    columns = (INPUTS.c.seq, INPUTS.c.key, INPUTS.c.at, INPUTS.c.body)
    says = INPUTS.c.key.startswith("event:") & INPUTS.c.body.contains('"merged_into":"')
    mine = INPUTS.c.patient_id.in_(patients) & INPUTS.c.body.is_not(None) & says
    query = select(INPUTS.c.patient_id, *columns).where(mine).order_by(INPUTS.c.seq)
    found: dict[str, list[Waiting]] = {}
    for patient_id, *row in connection.execute(query):
        found.setdefault(patient_id, []).append(Waiting(*row))
    return found


def finish(connection: Connection, done: Collection[int]) -> None:
    """These were worked on; that they came stays known."""
    if done:
        connection.execute(update(INPUTS).where(INPUTS.c.seq.in_(done)).values(body=None))


def backlog(connection: Connection) -> int:
    """How many inputs wait."""
    query = select(func.count()).select_from(INPUTS).where(INPUTS.c.body.is_not(None))
    return int(connection.execute(query).scalar_one())


def position(connection: Connection, feed: str) -> int:
    """How far a feed was read; 0 at first."""
    query = select(POSITIONS.c.position).where(POSITIONS.c.feed == feed)
    return int(connection.execute(query).scalar() or 0)


def advance(connection: Connection, feed: str, position: int) -> None:
    """Note how far a feed was read; never back, whoever reads it beside us."""
    new = insert_into(connection, POSITIONS)
    further = new.on_conflict_do_update(
        index_elements=["feed"],
        set_={"position": new.excluded.position},
        where=POSITIONS.c.position < new.excluded.position,
    )
    connection.execute(further, [{"feed": feed, "position": position}])
