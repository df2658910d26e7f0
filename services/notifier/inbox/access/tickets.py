"""Sign-ins in the store: 15 minutes without a question end one, and so do 12 hours.

Source of the limits: the notifier's own requirements (CHOICE), in line with automatic log-off,
45 CFR 164.312(a)(2)(iii) (C). The browser's secret has 256 bits of chance; the store has its
digest alone, so that a copy of the store signs nobody in.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from sqlalchemy import delete, insert, select, update

from services.notifier.inbox.access.people import Identity
from services.notifier.store.tables import SIGNED_IN

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy import Connection

IDLE: Final = timedelta(minutes=15)
WHOLE: Final = timedelta(hours=12)
_STEP: Final = timedelta(seconds=30)
"""Looks nearer than this to the last one are not written down."""


class Ticket(NamedTuple):
    """A sign-in that holds, and when it ends unless something is asked before."""

    identity: Identity
    ends_at: datetime


def issue(connection: Connection, identity: Identity, now: datetime) -> str:
    """Sign somebody in; what ended is forgotten.

    Returns:
        The secret for their browser: a new one each time.
    """
    secret = secrets.token_urlsafe(32)
    over = (SIGNED_IN.c.seen_at <= now - IDLE) | (SIGNED_IN.c.began_at <= now - WHOLE)
    connection.execute(delete(SIGNED_IN).where(over))
    row = {"digest": _digest(secret), "who": identity.model_dump_json()}
    connection.execute(insert(SIGNED_IN).values(**row, began_at=now, seen_at=now))
    return secret


def held(connection: Connection, secret: str, now: datetime, *, touch: bool) -> Ticket | None:
    """The sign-in of a secret, if it holds.

    Args:
        connection: a transaction.
        secret: what the browser sent.
        now: the present instant.
        touch: whether this is somebody's question; an open stream is none.
    """
    mine = SIGNED_IN.c.digest == _digest(secret)
    row = connection.execute(select(SIGNED_IN).where(mine)).first()
    if row is None or now >= row.seen_at + IDLE or now >= row.began_at + WHOLE:
        return None
    seen = row.seen_at
    if touch and now - seen >= _STEP:
        connection.execute(update(SIGNED_IN).where(mine).values(seen_at=now))
        seen = now
    identity = Identity.model_validate_json(row.who)
    return Ticket(identity, min(seen + IDLE, row.began_at + WHOLE))


def end(connection: Connection, secret: str) -> None:
    """Sign somebody out."""
    connection.execute(delete(SIGNED_IN).where(SIGNED_IN.c.digest == _digest(secret)))


def end_all(connection: Connection, over: Callable[[Identity], bool]) -> tuple[Identity, ...]:
    """Sign out whoever is meant; who that was.

    There are as many sign-ins as people at work, so all of them are looked at.
    """
    rows = connection.execute(select(SIGNED_IN.c.digest, SIGNED_IN.c.who)).all()
    held = {bytes(row.digest): Identity.model_validate_json(row.who) for row in rows}
    ended = {digest: one for digest, one in held.items() if over(one)}
    connection.execute(delete(SIGNED_IN).where(SIGNED_IN.c.digest.in_(ended)))
    return tuple(ended.values())


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
