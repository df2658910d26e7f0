"""The outbox: what is to be sent, what waits, and what became of it.

A parcel is put in by the transaction that decided it, once for each id.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import exists, func, select, update

from services.notifier.delivery.parcels import Parcel
from services.notifier.store.database import insert_into
from services.notifier.store.tables import NOTICES

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection

PENDING, SENDING, DELIVERED = "pending", "sending", "delivered"
FAILED, DROPPED, BUNDLED = "failed", "dropped", "bundled"
HELD = "over the limit of the channel"
"""Why a parcel waits that a throttle holds back."""


class Packed(NamedTuple):
    """A parcel on its way into the outbox: its idempotency key, and by which channel it goes.

    Without a channel it waits until the site has one for it.
    """

    parcel: Parcel
    key: str
    channel: str | None


class Entry(NamedTuple):
    """A parcel in the outbox.

    Attributes:
        key: idempotency key.
        channel: the one in use; None while none was chosen.
        refused: the channels that refused it for good.
        attempts: how many there were.
        duplicate: an earlier attempt may have arrived.
        why: it waits, or came to its end.
    """

    parcel: Parcel
    key: str
    channel: str | None
    refused: tuple[str, ...]
    attempts: int
    duplicate: bool
    why: str


COLUMNS = (
    NOTICES.c.body,
    NOTICES.c.key,
    NOTICES.c.channel,
    NOTICES.c.tried,
    NOTICES.c.attempts,
    NOTICES.c.duplicate,
    NOTICES.c.why,
)


def put(connection: Connection, packed: Iterable[Packed], now: datetime) -> None:
    """Put in parcels, due at once; one that is there already stays as it is."""
    rows = [_row(one, now) for one in packed]
    if rows:
        new = insert_into(connection, NOTICES)
        connection.execute(new.on_conflict_do_nothing(index_elements=["notice_id"]), rows)


def _row(packed: Packed, now: datetime) -> dict[str, object]:
    parcel, origin = packed.parcel, packed.parcel.origin
    return {
        "notice_id": parcel.parcel_id,
        "key": packed.key,
        "patient_id": None if origin is None else origin.patient_id,
        "course_id": None if origin is None else origin.course_id or "",
        "kind": str(parcel.kind),
        "recipient": str(parcel.to),
        "strength": "" if parcel.channel is None else str(parcel.channel),
        "channel": packed.channel,
        "state": PENDING,
        "due_at": now,
        "decided_at": parcel.at,
        "duplicate": False,
        "body": parcel.model_dump_json(exclude_none=True),
    }


def due(connection: Connection, now: datetime, channel: str, most: int) -> list[Entry]:
    """What a channel is to carry now, longest due first; ours until the transaction ends.

    What is said of a case to one recipient, or to the record, leaves in its order: nothing
    overtakes an attempt that has not come to its end.
    """
    return _due(connection, now, (NOTICES.c.channel == channel) & _IN_TURN, most)


def _behind_another() -> ColumnElement[bool]:
    """Whether something earlier of the same case, channel and recipient was begun, and goes on."""
    other = NOTICES.alias("other")
    same = (other.c.patient_id == NOTICES.c.patient_id) & (other.c.course_id == NOTICES.c.course_id)
    to = (other.c.recipient == NOTICES.c.recipient) | (NOTICES.c.strength == "")
    begun = other.c.due_at.is_not(None) & (other.c.attempts > 0) & (other.c.seq < NOTICES.c.seq)
    return exists().where(same & (other.c.channel == NOTICES.c.channel) & to & begun)


_IN_TURN = ~_behind_another()


def unrouted(
    connection: Connection, now: datetime, channels: Collection[str], most: int
) -> list[Entry]:
    """What no channel of these is to carry; ours until the transaction ends."""
    lost = NOTICES.c.channel.is_(None) | NOTICES.c.channel.not_in(channels)
    return _due(connection, now, lost, most)


def _due(
    connection: Connection, now: datetime, which: ColumnElement[bool], most: int
) -> list[Entry]:
    waits = (NOTICES.c.due_at <= now) & (NOTICES.c.state == PENDING) & which
    query = select(*COLUMNS).where(waits).order_by(NOTICES.c.due_at, NOTICES.c.seq).limit(most)
    return entries(connection.execute(query.with_for_update(skip_locked=True)).all())


def next_due(connection: Connection) -> datetime | None:
    """When the next parcel is due, or the next lease runs out."""
    query = select(func.min(NOTICES.c.due_at))
    found: datetime | None = connection.execute(query).scalar()
    return found


def settle(connection: Connection, parcel_id: str, state: str, why: str = "") -> None:
    """A parcel has come to its end."""
    change(connection, parcel_id, state=state, why=why, due_at=None, lease_until=None)


def again(
    connection: Connection, parcel_id: str, at: datetime, *, why: str, duplicate: bool = False
) -> None:
    """A parcel waits until an instant."""
    values: dict[str, object] = {"state": PENDING, "due_at": at, "lease_until": None, "why": why}
    if duplicate:
        values["duplicate"] = True
    change(connection, parcel_id, **values)


def reroute(
    connection: Connection, parcel_id: str, channel: str | None, refused: Collection[str]
) -> None:
    """A parcel goes by another channel than those that refused it."""
    change(connection, parcel_id, channel=channel, tried=",".join(refused))


def bundled(connection: Connection, parcels: Collection[str], bundle: str) -> None:
    """These leave together, as another parcel."""
    mine = NOTICES.c.notice_id.in_(parcels)
    gone = {"state": BUNDLED, "due_at": None, "bundle": bundle, "why": "together with others"}
    connection.execute(update(NOTICES).where(mine).values(**gone))


def members(connection: Connection, bundle: str) -> list[Parcel]:
    """What left as one bundle."""
    query = select(*COLUMNS).where(NOTICES.c.bundle == bundle)
    return [one.parcel for one in entries(connection.execute(query).all())]


def held_back(connection: Connection, recipient: str, strength: str) -> list[Entry]:
    """What throttles hold back of one recipient on one class of channels; ours from now on."""
    same = (NOTICES.c.recipient == recipient) & (NOTICES.c.strength == strength)
    waits = same & (NOTICES.c.state == PENDING) & (NOTICES.c.why == HELD)
    query = select(*COLUMNS).where(waits).order_by(NOTICES.c.seq)
    return entries(connection.execute(query.with_for_update(skip_locked=True)).all())


def sent_since(
    connection: Connection, recipient: str, strength: str, since: datetime, most: int
) -> list[datetime]:
    """When a recipient last got something on a class of channels, oldest first."""
    same = (NOTICES.c.recipient == recipient) & (NOTICES.c.strength == strength)
    recent = same & (NOTICES.c.sent_at > since)
    query = select(NOTICES.c.sent_at).where(recent).order_by(NOTICES.c.sent_at.desc()).limit(most)
    return [row.sent_at for row in connection.execute(query)][::-1]


def told(
    connection: Connection, recipient: str, patients: Collection[str], course_id: str
) -> list[str]:
    """Keys of the messages about a case that somebody may have got; a bundle's by its own."""
    same = (NOTICES.c.recipient == recipient) & NOTICES.c.patient_id.in_(patients)
    alerts = (NOTICES.c.kind == "alert") & (NOTICES.c.strength != "")
    mine = same & (NOTICES.c.course_id == course_id) & alerts
    own = select(NOTICES.c.key, NOTICES.c.seq).where(mine & (NOTICES.c.attempts > 0))
    keys = [row.key for row in connection.execute(own.order_by(NOTICES.c.seq))]
    bundles = select(NOTICES.c.bundle).where(mine & NOTICES.c.bundle.is_not(None))
    sent = select(NOTICES.c.key).where(NOTICES.c.notice_id.in_(bundles)).order_by(NOTICES.c.seq)
    return keys + [row.key for row in connection.execute(sent)]


def recorded(
    connection: Connection, channel: str, patients: Collection[str], course_id: str
) -> list[str]:
    """Keys of the copies about a case that a channel may have written into the record."""
    same = (NOTICES.c.channel == channel) & NOTICES.c.patient_id.in_(patients)
    mine = same & (NOTICES.c.course_id == course_id) & (NOTICES.c.strength == "")
    told = mine & (NOTICES.c.kind == "alert") & (NOTICES.c.attempts > 0)
    query = select(NOTICES.c.key).where(told).order_by(NOTICES.c.seq)
    return [row.key for row in connection.execute(query)]


def written_before(
    connection: Connection, entry: Entry, patient_id: str, course_id: str
) -> list[str]:
    """Keys of all that the same channel may have written into the record before, of a case."""
    own = select(NOTICES.c.seq).where(NOTICES.c.notice_id == entry.parcel.parcel_id)
    same = (NOTICES.c.channel == entry.channel) & (NOTICES.c.patient_id == patient_id)
    mine = same & (NOTICES.c.course_id == course_id) & (NOTICES.c.strength == "")
    before = mine & (NOTICES.c.attempts > 0) & (NOTICES.c.seq < own.scalar_subquery())
    query = select(NOTICES.c.key).where(before).order_by(NOTICES.c.seq)
    return [row.key for row in connection.execute(query)]


def counts(connection: Connection) -> dict[str, int]:
    """How many parcels are in each state."""
    query = select(NOTICES.c.state, func.count()).group_by(NOTICES.c.state)
    return {state: int(count) for state, count in connection.execute(query)}


def change(connection: Connection, parcel_id: str, **values: object) -> None:
    """Give a parcel's row other values."""
    connection.execute(update(NOTICES).where(NOTICES.c.notice_id == parcel_id).values(**values))


def entries(rows: Sequence[Any]) -> list[Entry]:
    """Rows of `COLUMNS` as entries."""
    return [
        Entry(
            Parcel.model_validate_json(row.body),
            row.key,
            row.channel,
            tuple(filter(None, row.tried.split(","))),
            row.attempts,
            row.duplicate,
            row.why,
        )
        for row in rows
    ]
